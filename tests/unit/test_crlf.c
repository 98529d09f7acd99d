#include "unit.h"

#include "crlf.h"

/* In pieces of every length the same. */
static void
expect(const char *text, size_t n, const char *expected)
{
	for (size_t step = 1; step <= n; step++) {
		struct crlf crlf = { .cr = false };
		struct buf out;
		char *at = guarded(text, n);

		buf_init(&out, 256);
		for (size_t i = 0; i < n; i += step)
			ck_assert_int_eq(crlf_push(&crlf, at + i, n - i < step ? n - i : step, &out), 0);
		expect_span(buf_span(&out), expected);
		buf_free(&out);
		unguard(at, n);
	}
}

START_TEST(makes_every_line_end_crlf)
{
	expect("abc", 3, "abc");
	expect("a\nb\n", 4, "a\r\nb\r\n");
	expect("a\r\nb\r\n", 6, "a\r\nb\r\n");
	expect("a\rb\r", 4, "a\r\nb\r\n");
	expect("\n\n", 2, "\r\n\r\n");
	expect("\r\r", 2, "\r\n\r\n");
	expect("\n\r", 2, "\r\n\r\n");
	expect("\r\n\n\r\r\n", 6, "\r\n\r\n\r\n\r\n");
	expect("a\n.\nb\r\n.\r\n", 10, "a\r\n.\r\nb\r\n.\r\n");
}
END_TEST

START_TEST(says_when_it_is_full)
{
	struct crlf crlf = { .cr = false };
	struct buf out;

	buf_init(&out, 3);
	ck_assert_int_lt(crlf_push(&crlf, "ab\n", 3, &out), 0);
	buf_free(&out);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, makes_every_line_end_crlf);
	tcase_add_test(t, says_when_it_is_full);
}

int
main(void)
{
	return run_suite("crlf", add);
}
