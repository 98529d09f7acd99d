#include "unit.h"

#include "codec.h"

typedef int (*coder)(struct span, struct buf *);

/* What the coder makes of a text, from the end of a page; the outcome is in *out, which is not empty before. */
static int
code(coder f, struct span in, struct buf *out, size_t max)
{
	char *copy = guarded(in.at, in.n);

	buf_init(out, max + 1);
	buf_add_char(out, '>');
	int result = f((struct span){ copy, in.n }, out);
	unguard(copy, in.n);
	return result;
}

static void
expect_code(coder f, struct span in, struct span expected)
{
	struct buf out;

	ck_assert_int_eq(code(f, in, &out, 4096), 0);
	struct span got = span_slice(buf_span(&out), 1, out.len);
	if (got.n != expected.n || (got.n > 0 && memcmp(got.at, expected.at, got.n) != 0))
		ck_abort_msg("\"%.*s\" became \"%.*s\" instead of \"%.*s\"", (int)in.n, in.at, (int)got.n,
		    got.at, (int)expected.n, expected.at);
	buf_free(&out);

	/* With no room but for less. */
	for (size_t max = 0; max < expected.n; max++) {
		ck_assert_int_eq(code(f, in, &out, max), -1);
		ck_assert(out.failed);
		buf_free(&out);
	}
}

static void
expect_text(coder f, const char *in, const char *expected)
{
	expect_code(f, span_of(in), span_of(expected));
}

/* RFC 4648 10 */
static const struct {
	const char *bytes, *text;
} base64_vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbe", "+/++" },
};

START_TEST(base64_of_the_rfc)
{
	expect_text(base64_encode, base64_vectors[_i].bytes, base64_vectors[_i].text);
	expect_text(base64_decode, base64_vectors[_i].text, base64_vectors[_i].bytes);
	expect_text(base64_decode_lenient, base64_vectors[_i].text, base64_vectors[_i].bytes);
}
END_TEST

START_TEST(base64_takes_every_byte)
{
	char bytes[256];
	struct buf text;

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	for (size_t n = 0; n <= sizeof(bytes); n += 5) {
		struct span in = { bytes, n };

		buf_init(&text, 1000);
		ck_assert_int_eq(base64_encode(in, &text), 0);
		ck_assert_uint_eq(text.len, (n + 2) / 3 * 4);
		expect_code(base64_decode, buf_span(&text), in);
		buf_free(&text);
	}
}
END_TEST

START_TEST(base64_strict_refuses)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zm9", "Zg==Zg==", "Zm9v\n", "Zm 9v",
		"Zm9v====", "====", "A===", "=AAA", "AA=A", "Zh==", "Zm9=", "Zm9-", "Zm9_", "Zm9\x80",
		"Zg==\r\n", "*", "Zm8=Zm8=" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf out;

		ck_assert_msg(code(base64_decode, span_of(bad[i]), &out, 100) == -1, "%s was taken", bad[i]);
		expect_span(buf_span(&out), ">");
		buf_free(&out);
	}
}
END_TEST

START_TEST(base64_lenient_takes)
{
	expect_text(base64_decode_lenient, "Zm9v\r\nYmFy", "foobar");
	expect_text(base64_decode_lenient, " Z m-9\xff v_!", "foo");
	expect_text(base64_decode_lenient, "Zm8", "fo");
	expect_text(base64_decode_lenient, "Zm8=Zm8=", "fo");
	expect_text(base64_decode_lenient, "Z", "");
	expect_text(base64_decode_lenient, "===", "");
}
END_TEST

START_TEST(base64_makes_lines)
{
	char bytes[57 * 2 + 1];

	memset(bytes, 0, sizeof(bytes));
	char expected[2 * 78 + 7];
	memset(expected, 'A', sizeof(expected));
	memcpy(expected + 76, "\r\n", 2);
	memcpy(expected + 154, "\r\n", 2);
	memcpy(expected + 156, "AA==\r\n", 7);
	expect_code(base64_encode_lines, (struct span){ bytes, sizeof(bytes) }, span_of(expected));
	expect_code(
	    base64_encode_lines, (struct span){ bytes, sizeof(bytes) - 1 }, (struct span){ expected, 156 });
	expect_text(base64_encode_lines, "", "");
	expect_text(base64_encode_lines, "foo", "Zm9v\r\n");
}
END_TEST

/* Room for six more characters in a line. */
#define FIVE	"aaaaa"
#define TWENTY	FIVE FIVE FIVE FIVE
#define SEVENTY TWENTY TWENTY TWENTY FIVE FIVE

