#include <sys/stat.h>

#include <errno.h>

#include "mail_root.h"

#define SCRAM                                                                                        \
	"{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=," \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static struct config config;

static int
log_in(const char *login, struct credential *c)
{
	char user[SASL_USER + 1];

	config_init(&config, dir);
	return account_login(root, &config, span_of(login), user, c);
}

START_TEST(knows_names)
{
	static const char *const bad[] = { "", ".", "-a", ".a", "a b", "a/b", "a:b", "\xc3\xa4", "a\n",
		"+tag", "a@b", "*", "12345678901234567890123456789012345678901234567890123456789012345" };
	char name[ACCOUNT_NAME + 1];

	ck_assert(account_name(guarded_span(span_of("An.na_B-9")), name));
	ck_assert_str_eq(name, "an.na_b-9");
	ck_assert(account_name(span_of("anna+a+b/:"), name));
	ck_assert_str_eq(name, "anna");
	ck_assert(
	    account_name(span_of("1234567890123456789012345678901234567890123456789012345678901234"), name));
	ck_assert_uint_eq(strlen(name), ACCOUNT_NAME);
	ck_assert(!account_name((struct span){ "a\0b", 3 }, name));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!account_name(guarded_span(span_of(bad[i])), name), "%s was taken", bad[i]);
}
END_TEST

START_TEST(reads_what_people_write)
{
	struct credential c;
	char first[ACCOUNT_NAME + 1];

	put("# comment: {PLAIN}x\n\n:{PLAIN}x\n-bad:{PLAIN}x\nno colon\nAnna:" SCRAM "\r\nb:\nbroken:{MD5}x\n"
	    "tag+x:{PLAIN}x\nbob:{PLAIN}sec:ret \r\nlast:{plain}x");
	expect_names("anna b broken bob last ");
	ck_assert_int_eq(account_first(root, first), ACCOUNT_OK);
	ck_assert_str_eq(first, "anna");
	expect_password("anna", "pencil", true);
	expect_password("ANNA", "pencil", true);
	expect_password("bob", "sec:ret ", true);
	expect_password("last", "x", true);
	ck_assert_int_eq(account_find(root, "ann", &c), ACCOUNT_NONE);
	ck_assert_int_eq(account_find(root, "annaa", &c), ACCOUNT_NONE);
	ck_assert_int_eq(account_find(root, "las", &c), ACCOUNT_NONE);
	ck_assert_int_eq(account_find(root, "", &c), ACCOUNT_NONE);
	ck_assert_int_eq(account_find(root, "# comment", &c), ACCOUNT_NONE);
	ck_assert_int_eq(account_find(root, "last", NULL), ACCOUNT_OK);
	ck_assert_int_eq(account_find(root, "nobody", NULL), ACCOUNT_NONE);
	errno = 0;
	ck_assert_int_eq(account_find(root, "broken", &c), ACCOUNT_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(log_in("b", &c), -1);
	ck_assert_int_eq(account_find(root, "broken", NULL), ACCOUNT_OK);
	ck_assert(account_any_plain(root));
	put("# x\nanna:" SCRAM "\n");
	ck_assert(!account_any_plain(root));
	put("# x:{PLAIN}x\n");
	ck_assert(!account_any_plain(root));
	ck_assert_int_eq(account_first(root, first), ACCOUNT_NONE);
}
END_TEST

START_TEST(wants_a_file_that_can_be_trusted)
{
	static const struct {
		mode_t mode;
		int error;
	} modes[] = { { 0600, 0 }, { 0640, 0 }, { 0644, 0 }, { 0620, EPERM }, { 0602, EPERM },
		{ 0666, EPERM } };
	struct credential c;

	ck_assert_int_eq(account_find(root, "anna", &c), ACCOUNT_FAILED);
	ck_assert_int_eq(errno, ENOENT);
	char name[ACCOUNT_NAME + 1];
	ck_assert_int_eq(account_first(root, name), ACCOUNT_FAILED);
	ck_assert_int_eq(log_in("anna", &c), -1);
	ck_assert(!account_any_plain(root));
	put("anna:{PLAIN}x\n");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		errno = 0;
		ck_assert_int_eq(fchmodat(root, "accounts", modes[i].mode, 0), 0);
		ck_assert_int_eq(
		    account_find(root, "anna", &c), modes[i].error == 0 ? ACCOUNT_OK : ACCOUNT_FAILED);
		ck_assert_int_eq(errno, modes[i].error);
		ck_assert_int_eq(add_user("x", "x"), modes[i].error != 0 ? ACCOUNT_FAILED
						     : i == 0		 ? ACCOUNT_OK
									 : ACCOUNT_EXISTS);
	}
	ck_assert_int_eq(renameat(root, "accounts", root, "real"), 0);
	ck_assert_int_eq(symlinkat("real", root, "accounts"), 0);
	ck_assert_int_eq(account_find(root, "anna", &c), ACCOUNT_FAILED);
	ck_assert_int_eq(errno, ELOOP);
	ck_assert_int_eq(unlinkat(root, "accounts", 0), 0);
	ck_assert_int_eq(mkfifoat(root, "accounts", 0600), 0);
	ck_assert_int_eq(account_find(root, "anna", &c), ACCOUNT_FAILED);
	ck_assert_int_eq(unlinkat(root, "accounts", 0), 0);
	ck_assert_int_eq(mkdirat(root, "accounts", 0700), 0);
	ck_assert_int_eq(account_find(root, "anna", &c), ACCOUNT_FAILED);
	ck_assert_int_eq(add_user("anna", "x"), ACCOUNT_FAILED);
}
END_TEST

