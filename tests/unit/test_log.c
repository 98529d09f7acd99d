#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "log.h"

static int log_fd;

/* From here on standard error is a pipe of ours. */
static void
begin(void)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	log_fd = ends[0];
	log_open("toyd", false);
}

/* The line that was written, which must be one; without program and process. */
static const char *
line(void)
{
	static char text[70000];
	char prefix[64];

	ssize_t n = read(log_fd, text, sizeof text - 1);
	ck_assert_int_gt(n, 0);
	ck_assert_int_le(n, 3072);
	text[n] = '\0';
	snprintf(prefix, sizeof prefix, "toyd[%ld]: ", (long)getpid());
	ck_assert_int_eq(strncmp(text, prefix, strlen(prefix)), 0);
	ck_assert_ptr_eq(strchr(text, '\n'), text + n - 1);
	text[n - 1] = '\0';
	return text + strlen(prefix);
}

START_TEST(an_event_is_a_line_of_pairs)
{
	log_begin("delivered");
	log_text("user", "anna");
	log_number("size", 5120);
	log_number("least", INT64_MIN);
	log_errno(ENOSPC);
	log_end();
	ck_assert_str_eq(line(),
	    "delivered user=anna size=5120 least=-9223372036854775808 error=\"No space left on device\"");
	log_context("client=::1 session=abc");
	log_begin_error("crashed");
	log_end();
	ck_assert_str_eq(line(), "crashed client=::1 session=abc");
	log_begin("next");
	log_text("a", "b");
	log_end();
	ck_assert_str_eq(line(), "next client=::1 session=abc a=b");
	log_context("");
	log_begin("last");
	log_end();
	ck_assert_str_eq(line(), "last");
}
END_TEST

START_TEST(values_cannot_pretend)
{
	log_begin("x");
	log_text("a", "b c=d");
	log_text("b", "");
	log_text("c", "one\ntoyd[1]: two");
	log_span("d", (struct span){ "\0\x1b[2J\\\"\xc3\xa4", 9 });
	log_text("e", "a=b");
	log_span("f", guarded_span(span_of("end")));
	log_span("g", (struct span){ NULL, 0 });
	log_end();
	ck_assert_str_eq(line(), "x a=\"b c=d\" b=\"\" c=\"one\\x0atoyd[1]: two\" "
				 "d=\"\\x00\\x1b[2J\\x5c\\x22\\xc3\\xa4\" e=\"a=b\" f=end g=\"\"");
}
END_TEST

/* At every length around the bound. */
START_TEST(a_line_is_bounded)
{
	static char value[5000];

	for (size_t n = 3400; n < 4200; n++) {
		for (int kind = 0; kind < 3; kind++) {
			memset(value, 'v', n);
			value[n] = '\0';
			value[n / 2] = kind == 0 ? 'v' : ' ';
			if (kind == 2)
				memset(value + n - 200, '\n', 200);
			log_begin("x");
			log_text("a", value);
			log_number("size", 5);
			log_end();
			const char *text = line();
			size_t length = strlen(text);
			int quotes = 0;
			for (size_t i = 0; i < length; i++)
				quotes += text[i] == '"';
			ck_assert_int_eq(quotes % 2, 0);
			bool whole = strcmp(text + length - 7, " size=5") == 0;
			ck_assert(whole || strstr(text + length - 4, "...") != NULL);
		}
	}
	memset(value, ' ', sizeof value - 1);
	log_begin("x");
	log_text("a", value);
	log_end();
	line();
}
END_TEST

START_TEST(many_pairs_are_bounded)
{
	log_begin("x");
	for (int i = 0; i < 10000; i++)
		log_text("key", "some value");
	log_end();
	const char *text = line();
	ck_assert_str_eq(text + strlen(text) - 3, "...");
	log_context("");
	log_begin("y");
	log_end();
	ck_assert_str_eq(line(), "y");
}
END_TEST

START_TEST(a_long_context_is_cut)
{
	static char pairs[10000];

	memset(pairs, 'x', sizeof pairs - 1);
	log_context(pairs);
	log_begin("x");
	log_text("a", "b");
	log_end();
	ck_assert_uint_le(strlen(line()), 600);
}
END_TEST

START_TEST(a_broken_standard_error_is_passed_over)
{
	signal(SIGPIPE, SIG_IGN);
	close(log_fd);
	errno = EXDEV;
	log_begin("x");
	log_end();
	ck_assert_int_eq(errno, EXDEV);
	int full = open("/dev/full", O_WRONLY);
	if (full >= 0) {
		dup2(full, STDERR_FILENO);
		log_open("toyd", false);
		log_begin("x");
		log_end();
	}
	close(STDERR_FILENO);
	log_begin("x");
	log_end();
	ck_assert_int_eq(errno, EXDEV);
}
END_TEST

/* Nobody reads: the lines that do not fit are lost and counted, and the daemon goes on. */
START_TEST(a_full_pipe_stops_nobody)
{
	enum { LINES = 5000 };
	char text[65536];
	ssize_t n;

	for (int i = 0; i < LINES; i++) {
		log_begin("delivered");
		log_text("user", "anna");
		log_end();
	}
	ck_assert_int_eq(fcntl(log_fd, F_SETFL, O_NONBLOCK), 0);
	size_t lines = 0;
	while ((n = read(log_fd, text, sizeof text)) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	ck_assert_uint_lt(lines, LINES);
	log_begin("next");
	log_end();
	char expected[64];
	snprintf(expected, sizeof expected, "next lost=%zu", LINES - lines);
	ck_assert_str_eq(line(), expected);
	log_begin("next");
	log_end();
	ck_assert_str_eq(line(), "next");
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, begin, NULL);
	tcase_add_test(t, an_event_is_a_line_of_pairs);
	tcase_add_test(t, values_cannot_pretend);
	tcase_add_test(t, a_line_is_bounded);
	tcase_add_test(t, many_pairs_are_bounded);
	tcase_add_test(t, a_long_context_is_cut);
	tcase_add_test(t, a_full_pipe_stops_nobody);
	tcase_add_test(t, a_broken_standard_error_is_passed_over);
}

int
main(void)
{
	return run_suite("log", add);
}
