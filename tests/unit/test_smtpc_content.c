#include "unit.h"

#include "codec.h"
#include "content.h"

static struct content
content_of(struct span s, size_t step)
{
	struct content content = { .size = 0 };

	for (size_t i = 0; i < s.n; i += step)
		content_add(&content, guarded_span(span_slice(s, i, i + step)));
	content_end(&content);
	return content;
}

static void
expect_kind(const char *text, size_t n, enum encoding encoding, const char *type)
{
	for (size_t step = 1; step <= n; step++) {
		struct content content = content_of((struct span){ text, n }, step);
		ck_assert_uint_eq(content.size, n);
		ck_assert_int_eq(content_encoding(&content), encoding);
		ck_assert_str_eq(content_type(&content), type);
	}
}

START_TEST(knows_what_text_it_is)
{
	const char *ascii = "text/plain; charset=us-ascii", *utf8 = "text/plain; charset=utf-8",
		   *latin = "text/plain; charset=iso-8859-1";

	expect_kind("Hello\n", 6, ENCODING_7BIT, ascii);
	expect_kind("Gr\xc3\xbc\xc3\x9f"
		    "e allerseits\n",
	    18, ENCODING_QP, utf8);
	expect_kind("\xe6\x97\xa5\xe6\x9c\xac\n", 7, ENCODING_BASE64, utf8);
	expect_kind("\xf0\x9f\x93\xaa", 4, ENCODING_BASE64, utf8);
	expect_kind("Gr\xfc\xdf"
		    "e\n",
	    6, ENCODING_QP, latin);
	expect_kind("cut off \xe6\x97", 10, ENCODING_QP, latin);
	expect_kind("abcdefg \xc3", 9, ENCODING_QP, latin);
	expect_kind("abcd\xc3"
		    "efgh",
	    9, ENCODING_QP, latin);
	expect_kind("abcdef\x80gh", 9, ENCODING_QP, latin);
	expect_kind("abcde\xed\xa0\x80gh", 10, ENCODING_QP, latin);
	expect_kind("a\0b", 3, ENCODING_BINARY, "application/octet-stream");
}
END_TEST

START_TEST(knows_long_lines)
{
	char line[1001];

	memset(line, 'x', sizeof(line));
	struct content content = content_of((struct span){ line, 998 }, 100);
	ck_assert_int_eq(content_encoding(&content), ENCODING_7BIT);
	content = content_of((struct span){ line, 999 }, 100);
	ck_assert_int_eq(content_encoding(&content), ENCODING_QP);
	line[500] = '\r';
	content = content_of((struct span){ line, 1001 }, 100);
	ck_assert_int_eq(content_encoding(&content), ENCODING_7BIT);
}
END_TEST

static void
encode(enum encoding encoding, struct span s, size_t step, struct buf *out)
{
	struct encoder encoder;

	encoder_init(&encoder, encoding);
	for (size_t i = 0; i < s.n; i += step)
		ck_assert_int_eq(encoder_push(&encoder, span_slice(s, i, i + step), false, out), 0);
	ck_assert_int_eq(encoder_push(&encoder, (struct span){ NULL, 0 }, true, out), 0);
	encoder_free(&encoder);
}

static void
expect_encoded(enum encoding encoding, const char *text, size_t n, const char *expected)
{
	for (size_t step = 1; step <= n; step++) {
		struct buf out;
		buf_init(&out, 4096);
		encode(encoding, (struct span){ text, n }, step, &out);
		expect_span(buf_span(&out), expected);
		buf_free(&out);
	}
}

START_TEST(encodes_in_pieces)
{
	expect_encoded(ENCODING_7BIT, "a\n.\rb\r\n", 7, "a\r\n.\r\nb\r\n");
	expect_encoded(ENCODING_QP, "\xc3\xbc=\n. \nFrom x\nno end ", 21,
	    "=C3=BC=3D\r\n=2E=20\r\n=46rom x\r\nno end=20");
	expect_encoded(ENCODING_BASE64, "a\nb", 3, "YQ0KYg==\r\n");
	expect_encoded(ENCODING_BINARY, "a\n\0b", 4, "YQoAYg==\r\n");
	expect_encoded(ENCODING_BINARY, "0123456789012345678901234567890123456789012345678901234567", 58,
	    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2\r\nNw==\r\n");
}
END_TEST

/* A line that is longer than any buffer comes back as it was, out of lines of 76. */
START_TEST(parts_endless_lines)
{
	static char text[200000];
	struct buf out, back;
	size_t column = 0;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 9 == 0 ? ' ' : i % 7 == 0 ? '\xfc' : 'x';
	buf_init(&out, 1 << 20);
	buf_init(&back, 1 << 20);
	encode(ENCODING_QP, (struct span){ text, sizeof(text) }, 5000, &out);
	for (size_t i = 0; i < out.len; i++) {
		column = out.data[i] == '\n' ? 0 : column + 1;
		ck_assert_uint_le(column, 77); /* the CR counts here */
	}
	qp_decode(buf_span(&out), &back);
	ck_assert_uint_eq(back.len, sizeof(text));
	ck_assert_int_eq(memcmp(back.data, text, sizeof(text)), 0);
	buf_free(&out);
	buf_free(&back);
}
END_TEST

static void
expect_dot(const char *text, bool over, const char *expected)
{
	size_t n = strlen(text);

	for (size_t step = 1; step <= n; step++) {
		struct lone_dot dot = { .state = LONE_DOT_START };
		struct buf out;
		bool came = false;
		buf_init(&out, 256);
		for (size_t i = 0; i < n && !came; i += step)
			came =
			    lone_dot_push(&dot, guarded_span(span_slice(span_of(text), i, i + step)), &out);
		if (!came)
			lone_dot_end(&dot, &out);
		ck_assert(came == over);
		expect_span(buf_span(&out), expected);
		buf_free(&out);
	}
}

START_TEST(ends_at_a_lone_dot)
{
	expect_dot("a\n.\nb", true, "a\n");
	expect_dot("a\r\n.\r\nb", true, "a\r\n");
	expect_dot(".\n", true, "");
	expect_dot("a\n..\n.b\n. \n.\rc\nd.\n", false, "a\n..\n.b\n. \n.\rc\nd.\n");
	expect_dot("a\n.", false, "a\n.");
	expect_dot("a\n.\r", false, "a\n.\r");
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, knows_what_text_it_is);
	tcase_add_test(t, knows_long_lines);
	tcase_add_test(t, encodes_in_pieces);
	tcase_add_test(t, parts_endless_lines);
	tcase_add_test(t, ends_at_a_lone_dot);
}

int
main(void)
{
	return run_suite("smtpc_content", add);
}
