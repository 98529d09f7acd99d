#include "mend.h"
#include "hash.h"
#include "unit.h"

/* Line by line, each before a guard page. */
static struct mend
mended(struct span text, struct buf *out)
{
	struct mend m = { .sum = 1 };

	buf_init(out, 100000);
	for (size_t i = 0; i < text.n;) {
		struct span line = span_line(span_slice(text, i, text.n));
		char *copy = guarded(line.at, line.n);
		mend_line(&m, (struct span){ copy, line.n }, out);
		unguard(copy, line.n);
		i += line.n;
	}
	ck_assert(!out->failed);
	ck_assert_uint_eq(m.stored, out->len);
	ck_assert_uint_eq(m.taken, text.n);
	ck_assert_uint_eq(m.sum, adler32(1, out->data, out->len));
	return m;
}

/* crlf, nul, from: how many, and where the first stands. */
static void
expect(
    struct span text, const char *good, struct mend_count crlf, struct mend_count nul, struct mend_count from)
{
	struct buf out;

	struct mend m = mended(text, &out);
	expect_span(buf_span(&out), good);
	ck_assert_uint_eq(m.crlf.n, crlf.n);
	ck_assert_uint_eq(m.crlf.first, crlf.first);
	ck_assert_uint_eq(m.nul.n, nul.n);
	ck_assert_uint_eq(m.nul.first, nul.first);
	ck_assert_uint_eq(m.from.n, from.n);
	ck_assert_uint_eq(m.from.first, from.first);
	ck_assert(mend_changed(&m) == (crlf.n + nul.n + from.n > 0));
	buf_free(&out);
}

#define TEXT(literal)	((struct span){ literal, sizeof(literal) - 1 })
#define COUNT(n, first) ((struct mend_count){ n, first })
#define NONE		COUNT(0, 0)

START_TEST(mends_every_line)
{
	expect(TEXT(""), "", NONE, NONE, NONE);
	expect(TEXT("a\n\n>From b\nFro\nFrom\nc From d\n\rx\ry\n"),
	    "a\n\n>From b\nFro\nFrom\nc From d\n\rx\ry\n", NONE, NONE, NONE);
	expect(TEXT("a\r\n\r\nb\r"), "a\n\nb\r", COUNT(2, 0), NONE, NONE);
	expect(TEXT("a\n\r\r\n"), "a\n\r\n", COUNT(1, 2), NONE, NONE);
	expect(TEXT("From a\nFrom b\nFrom"), ">From a\n>From b\nFrom", NONE, NONE, COUNT(2, 0));
	expect(TEXT("a\0\0b\n\0"), "ab\n", NONE, COUNT(3, 1), NONE);
	expect(TEXT("x\nFr\0om a\r\0\n"), "x\n>From a\n", COUNT(1, 2), COUNT(2, 4), COUNT(1, 2));
}
END_TEST

/* A line that is too long to be seen whole comes in parts. */
START_TEST(goes_on_in_a_long_line)
{
	static const char *const parts[] = { "x", "From a", "\r\n", "", "From b", "From c\n" };
	struct mend m = { .sum = 1 };
	struct buf out;

	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		mend_line(&m, span_of(parts[i]), &out);
	expect_span(buf_span(&out), "xFrom a\n>From bFrom c\n");
	ck_assert_uint_eq(m.crlf.n, 1);
	ck_assert_uint_eq(m.from.n, 1);
	ck_assert_uint_eq(m.from.first, strlen("xFrom a\r\n"));
	buf_free(&out);
}
END_TEST

START_TEST(knows_what_a_from_line_misses)
{
	static const struct {
		const char *text;
		unsigned missing;
	} ends[] = { { "a", 2 }, { "a\n", 1 }, { "a\n\n", 0 }, { "a\n\n\n", 0 }, { "a\r\n\r\n", 0 },
		{ "a\n\r", 2 } };
	struct buf out;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct mend m = mended(span_of(ends[i].text), &out);
		ck_assert_uint_eq(mend_missing(&m), ends[i].missing);
		buf_free(&out);
	}
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, mends_every_line);
	tcase_add_test(t, goes_on_in_a_long_line);
	tcase_add_test(t, knows_what_a_from_line_misses);
}

int
main(void)
{
	return run_suite("mend", add);
}
