#include "unit.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>

#include "seen.h"

/* The memory lives in a folder of its own for each test. */
static char *folder;

static void
enter(void)
{
	folder = scratch_dir();
	setenv("XDG_STATE_HOME", folder, 1);
}

static void
leave(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
	free(folder);
}

static void
expect_file(const char *name, const char *expected)
{
	char path[512], text[1024];

	snprintf(path, sizeof(path), "%s/letterbox/seen/%s", folder, name);
	int fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ssize_t n = read(fd, text, sizeof(text));
	close(fd);
	expect_span((struct span){ text, (size_t)n }, expected);
}

static void
put_file(const char *text, size_t n)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/letterbox/seen/u@h:110", folder);
	write_file(path, text, n);
}

START_TEST(remembers)
{
	struct seen s;

	ck_assert_int_eq(seen_open(&s, "u@h:110"), SEEN_OK);
	ck_assert(!seen_take(&s, "b"));
	expect_file("u@h:110", "");
	ck_assert_int_eq(seen_append(&s, span_of("b\na\n")), 0);
	expect_file("u@h:110", "b\na\n");
	ck_assert_int_eq(seen_append(&s, span_of("c\n")), 0);
	seen_close(&s);

	ck_assert_int_eq(seen_open(&s, "u@h:110"), SEEN_OK);
	ck_assert_uint_eq(s.n, 3);
	ck_assert(!s.torn);
	ck_assert(seen_take(&s, "a"));
	ck_assert(!seen_take(&s, "a"));
	ck_assert(seen_take(&s, "c"));
	ck_assert(!seen_take(&s, "bb"));
	ck_assert(!seen_take(&s, ""));
	ck_assert(seen_take(&s, "b"));
	seen_close(&s);
}
END_TEST

START_TEST(rewrites_and_goes_on)
{
	struct seen s;

	ck_assert_int_eq(seen_open(&s, "u@h:110"), SEEN_OK);
	ck_assert_int_eq(seen_append(&s, span_of("a\n")), 0);
	ck_assert_int_eq(seen_rewrite(&s, span_of("b\nc\n")), 0);
	expect_file("u@h:110", "b\nc\n");
	ck_assert_int_eq(seen_append(&s, span_of("d\n")), 0);
	expect_file("u@h:110", "b\nc\nd\n");
	seen_close(&s);
}
END_TEST

START_TEST(twins_answer_once_each)
{
	struct seen s;

	ck_assert_int_eq(seen_open(&s, "u@h:110"), SEEN_OK);
	ck_assert_int_eq(seen_rewrite(&s, span_of("x\ny\nx\n")), 0);
	seen_close(&s);
	ck_assert_int_eq(seen_open(&s, "u@h:110"), SEEN_OK);
	ck_assert(seen_take(&s, "x"));
	ck_assert(seen_take(&s, "x"));
	ck_assert(!seen_take(&s, "x"));
	seen_close(&s);
}
END_TEST

START_TEST(torn_lines_are_none)
{
	static const char torn[] = "good\n\0\0\n\nbad one\nwith\ttab\nlast";
	struct seen s;

	ck_assert_int_eq(seen_open(&s, "u@h:110"), SEEN_OK);
	seen_close(&s);
	for (size_t n = 0; n < sizeof(torn); n++) {
		put_file(torn, n);
		ck_assert_int_eq(seen_open(&s, "u@h:110"), SEEN_OK);
		ck_assert_uint_eq(s.n, n >= 5 ? 1 : 0);
		ck_assert_int_eq(s.torn, n != 0 && n != 5);
		ck_assert_int_eq(seen_take(&s, "good"), n >= 5);
		seen_close(&s);
	}
}
END_TEST

START_TEST(one_at_a_time)
{
	struct seen s;

	ck_assert_int_eq(seen_open(&s, "u@h:110"), SEEN_OK);
	pid_t pid = fork();
	if (pid == 0) {
		struct seen other, another;
		bool good =
		    seen_open(&other, "u@h:110") == SEEN_BUSY && seen_open(&another, "v@h:110") == SEEN_OK;
		_exit(good ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	seen_close(&s);
}
END_TEST

START_TEST(a_name_stays_in_its_folder)
{
	struct seen s;

	ck_assert_int_eq(seen_open(&s, "../../x y@[::1]:110"), SEEN_OK);
	seen_close(&s);
	expect_file("%2E.%2F..%2Fx%20y@%5B::1%5D:110", "");
}
END_TEST

START_TEST(only_the_user_may_look)
{
	struct seen s;
	struct stat st;
	char path[512];

	ck_assert_int_eq(seen_open(&s, "u@h:110"), SEEN_OK);
	ck_assert_int_eq(stat(buf_string(&s.path), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	seen_close(&s);
	snprintf(path, sizeof(path), "%s/letterbox", folder);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
}
END_TEST

START_TEST(what_cannot_be_made_fails)
{
	struct seen s;
	char key[8192];

	memset(key, 'x', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	ck_assert_int_eq(seen_open(&s, key), SEEN_FAILED);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	seen_close(&s);
	setenv("XDG_STATE_HOME", "/dev/null", 1);
	ck_assert_int_eq(seen_open(&s, "u@h:110"), SEEN_FAILED);
	seen_close(&s);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, enter, leave);
	tcase_add_test(t, remembers);
	tcase_add_test(t, rewrites_and_goes_on);
	tcase_add_test(t, twins_answer_once_each);
	tcase_add_test(t, torn_lines_are_none);
	tcase_add_test(t, one_at_a_time);
	tcase_add_test(t, a_name_stays_in_its_folder);
	tcase_add_test(t, only_the_user_may_look);
	tcase_add_test(t, what_cannot_be_made_fails);
}

int
main(void)
{
	return run_suite("pop3c_seen", add);
}