/* Lines at every place around the end of a block; a line longer than one, whose end looks like somebody's. */
START_TEST(reads_long_files)
{
	enum { BLOCK = 16 * 1024 };
	static char text[3 * BLOCK + 200];
	struct credential c;

	for (size_t shift = BLOCK - 40; shift < BLOCK + 5; shift++) {
		memset(text, 'x', shift);
		for (size_t i = 99; i < shift; i += 100)
			text[i] = '\n';
		strcpy(text + shift, "\nBob:{PLAIN}first\nlast:{PLAIN}second");
		put(text);
		expect_password("bob", "first", true);
		expect_password("last", "second", true);
	}
	for (size_t n = 1; n <= 2; n++) {
		memset(text, 'x', n * BLOCK);
		strcpy(text + n * BLOCK, "bob:{PLAIN}wrong\nlast:{PLAIN}right");
		put(text);
		ck_assert_int_eq(account_find(root, "bob", &c), ACCOUNT_NONE);
		expect_names("last ");
		expect_password("last", "right", true);
		ck_assert_int_eq(add_user("bob", "x"), ACCOUNT_OK);
		ck_assert_int_eq(remove_user("last"), ACCOUNT_OK);
		expect_names("bob ");
		struct stat st;
		ck_assert_int_eq(fstatat(root, "accounts", &st, 0), 0);
		ck_assert_int_gt(st.st_size, (off_t)(n * BLOCK));
	}
	/* All of it is hers: no part may become a line of its own. */
	memset(text, 'x', 2 * BLOCK);
	memcpy(text, "anna:", 5);
	strcpy(text + 2 * BLOCK, "\nlast:{PLAIN}right");
	put(text);
	ck_assert_int_eq(account_find(root, "anna", &c), ACCOUNT_FAILED);
	ck_assert_int_eq(remove_user("anna"), ACCOUNT_OK);
	expect_names("last ");
	struct stat st;
	ck_assert_int_eq(fstatat(root, "accounts", &st, 0), 0);
	ck_assert_int_eq(st.st_size, 17);
}
END_TEST

