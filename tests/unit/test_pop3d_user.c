#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "exits.h"
#include "mail_root.h"
#include "program.h"
#include "subcommand.h"

/* What the last run wrote. */
static char said[2][1000];

static void
slurp(int fd, char text[1000])
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, text + n, 999 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(fd);
}

/* Run it as a process of its own, with input on a pipe, and the words of the command separated by blanks. Its exit status. */
static int
run_in(const char *path, const char *command, const char *input)
{
	int in[2], out[2], err[2], argc = 0, status;
	char words[200], *argv[8], *state = NULL;

	ck_assert_int_eq(pipe(in) | pipe(out) | pipe(err), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		close(in[1]);
		snprintf(words, sizeof(words), "%s", command);
		for (char *w = strtok_r(words, " ", &state); w != NULL; w = strtok_r(NULL, " ", &state))
			argv[argc++] = w;
		status = user_command(path, argc, argv);
		fflush(NULL);
		_exit(status);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	/* One that refuses may have ended before it reads. */
	signal(SIGPIPE, SIG_IGN);
	ck_assert(write(in[1], input, strlen(input)) == (ssize_t)strlen(input) || errno == EPIPE);
	close(in[1]);
	slurp(out[0], said[0]);
	slurp(err[0], said[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
run(const char *command, const char *input)
{
	return run_in(dir, command, input);
}

/* It failed, with one line that has these words. */
static void
expect_failure(const char *command, const char *input, int status, const char *words)
{
	ck_assert_int_eq(run(command, input), status);
	ck_assert_str_eq(said[0], "");
	ck_assert_msg(strstr(said[1], words) != NULL, "\"%s\" does not say \"%s\"", said[1], words);
	ck_assert_ptr_eq(strchr(said[1], '\n'), said[1] + strlen(said[1]) - 1);
	ck_assert_int_eq(strncmp(said[1], "pop3d: ", 7), 0);
}

START_TEST(the_life_of_a_user)
{
	ck_assert_int_eq(run("", ""), EXITS_DONE);
	ck_assert_str_eq(said[0], "");
	ck_assert_int_eq(run("add Anna", "pencil\nrest"), EXITS_DONE);
	ck_assert_str_eq(said[0], "");
	ck_assert_str_eq(said[1], "");
	expect_password("anna", "pencil", true);
	ck_assert_int_eq(run("add bob", "crayon\r\n"), EXITS_DONE);
	expect_password("bob", "crayon", true);
	ck_assert_int_eq(run("passwd anna", "new word"), EXITS_DONE);
	expect_password("anna", "new word", true);
	expect_password("anna", "pencil", false);
	ck_assert_int_eq(run("", ""), EXITS_DONE);
	ck_assert_str_eq(said[0], "anna\nbob\n");
	ck_assert_int_eq(run("remove anna", ""), EXITS_DONE);
	ck_assert_ptr_nonnull(strstr(said[1], dir));
	ck_assert_ptr_nonnull(strstr(said[1], "/users/anna"));
	ck_assert_int_eq(run("list", ""), EXITS_DONE);
	ck_assert_str_eq(said[0], "bob\n");
	ck_assert_int_eq(faccessat(root, "users/anna/mbox", F_OK, 0), 0);
}
END_TEST

START_TEST(says_why_not)
{
	static char longer[300];

	memset(longer, 'x', 256);
	ck_assert_int_eq(run("add anna", "pencil\n"), EXITS_DONE);
	expect_failure("add anna", "x\n", EXITS_REFUSED, "there is a user anna already");
	expect_failure("add ANNA", "x\n", EXITS_REFUSED, "anna already");
	expect_failure("passwd nobody", "x\n", EXITS_REFUSED, "no user nobody");
	expect_failure("remove nobody", "", EXITS_REFUSED, "no user nobody");
	expect_failure("add bob", "\n", EXITS_REFUSED, "password");
	expect_failure("add bob", "", EXITS_REFUSED, "no password");
	expect_failure("add bob", longer, EXITS_REFUSED, "255");
	expect_failure("passwd anna", "\r\n", EXITS_REFUSED, "password");
	expect_failure("add b/b", "x\n", EXITS_USAGE, "b/b");
	expect_failure("add b+b", "x\n", EXITS_USAGE, "b+b");
	expect_failure("remove ..", "", EXITS_USAGE, "..");
	expect_failure("add", "x\n", EXITS_USAGE, "one name");
	expect_failure("add bob carl", "x\n", EXITS_USAGE, "one name");
	expect_failure("list bob", "", EXITS_USAGE, "no name");
	expect_failure("delete bob", "", EXITS_USAGE, "delete");
	expect_password("anna", "pencil", true);
	longer[255] = '\0';
	ck_assert_int_eq(run("add bob", longer), EXITS_DONE);
	expect_password("bob", longer, true);
	ck_assert_int_eq(fchmodat(root, "accounts", 0666, 0), 0);
	expect_failure("list", "", EXITS_NO_INPUT, "chmod 600");
	expect_failure("passwd anna", "x\n", EXITS_NO_INPUT, "chmod 600");
}
END_TEST

START_TEST(says_whose_mail_it_was)
{
	ck_assert_int_eq(run("add anna", "pencil\n"), EXITS_DONE);
	ck_assert_int_eq(run("remove anna", ""), EXITS_DONE);
	ck_assert_int_eq(run("add anna", "pencil\n"), EXITS_DONE);
	ck_assert_str_eq(said[1], "");
	ck_assert_int_eq(run("remove anna", ""), EXITS_DONE);
	int fd = openat(root, "users/anna/mbox", O_WRONLY);
	ck_assert_int_eq(write(fd, "From x\n\n\n", 9), 9);
	close(fd);
	ck_assert_int_eq(run("add anna", "pencil\n"), EXITS_DONE);
	ck_assert_ptr_nonnull(strstr(said[1], "users/anna/mbox"));
}
END_TEST

START_TEST(makes_a_root_but_no_tree)
{
	char path[100];
	struct stat st;

	snprintf(path, sizeof(path), "%s/new", dir);
	ck_assert_int_eq(run_in(path, "list", ""), EXITS_NO_INPUT);
	ck_assert_int_eq(run_in(path, "passwd anna", "x\n"), EXITS_NO_INPUT);
	ck_assert_int_eq(run_in(path, "add anna", "\n"), EXITS_REFUSED);
	ck_assert_int_eq(stat(path, &st), -1);
	ck_assert_int_eq(run_in(path, "add anna", "x\n"), EXITS_DONE);
	ck_assert_str_eq(said[1], "");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode, S_IFDIR | 0700);
	snprintf(path, sizeof(path), "%s/a/b", dir);
	ck_assert_int_eq(run_in(path, "add anna", "x\n"), EXITS_CANNOT_CREATE);
	ck_assert_ptr_nonnull(strstr(said[1], path));
	snprintf(path, sizeof(path), "%s/file", dir);
	write_file(path, "", 0);
	ck_assert_int_eq(run_in(path, "add anna", "x\n"), EXITS_NO_INPUT);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_life_of_a_user);
	tcase_add_test(t, says_why_not);
	tcase_add_test(t, says_whose_mail_it_was);
	tcase_add_test(t, makes_a_root_but_no_tree);
}

int
main(void)
{
	program_begin("pop3d", "");
	return run_suite("pop3d_user", add);
}
