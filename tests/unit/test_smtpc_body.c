#include "unit.h"

#include "codec.h"
#include "compose.h"

static void
expect_kind(const char *text, size_t n, enum encoding encoding, const char *type)
{
	struct content content = compose_content(guarded_span((struct span){ text, n }));

	ck_assert_int_eq(content.encoding, encoding);
	ck_assert_str_eq(content.type, type);
	ck_assert(content.nul == (memchr(text, '\0', n) != NULL));
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
	expect_kind("a\0b", 3, ENCODING_BASE64, "application/octet-stream");
}
END_TEST

START_TEST(knows_long_lines)
{
	static char text[40000];

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(compose_content((struct span){ text, 998 }).encoding, ENCODING_7BIT);
	ck_assert_int_eq(compose_content((struct span){ text, 999 }).encoding, ENCODING_QP);
	ck_assert_int_eq(compose_content((struct span){ text, sizeof(text) }).encoding, ENCODING_BASE64);
	text[500] = '\r';
	ck_assert_int_eq(compose_content((struct span){ text, 1001 }).encoding, ENCODING_7BIT);
}
END_TEST

/* All that goes out, twice the same. */
static void
send_out(struct body *body, struct buf *out)
{
	size_t first = 0;
	int more;

	for (int round = 0; round < 2; round++) {
		first = out->len;
		while ((more = compose_next(body, out)) > 0)
			;
		ck_assert_int_eq(more, 0);
	}
	ck_assert_uint_eq(out->len, 2 * first);
	ck_assert(
	    span_equal(span_slice(buf_span(out), 0, first), span_slice(buf_span(out), first, 2 * first)));
	buf_cut(out, first);
	ck_assert_uint_eq(compose_size(body), first);
}

static void
expect_encoded(enum encoding encoding, const char *text, size_t n, const char *expected)
{
	struct body body = { .text = guarded_span((struct span){ text, n }), .encoding = encoding };
	struct buf out;

	buf_init(&out, 4096);
	send_out(&body, &out);
	expect_span(buf_span(&out), expected);
	buf_free(&out);
}

START_TEST(encodes)
{
	expect_encoded(ENCODING_7BIT, "a\r\n.\r\nb\r\n", 9, "a\r\n.\r\nb\r\n");
	expect_encoded(ENCODING_7BIT, "a\r\nb", 4, "a\r\nb\r\n");
	expect_encoded(ENCODING_7BIT, "", 0, "");
	expect_encoded(ENCODING_QP, "\xc3\xbc=\r\n. \r\nFrom x\r\nno end ", 24,
	    "=C3=BC=3D\r\n=2E=20\r\n=46rom x\r\nno end=20\r\n");
	expect_encoded(ENCODING_BASE64, "a\r\nb", 4, "YQ0KYg==\r\n");
	expect_encoded(ENCODING_BASE64, "a\n\0b", 4, "YQoAYg==\r\n");
	expect_encoded(ENCODING_BASE64, "0123456789012345678901234567890123456789012345678901234567", 58,
	    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2\r\nNw==\r\n");
}
END_TEST

/* More than goes out at once comes back as it was, in lines of at most 76. */
static void
expect_back(size_t line, enum encoding encoding)
{
	static char text[200000];
	const struct span all = { text, sizeof(text) };
	struct body body = { .header = span_of("Subject: x\r\n\r\n"), .text = all };
	struct buf out, back;
	size_t column = 0;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % line == line - 2	 ? '\r'
			  : i % line == line - 1 ? '\n'
			  : i % 9 == 0		 ? ' '
			  : i % 7 == 0		 ? '\xfc'
						 : 'x';
	buf_init(&out, 1 << 22);
	buf_init(&back, 1 << 20);
	body.encoding = compose_content(all).encoding;
	ck_assert_int_eq(body.encoding, encoding);
	send_out(&body, &out);
	expect_span(span_slice(buf_span(&out), 0, body.header.n), body.header.at);
	buf_drop(&out, body.header.n);
	for (size_t i = 0; i < out.len; i++) {
		column = out.data[i] == '\n' ? 0 : column + 1;
		ck_assert_uint_le(column, 77); /* the CR counts here */
	}
	if (encoding == ENCODING_QP)
		qp_decode(buf_span(&out), &back);
	else
		base64_decode_lenient(buf_span(&out), &back);
	ck_assert_uint_eq(back.len, sizeof(text));
	ck_assert_int_eq(memcmp(back.data, text, sizeof(text)), 0);
	buf_free(&out);
	buf_free(&back);
}

START_TEST(parts_large_texts)
{
	expect_back(80, ENCODING_QP);
	expect_back(10000, ENCODING_QP);
	expect_back(100000, ENCODING_BASE64);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, knows_what_text_it_is);
	tcase_add_test(t, knows_long_lines);
	tcase_add_test(t, encodes);
	tcase_add_test(t, parts_large_texts);
}

int
main(void)
{
	return run_suite("smtpc_body", add);
}
