/* What goes wrong while accounts are changed; test_account.c has what goes right. */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>

#include "mail_root.h"

/* Processes that add and change at the same time: nobody's change is lost. */
START_TEST(many_at_once)
{
	enum { PROCESSES = 6, EACH = 8 };
	char name[ACCOUNT_NAME + 1];
	struct span credential;
	struct buf text;
	int status, n = 0;

	for (int p = 0; p < PROCESSES; p++) {
		pid_t pid = fork();
		ck_assert_int_ge(pid, 0);
		for (int i = 0; i < EACH && pid == 0; i++) {
			snprintf(name, sizeof(name), "u%d-%d", p, i);
			if (add_user(name, "first") != ACCOUNT_OK || set_password(name, name) != ACCOUNT_OK ||
			    (i % 2 != 0 && remove_user(name) != ACCOUNT_OK))
				_exit(1);
		}
		if (pid == 0)
			_exit(0);
	}
	for (int p = 0; p < PROCESSES; p++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(account_read(root, &text), 0);
	for (struct span rest = buf_span(&text); account_next(&rest, name, &credential);)
		n++;
	buf_free(&text);
	ck_assert_int_eq(n, PROCESSES * EACH / 2);
	expect_password("u3-2", "u3-2", true);
	expect_password("u3-2", "first", false);
}
END_TEST

/* Who reads while others write sees the old file or the new one. */
START_TEST(readers_see_whole_files)
{
	put("first:{PLAIN}x\nlast:{PLAIN}x\n");
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		for (int i = 0; i < 30; i++)
			if (set_password("first", "y") != ACCOUNT_OK)
				_exit(1);
		_exit(0);
	}
	int status = 0, looks = 0;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		ck_assert_int_eq(account_find(root, "last", NULL), ACCOUNT_OK);
		looks++;
	}
	ck_assert_int_eq(status, 0);
	ck_assert_int_gt(looks, 0);
}
END_TEST

/* A file size limit stands for a full disk: what was there stays, and nothing half is left. */
START_TEST(full_disk)
{
	static const char text[] = "anna:{PLAIN}x\nbob:{PLAIN}y\n";
	struct rlimit limit = { 50, RLIM_INFINITY }, none;

	ck_assert_int_eq(add_user("carl", "x"), ACCOUNT_OK); /* makes the secret */
	put(text);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	enum account_status added = add_user("dora", "x");
	int error = errno;
	enum account_status changed = set_password("anna", "z");
	limit.rlim_cur = none.rlim_cur;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(added, ACCOUNT_FAILED);
	ck_assert_int_eq(error, EFBIG);
	ck_assert_int_eq(changed, ACCOUNT_FAILED);
	expect_file("accounts", text);
	ck_assert_int_eq(faccessat(root, "accounts.new", F_OK, 0), -1);
	ck_assert_int_eq(add_user("dora", "x"), ACCOUNT_OK);
}
END_TEST

/* What a crash left: a new file that never took its name, a mailbox whose account never came. */
START_TEST(after_a_crash)
{
	put("anna:{PLAIN}x\n");
	int fd = openat(root, "accounts.new", O_WRONLY | O_CREAT, 0666);
	ck_assert_int_eq(write(fd, "eve:{PLAIN}x\n", 13), 13);
	close(fd);
	fd = openat(root, "accounts.secret", O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, "half", 4), 4);
	close(fd);
	ck_assert_int_eq(mkdirat(root, "users", 0700), 0);
	ck_assert_int_eq(mkdirat(root, "users/bob", 0700), 0);
	ck_assert_int_eq(add_user("bob", "y"), ACCOUNT_OK);
	expect_password("anna", "x", true);
	expect_password("bob", "y", true);
	ck_assert_int_eq(account_find(root, "eve", NULL), ACCOUNT_NONE);
	struct stat st;
	ck_assert_int_eq(fstatat(root, "accounts.secret", &st, 0), 0);
	ck_assert_int_eq(st.st_size, SHA256_SIZE);
	ck_assert_int_eq(fstatat(root, "accounts", &st, 0), 0);
	ck_assert_int_eq(st.st_mode, S_IFREG | 0600);
}
END_TEST

/* The daemons may run as another user: what root makes must be theirs. */
START_TEST(gives_to_the_owner)
{
	static const char *const made[] = { "accounts", "accounts.lock", "accounts.secret", "users",
		"users/anna", "users/anna/mbox" };
	struct stat st;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(fchown(root, 12345, 23456), 0);
	ck_assert_int_eq(add_user("anna", "x"), ACCOUNT_OK);
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		ck_assert_int_eq(fstatat(root, made[i], &st, 0), 0);
		ck_assert_uint_eq(st.st_uid, 12345);
		ck_assert_uint_eq(st.st_gid, 23456);
	}
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, many_at_once);
	tcase_add_test(t, readers_see_whole_files);
	tcase_add_test(t, full_disk);
	tcase_add_test(t, after_a_crash);
	tcase_add_test(t, gives_to_the_owner);
}

int
main(void)
{
	return run_suite("account_edit", add);
}
