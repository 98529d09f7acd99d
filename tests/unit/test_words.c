#include "unit.h"

#include <stdio.h>

#include "codec.h"
#include "message.h"

static void
expect_decoded(const char *value, const char *expected)
{
	struct buf out;

	buf_init(&out, 4096);
	ck_assert_int_eq(words_decode(guarded_span(span_of(value)), &out), 0);
	expect_span(buf_span(&out), expected);
	buf_free(&out);
}

/* RFC 2047 8. */
START_TEST(decodes_the_rfcs_examples)
{
	expect_decoded("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>");
	expect_decoded("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>",
	    "Keld J\xc3\xb8rn Simonsen <keld@dkuug.dk>");
	expect_decoded("=?ISO-8859-1?Q?Andr=E9?= Pirard <PIRARD@vm1.ulg.ac.be>",
	    "Andr\xc3\xa9 Pirard <PIRARD@vm1.ulg.ac.be>");
	expect_decoded("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
		       " =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
	    "If you can read this you understand the example.");
	expect_decoded("=?ISO-8859-1?Q?Olle_J=E4rnefors?= <ojarnef@admin.kth.se>",
	    "Olle J\xc3\xa4rnefors <ojarnef@admin.kth.se>");
	expect_decoded("=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?= x", "???? ?? ????? x");
	expect_decoded("(=?ISO-8859-1?Q?a?=)", "(a)");
	expect_decoded("(=?ISO-8859-1?Q?a?= b)", "(a b)");
	expect_decoded("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)");
	expect_decoded("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)");
	expect_decoded("(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)");
	expect_decoded("(=?ISO-8859-1?Q?a_b?=)", "(a b)");
	expect_decoded("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)");
}
END_TEST

