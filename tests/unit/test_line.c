#include "unit.h"

#include "line.h"

/* What a stream gives: each line in brackets, ! for one that is too long, ~ at the end for one without end. */
static void
read_lines(struct buf *out, size_t max, const char *bytes, size_t n, size_t step)
{
	struct line line;
	size_t used;

	line_init(&line, max);
	buf_clear(out);
	for (size_t at = 0; at < n; at += used) {
		size_t part = step < n - at ? step : n - at;
		char *copy = guarded(bytes + at, part);
		enum line_result result = line_push(&line, copy, part, &used);
		ck_assert_uint_gt(used, 0);
		ck_assert_uint_le(used, part);
		ck_assert(result != LINE_MORE || used == part);
		unguard(copy, part);
		if (result == LINE_WHOLE) {
			buf_add_char(out, '[');
			buf_add_escaped(out, line_text(&line));
			buf_add_char(out, ']');
		} else if (result == LINE_TOO_LONG) {
			buf_add_char(out, '!');
		}
		ck_assert_uint_le(line.text.size, 2 * (max + 64));
	}
	if (!line.finished && (line.overlong || line.text.len > 0))
		buf_add_char(out, '~');
	line_free(&line);
}

static void
expect_lines(size_t max, const char *bytes, size_t n, const char *expected)
{
	struct buf out;

	buf_init(&out, 100000);
	for (size_t step = 1; step <= n; step++) {
		read_lines(&out, max, bytes, n, step);
		ck_assert_str_eq(buf_string(&out), expected);
	}
	buf_free(&out);
}

#define EXPECT(max, bytes, expected) expect_lines(max, bytes, sizeof bytes - 1, expected)

START_TEST(lines_end_with_lf_or_crlf)
{
	EXPECT(10, "a\r\nb\n\r\n\nc\r\n", "[a][b][][][c]");
	EXPECT(10, "a\r\r\n", "[a\\x0d]");
	EXPECT(10, "a\rb\r\n", "[a\\x0db]");
	EXPECT(10, "\r", "~");
	EXPECT(10, "ab", "~");
	EXPECT(10, "a\0b\r\n\0\n", "[a\\x00b][\\x00]");
	EXPECT(10, "a\nb", "[a]~");
}
END_TEST

START_TEST(a_line_of_max_bytes_is_taken)
{
	EXPECT(3, "abc\r\nabc\nabcd\r\nabcd\nabc\r\r\nx\n", "[abc][abc]!!![x]");
	EXPECT(3, "abcd", "~");
	EXPECT(3, "abcdefghijklmnopqrstuvwxyz\nab\n", "![ab]");
	EXPECT(3, "abcdefghijklmnopqrstuvwxyz\r\n\r\nab\r\n", "![][ab]");
	EXPECT(0, "\r\n\na\n", "[][]!");
}
END_TEST

START_TEST(a_line_without_end_needs_no_memory)
{
	static char much[100000];
	struct line line;
	size_t used;

	memset(much, 'x', sizeof much);
	line_init(&line, 1000);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(line_push(&line, much, sizeof much, &used), LINE_MORE);
	ck_assert_uint_le(line.text.size, 4096);
	ck_assert(line.overlong);
	ck_assert_int_eq(line_push(&line, "\nquit\n", 6, &used), LINE_TOO_LONG);
	ck_assert_uint_eq(used, 1);
	ck_assert_int_eq(line_push(&line, "quit\n", 5, &used), LINE_WHOLE);
	expect_span(line_text(&line), "quit");
	ck_assert_int_eq(line_push(&line, "", 0, &used), LINE_MORE);
	ck_assert_uint_eq(used, 0);
	line_free(&line);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, lines_end_with_lf_or_crlf);
	tcase_add_test(t, a_line_of_max_bytes_is_taken);
	tcase_add_test(t, a_line_without_end_needs_no_memory);
}

int
main(void)
{
	return run_suite("line", add);
}