START_TEST(qp_encodes)
{
	expect_text(qp_encode, "", "");
	expect_text(qp_encode, "plain text\r\n", "plain text\r\n");
	expect_text(qp_encode, "a=b\r\n", "a=3Db\r\n");
	expect_text(qp_encode, "\xc3\xa4\r\n", "=C3=A4\r\n");
	expect_text(qp_encode, "blank \r\ntab\t\r\nend ", "blank=20\r\ntab=09\r\nend=20");
	expect_text(qp_encode, "a  b\tc", "a  b\tc");
	expect_text(qp_encode, ".\r\n..\r\na.\r\n", "=2E\r\n=2E.\r\na.\r\n");
	expect_text(
	    qp_encode, "From me\r\nFrom\r\nFrom:\r\nx From y", "=46rom me\r\nFrom\r\nFrom:\r\nx From y");
	expect_text(qp_encode, "a\rb\nc\r\r\nd\r", "a=0Db=0Ac=0D\r\nd=0D");
	expect_code(qp_encode, (struct span){ "\0\x7f", 2 }, span_of("=00=7F"));
	expect_text(qp_encode, "\r\n\r\n", "\r\n\r\n");
}
END_TEST

START_TEST(qp_breaks_lines)
{
	/* 76 fit, 77 do not; the break takes one of the 76. */
	expect_text(qp_encode, SEVENTY "bbbbbb\r\n", SEVENTY "bbbbbb\r\n");
	expect_text(qp_encode, SEVENTY "bbbbbb", SEVENTY "bbbbbb");
	expect_text(qp_encode, SEVENTY "bbbbbbc\r\n", SEVENTY "bbbbb=\r\nbc\r\n");
	expect_text(qp_encode, SEVENTY "bbb\xff\r\n", SEVENTY "bbb=FF\r\n");
	expect_text(qp_encode,
	    SEVENTY "bbb\xff"
		    "c\r\n",
	    SEVENTY "bbb=\r\n=FFc\r\n");
	expect_text(qp_encode, SEVENTY "bbbb\xff\r\n", SEVENTY "bbbb=\r\n=FF\r\n");
	expect_text(qp_encode, SEVENTY "bbbbb \r\n", SEVENTY "bbbbb=\r\n=20\r\n");
	expect_text(qp_encode, SEVENTY "bbbb  x\r\n", SEVENTY "bbbb =\r\n x\r\n");
	/* What comes to stand at a line's start counts as such. */
	expect_text(qp_encode, SEVENTY "bbbbb.c\r\n", SEVENTY "bbbbb=\r\n=2Ec\r\n");
	expect_text(qp_encode, SEVENTY "bbbbbFrom c\r\n", SEVENTY "bbbbb=\r\n=46rom c\r\n");
}
END_TEST

START_TEST(qp_decodes)
{
	expect_text(qp_decode, "", "");
	expect_text(qp_decode, "a=3Db=3db\r\n", "a=b=b\r\n");
	expect_text(qp_decode, "soft=\r\nbreak=\nhere=", "softbreakhere");
	expect_text(qp_decode, "soft= \t\r\nbreak= ", "softbreak");
	expect_text(qp_decode, "blank  \r\ntab\t\n a b \t", "blank\r\ntab\n a b");
	expect_text(qp_decode, "=20\r\n=09", " \r\n\t");
	expect_text(qp_decode, "=", "");
	expect_text(qp_decode, "=4", "=4");
	expect_text(qp_decode, "=4g=G4==41= x=\rz", "=4g=G4=A= x=\rz");
	expect_text(qp_decode, "\r\n\r\n\n", "\r\n\r\n\n");
	expect_text(qp_decode, "\xc3\xa4_", "\xc3\xa4_");
}
END_TEST

/* Any bytes survive both ways, and no line is longer than 76. */
START_TEST(qp_goes_and_comes)
{
	char bytes[400];
	struct buf text;
	uint32_t random = 1;

	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			random = random * 1103515245 + 12345;
			bytes[i] =
			    round % 2 != 0 ? (char)(random >> 16) : " \t\r\n=.Fab\xff"[(random >> 16) % 10];
		}
		struct span in = { bytes, (size_t)(round * 2) };
		buf_init(&text, 8000);
		ck_assert_int_eq(qp_encode(in, &text), 0);
		size_t column = 0;
		for (size_t i = 0; i < text.len; i++) {
			column = text.data[i] == '\n' ? 0 : column + 1;
			ck_assert_uint_le(column, text.data[i] == '\r' ? 77 : 76);
		}
		struct buf back;
		ck_assert_int_eq(code(qp_decode, buf_span(&text), &back, 8000), 0);
		ck_assert_uint_eq(back.len, in.n + 1);
		ck_assert(in.n == 0 || memcmp(back.data + 1, bytes, in.n) == 0);
		buf_free(&text);
		buf_free(&back);
	}
}
END_TEST