START_TEST(decodes_what_mailers_write)
{
	expect_decoded("", "");
	expect_decoded(" plain  text ", "plain  text");
	expect_decoded("a\r\n b\n\tc  \r\n  d", "a b c d");
	expect_decoded("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "\xc3\xbc"); /* a character in two words */
	expect_decoded("=?UTF-8*de?Q?J=C3=BC?=", "J\xc3\xbc");	       /* RFC 2231 5 */
	expect_decoded("a=?UTF-8?Q?b?=c", "abc");
	expect_decoded("=?UTF-8?Q?a b?=", "a b");
	expect_decoded("=?UTF-8?Q?"
		       "?=",
	    "");
	expect_decoded("J\xc3\xbc", "J\xc3\xbc"); /* RFC 6532 */
	expect_decoded("J\xfc", "J\xc3\xbc");
}
END_TEST

START_TEST(leaves_what_is_no_word)
{
	const char *plain[] = { "=?", "=?UTF-8", "=?UTF-8?", "=?UTF-8?Q", "=?UTF-8?Q?", "=?UTF-8?Q?a",
		"=?UTF-8?Q?a?",
		"=?UTF-8?X?a?=", "=??Q?a?=", "=?UTF 8?Q?a?=", "=?UTF-8?Q a?=", "?=", "a = ?b?",
		"=?UTF-8?Q=?=" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		expect_decoded(plain[i], plain[i]);
}
END_TEST

START_TEST(lets_no_control_out)
{
	expect_decoded("=?UTF-8?Q?a=0D=0ABcc:_x=00=1B[31m=7F?=", "a  Bcc: x  [31m ");
	expect_decoded("a\x1b[31m\x7f", "a [31m ");
}
END_TEST

START_TEST(bounds_what_it_decodes)
{
	struct buf out;
	static char many[65536];

	buf_init(&out, 4);
	ck_assert_int_lt(words_decode(span_of("=?UTF-8?Q?abcde?="), &out), 0);
	buf_free(&out);
	for (size_t i = 0; i + 6 < sizeof(many); i += 6)
		memcpy(many + i, "=?a?q?", 6); /* would be quadratic */
	buf_init(&out, sizeof(many));
	ck_assert_int_eq(words_decode(span_of(many), &out), 0);
	buf_free(&out);
}
END_TEST

/* Lines within their bounds, words within theirs, ASCII throughout; and the way back is the same. */
static void
expect_round_trip(const char *text, size_t column)
{
	struct buf out, back;
	size_t line = column;

	buf_init(&out, 65536);
	buf_init(&back, 65536);
	ck_assert_int_eq(words_encode(guarded_span(span_of(text)), column, &out), 0);
	bool words = strstr(buf_string(&out), "=?UTF-8?") != NULL;
	for (size_t i = 0; i < out.len; i++) {
		if (out.data[i] == '\r') {
			ck_assert_msg(
			    i + 2 < out.len && memcmp(out.data + i, "\r\n ", 3) == 0, "%s", out.data);
			ck_assert_msg(i + 3 < out.len && out.data[i + 3] != ' ', "%s", out.data);
			ck_assert_msg(
			    line <= (words ? 76 : 78) || strstr(text, "  ") != NULL, "%s", out.data);
			line = 0;
			i++;
			continue;
		}
		ck_assert(ascii_is_print(out.data[i]));
		line++;
	}
	bool foldable = words || (strchr(text, ' ') != NULL && strstr(text, "  ") == NULL);
	ck_assert_msg(line <= (words ? 76 : 78) || !foldable, "%zu: %s", line, buf_string(&out));
	for (const char *word = buf_string(&out); words && (word = strstr(word, "=?UTF-8?")) != NULL;) {
		const char *end = strstr(word + 10, "?=");
		ck_assert_ptr_nonnull(end);
		ck_assert_int_le(end + 2 - word, 75);
		struct buf one;
		buf_init(&one, 256);
		words_decode((struct span){ word, (size_t)(end + 2 - word) }, &one);
		ck_assert(utf8_valid(buf_span(&one)) && strstr(buf_string(&one), "\xef\xbf\xbd") == NULL);
		buf_free(&one);
		word = end;
	}
	ck_assert_int_eq(words_decode(buf_span(&out), &back), 0);
	expect_span(buf_span(&back), text);
	buf_free(&out);
	buf_free(&back);
}

START_TEST(encodes_and_back)
{
	char text[1024];
	const char *parts[] = { "a", "word ", "\xc3\xbc", "\xe2\x82\xac ", "\xf0\x9f\x93\xaa", "=",
		"=?x?=", "_?", "  x" };
	enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

	expect_round_trip("plain", 9);
	expect_round_trip("=?UTF-8?Q?a?=", 9);
	expect_round_trip(" leading and trailing ", 9);
	for (size_t column = 0; column < 60; column += 7)
		for (size_t a = 0; a < PARTS; a++)
			for (size_t b = 0; b < PARTS; b++) {
				text[0] = '\0';
				for (int i = 0; i < 40; i++)
					strcat(text, i % 3 == 0 ? parts[a] : parts[b]);
				size_t n = strlen(text);
				while (n > 0 && text[n - 1] == ' ')
					text[--n] = '\0';
				char *from = text + strspn(text, " ");
				expect_round_trip(from, column);
			}
}
END_TEST

static void
expect_encoded(const char *text, size_t n, size_t column, const char *expected)
{
	struct buf out;

	buf_init(&out, 4096);
	ck_assert_int_eq(words_encode((struct span){ text, n }, column, &out), 0);
	expect_span(buf_span(&out), expected);
	buf_free(&out);
}

START_TEST(encodes_readably)
{
	static char run[2001];
	struct buf out;

	expect_encoded("Hello", 5, 9, "Hello");
	expect_encoded("J\xc3\xbcrgen K.", 10, 9, "=?UTF-8?B?SsO8cmdlbiBLLg==?=");
	expect_encoded("\xe6\x97\xa5\xe6\x9c\xac", 6, 9, "=?UTF-8?B?5pel5pys?=");
	expect_encoded("a\r\nBcc: x\0y", 11, 9, "a  Bcc: x y");
	expect_encoded("J\xfc", 2, 9, "=?UTF-8?B?SsO8?=");
	memset(run, 'x', 2000); /* lines may have 998 */
	buf_init(&out, 8192);
	ck_assert_int_eq(words_encode(span_of(run), 9, &out), 0);
	ck_assert_ptr_nonnull(strstr(buf_string(&out), "?=\r\n =?UTF-8?"));
	buf_clear(&out);
	out.max = 10;
	ck_assert_int_lt(words_encode(span_of("more than ten"), 0, &out), 0);
	buf_free(&out);
}
END_TEST

static void
expect_parameter(const char *value, const char *name, const char *expected)
{
	struct buf out;

	buf_init(&out, 4096);
	ck_assert_msg(
	    parameter_find(guarded_span(span_of(value)), name, &out) == (expected != NULL), "%s", value);
	expect_span(buf_span(&out), expected == NULL ? "" : expected);
	buf_free(&out);
}

START_TEST(finds_parameters)
{
	expect_parameter("text/plain; charset=utf-8", "charset", "utf-8");
	expect_parameter(" text/plain ;\r\n CHARSET = \"utf-8\" ; x=y", "charset", "utf-8");
	expect_parameter("text/plain; charset=us-ascii (Plain text)", "charset", "us-ascii");
	expect_parameter(
	    "multipart/mixed; a=\"; boundary=no\"; boundary=\"a\\\"b;=c\"", "boundary", "a\"b;=c");
	expect_parameter("text/plain; charset=", "charset", "");
	expect_parameter("text/plain; charset", "charset", NULL);
	expect_parameter("text/plain; xcharset=a", "charset", NULL);
	expect_parameter("text/plain", "charset", NULL);
	expect_parameter("charset=a", "charset", "a");
	expect_parameter("", "charset", NULL);
	expect_parameter("a; b=\"c", "b", "c");
	expect_parameter("a; b=\"c\\", "b", "c\\");
	expect_parameter("a; name=\"=?UTF-8?Q?J=C3=BC?=\"", "name", "J\xc3\xbc");
}
END_TEST

/* RFC 2231 3 and 4. */
START_TEST(understands_rfc_2231)
{
	expect_parameter("message/external-body; access-type=URL; URL*0=\"ftp://\"; "
			 "URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
	    "url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar");
	expect_parameter("application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
	    "title", "This is ***fun***");
	expect_parameter("application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; "
			 "title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
	    "title", "This is even more ***fun*** isn't it!");
	expect_parameter("a; n*1=b; n*0=a; n*3=d", "n", "ab");
	expect_parameter("a; n*=iso-8859-1''J%FC; n=no", "n", "J\xc3\xbc");
	expect_parameter("a; n*=UTF-8''100%", "n", "100%");
	expect_parameter("a; n*=UTF-8''%4", "n", "%4");
	expect_parameter("a; n*=UTF-8", "n", "UTF-8");
	expect_parameter("a; n*10=a", "n", NULL);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, decodes_the_rfcs_examples);
	tcase_add_test(t, decodes_what_mailers_write);
	tcase_add_test(t, leaves_what_is_no_word);
	tcase_add_test(t, lets_no_control_out);
	tcase_add_test(t, bounds_what_it_decodes);
	tcase_add_test(t, encodes_and_back);
	tcase_add_test(t, encodes_readably);
	tcase_add_test(t, finds_parameters);
	tcase_add_test(t, understands_rfc_2231);
}

int
main(void)
{
	return run_suite("words", add);
}