static void
expect_mode(const char *path, mode_t mode)
{
	struct stat st;

	ck_assert_int_eq(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert_int_eq(st.st_mode, mode);
}

START_TEST(adds)
{
	ck_assert_int_eq(add_user("Anna", "pencil"), ACCOUNT_OK);
	expect_names("anna ");
	expect_password("anna", "pencil", true);
	expect_password("anna", "crayon", false);
	expect_mode("accounts", S_IFREG | 0600);
	expect_mode("accounts.lock", S_IFREG | 0600);
	expect_mode("accounts.secret", S_IFREG | 0600);
	expect_mode("users", S_IFDIR | 0700);
	expect_mode("users/anna", S_IFDIR | 0700);
	expect_mode("users/anna/mbox", S_IFREG | 0600);
	ck_assert_int_eq(faccessat(root, "accounts.new", F_OK, 0), -1);
	ck_assert_int_eq(add_user("aNNA", "x"), ACCOUNT_EXISTS);
	expect_password("anna", "pencil", true);
	ck_assert_int_eq(add_user("bob", "x"), ACCOUNT_OK);
	expect_names("anna bob ");
	ck_assert_int_eq(add_user("a:b", "x"), ACCOUNT_BAD_NAME);
	ck_assert_int_eq(add_user("a+b", "x"), ACCOUNT_BAD_NAME);
	ck_assert_int_eq(add_user("", "x"), ACCOUNT_BAD_NAME);
	ck_assert_int_eq(add_user("x", ""), ACCOUNT_BAD_PASSWORD);
	ck_assert_int_eq(add_user("x", "a\nroot:{PLAIN}x"), ACCOUNT_BAD_PASSWORD);
	expect_names("anna bob ");
	/* The salt is new each time. */
	struct credential a, b;
	ck_assert_int_eq(add_user("carl", "x"), ACCOUNT_OK);
	ck_assert_int_eq(account_find(root, "bob", &a), ACCOUNT_OK);
	ck_assert_int_eq(account_find(root, "carl", &b), ACCOUNT_OK);
	ck_assert_mem_ne(a.salt, b.salt, CREDENTIAL_SALT_WRITTEN);
	ck_assert_mem_ne(a.keys.stored, b.keys.stored, SHA256_SIZE);
}
END_TEST

START_TEST(changes_one_line_alone)
{
	struct credential c;

	put("# note\r\nanna:{PLAIN}old\nbob:{MD5}broken\nANNA:{PLAIN}older\n\nlast:{PLAIN}x");
	ck_assert_int_eq(set_password("nobody", "x"), ACCOUNT_NONE);
	ck_assert_int_eq(remove_user("nobody"), ACCOUNT_NONE);
	ck_assert_int_eq(remove_user("no/body"), ACCOUNT_BAD_NAME);
	ck_assert_int_eq(set_password("anna", ""), ACCOUNT_BAD_PASSWORD);
	expect_file(
	    "accounts", "# note\r\nanna:{PLAIN}old\nbob:{MD5}broken\nANNA:{PLAIN}older\n\nlast:{PLAIN}x");

	ck_assert_int_eq(set_password("anna", "new"), ACCOUNT_OK);
	expect_password("anna", "new", true);
	expect_password("anna", "old", false);
	expect_names("anna bob last "); /* her second line is gone: it would come to life with the removal */
	ck_assert_int_eq(remove_user("Anna"), ACCOUNT_OK);
	expect_file("accounts", "# note\r\nbob:{MD5}broken\n\nlast:{PLAIN}x");
	ck_assert_int_eq(account_find(root, "anna", &c), ACCOUNT_NONE);

	ck_assert_int_eq(set_password("bob", "mended"), ACCOUNT_OK);
	expect_password("bob", "mended", true);
	ck_assert_int_eq(set_password("last", "y"), ACCOUNT_OK);
	expect_password("last", "y", true);
	expect_names("bob last ");
}
END_TEST

START_TEST(ends_a_line_that_has_no_end)
{
	put("anna:{PLAIN}x");
	ck_assert_int_eq(add_user("bob", "y"), ACCOUNT_OK);
	expect_password("anna", "x", true);
	expect_password("bob", "y", true);
	expect_names("anna bob ");
}
END_TEST

START_TEST(keeps_the_mail)
{
	ck_assert_int_eq(add_user("anna", "x"), ACCOUNT_OK);
	int fd = openat(root, "users/anna/mbox", O_WRONLY);
	ck_assert_int_eq(write(fd, "From x\n\nmail\n\n", 14), 14);
	close(fd);
	ck_assert_int_eq(remove_user("anna"), ACCOUNT_OK);
	expect_names("");
	expect_file("users/anna/mbox", "From x\n\nmail\n\n");
	ck_assert_int_eq(add_user("anna", "y"), ACCOUNT_OK);
	expect_file("users/anna/mbox", "From x\n\nmail\n\n");
}
END_TEST

/* Nothing that stands in the way of the mailbox is followed, and no account comes of it. */
START_TEST(follows_no_link)
{
	ck_assert_int_eq(add_user("anna", "x"), ACCOUNT_OK);
	ck_assert_int_eq(symlinkat("anna", root, "users/bob"), 0);
	ck_assert_int_eq(add_user("bob", "x"), ACCOUNT_FAILED);
	ck_assert_int_eq(mkdirat(root, "users/carl", 0700), 0);
	ck_assert_int_eq(symlinkat("../anna/mbox", root, "users/carl/mbox"), 0);
	ck_assert_int_eq(add_user("carl", "x"), ACCOUNT_FAILED);
	ck_assert_int_eq(mkdirat(root, "users/dora", 0700), 0);
	ck_assert_int_eq(mkfifoat(root, "users/dora/mbox", 0600), 0);
	ck_assert_int_eq(add_user("dora", "x"), ACCOUNT_FAILED);
	expect_names("anna ");
	ck_assert_int_eq(unlinkat(root, "accounts.lock", 0), 0);
	ck_assert_int_eq(symlinkat("accounts", root, "accounts.lock"), 0);
	ck_assert_int_eq(add_user("eve", "x"), ACCOUNT_FAILED);
	expect_names("anna ");
}
END_TEST

START_TEST(nobody_has_no_name)
{
	struct credential c;

	put(":{PLAIN}x\nbob:{PLAIN}y\n");
	ck_assert_int_eq(log_in("no/body", &c), 0);
	ck_assert_int_eq(c.kind, CREDENTIAL_NONE);
	ck_assert_int_eq(log_in("", &c), 0);
	ck_assert_int_eq(c.kind, CREDENTIAL_NONE);
}
END_TEST

START_TEST(decoys_stay_the_same)
{
	struct credential before, after, plain, again;

	ck_assert_int_eq(add_user("anna", "x"), ACCOUNT_OK);
	ck_assert_int_eq(log_in("nobody", &before), 0);
	ck_assert_int_eq(before.kind, CREDENTIAL_NONE);
	ck_assert_int_eq(set_password("anna", "y"), ACCOUNT_OK);
	ck_assert_int_eq(log_in("nobody", &after), 0);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_int_eq(log_in("anna", &after), 0);
	ck_assert_int_eq(after.kind, CREDENTIAL_SCRAM);

	/* A file made by hand has no secret; its decoys are stable, too. */
	ck_assert_int_eq(unlinkat(root, "accounts.secret", 0), 0);
	put("bob:{PLAIN}x\n");
	ck_assert_int_eq(log_in("nobody", &after), 0);
	ck_assert_mem_ne(before.salt, after.salt, CREDENTIAL_SALT_WRITTEN);
	ck_assert_int_eq(log_in("nobody", &again), 0);
	ck_assert_mem_eq(again.salt, after.salt, CREDENTIAL_SALT_WRITTEN);
	ck_assert_int_eq(log_in("bob", &plain), 0);
	ck_assert_int_eq(plain.kind, CREDENTIAL_PLAIN);
	ck_assert_uint_eq(plain.salt_n, CREDENTIAL_SALT_WRITTEN);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, knows_names);
	tcase_add_test(t, reads_what_people_write);
	tcase_add_test(t, wants_a_file_that_can_be_trusted);
	tcase_add_test(t, reads_long_files);
	tcase_add_test(t, adds);
	tcase_add_test(t, changes_one_line_alone);
	tcase_add_test(t, ends_a_line_that_has_no_end);
	tcase_add_test(t, keeps_the_mail);
	tcase_add_test(t, follows_no_link);
	tcase_add_test(t, nobody_has_no_name);
	tcase_add_test(t, decoys_stay_the_same);
}

int
main(void)
{
	return run_suite("account", add);
}