START_TEST(q_decodes)
{
	expect_text(q_decode, "Andr=E9_Pirard", "Andr\xe9 Pirard");
	expect_text(q_decode, "a=5F=5fb", "a__b");
	expect_text(q_decode, "=", "=");
	expect_text(q_decode, "=4", "=4");
	expect_text(q_decode, "=4x=", "=4x=");
	expect_text(q_decode, "", "");
}
END_TEST

static const struct {
	const char *text;
	bool valid;
} utf8_vectors[] = {
	{ "", true },
	{ "ascii\x7f", true },
	{ "\xc3\xa4", true },
	{ "\xdf\xbf\xc2\x80", true },
	{ "\xe0\xa0\x80\xef\xbf\xbf", true },
	{ "\xed\x9f\xbf\xee\x80\x80", true },
	{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true },
	{ "\x80", false },
	{ "\xbf", false },
	{ "\xc0\x80", false },	       /* overlong */
	{ "\xc1\xbf", false },	       /* overlong */
	{ "\xe0\x9f\xbf", false },     /* overlong */
	{ "\xf0\x8f\xbf\xbf", false }, /* overlong */
	{ "\xed\xa0\x80", false },     /* surrogate */
	{ "\xed\xbf\xbf", false },     /* surrogate */
	{ "\xf4\x90\x80\x80", false }, /* past U+10FFFF */
	{ "\xf5\x80\x80\x80", false },
	{ "\xff", false },
	{ "\xc3", false },
	{ "\xe2\x82", false },
	{ "\xf0\x9f\x98", false },
	{ "\xc3\xc3", false },
	{ "\xe2\x82\x41", false },
	{ "\xf0\x9f\x98\xc0", false },
};

START_TEST(utf8_is_valid_or_not)
{
	ck_assert(utf8_valid(guarded_span(span_of(utf8_vectors[_i].text))) == utf8_vectors[_i].valid);
}
END_TEST

static struct span charset;

static int
from_charset(struct span text, struct buf *out)
{
	return utf8_from(text, charset, out);
}

static const struct {
	const char *charset, *text, *utf8;
} charset_vectors[] = {
	{ "UTF-8", "\xc3\xa4 x", "\xc3\xa4 x" },
	{ "utf-8", "a\xff\xc3", "a??" },
	{ "utf-8", "\xf0\x9f\x98\x80\xf0\x9f\x98", "\xf0\x9f\x98\x80???" },
	{ "us-ascii", "a\x80\xc3\xa4", "a?\xc3\xa4" },
	{ "", "\xc3\xa4", "\xc3\xa4" },
	{ "ISO-8859-1", "caf\xe9 \xa4\xff", "caf\xc3\xa9 \xc2\xa4\xc3\xbf" },
	{ "iso-8859-1", "\x93q\x94", "\xe2\x80\x9cq\xe2\x80\x9d" },
	{ "windows-1252", "\x80\x81\x9f", "\xe2\x82\xac?\xc5\xb8" },
	{ "ISO-8859-15", "\xa4\xa6\xbe\xe9", "\xe2\x82\xac\xc5\xa0\xc5\xb8\xc3\xa9" },
	{ "koi8-r", "a\xc1\x7f", "a?\x7f" },
};

START_TEST(utf8_from_charsets)
{
	charset = span_of(charset_vectors[_i].charset);
	expect_text(from_charset, charset_vectors[_i].text, charset_vectors[_i].utf8);
}
END_TEST

/* Whatever comes in, what goes out is valid. */
START_TEST(utf8_from_gives_utf8)
{
	char bytes[256];
	struct buf out;

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	charset = span_of(charset_vectors[_i].charset);
	ck_assert_int_eq(code(from_charset, (struct span){ bytes, sizeof(bytes) }, &out, 4096), 0);
	ck_assert(utf8_valid(buf_span(&out)));
	buf_free(&out);
}
END_TEST

static void
add(TCase *t)
{
	const int charsets = sizeof(charset_vectors) / sizeof(charset_vectors[0]);

	tcase_add_loop_test(t, base64_of_the_rfc, 0, sizeof(base64_vectors) / sizeof(base64_vectors[0]));
	tcase_add_test(t, base64_takes_every_byte);
	tcase_add_test(t, base64_strict_refuses);
	tcase_add_test(t, base64_lenient_takes);
	tcase_add_test(t, base64_makes_lines);
	tcase_add_test(t, qp_encodes);
	tcase_add_test(t, qp_breaks_lines);
	tcase_add_test(t, qp_decodes);
	tcase_add_test(t, qp_goes_and_comes);
	tcase_add_test(t, q_decodes);
	tcase_add_loop_test(t, utf8_is_valid_or_not, 0, sizeof(utf8_vectors) / sizeof(utf8_vectors[0]));
	tcase_add_loop_test(t, utf8_from_charsets, 0, charsets);
	tcase_add_loop_test(t, utf8_from_gives_utf8, 0, charsets);
}

int
main(void)
{
	return run_suite("codec", add);
}
