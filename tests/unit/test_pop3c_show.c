#include "unit.h"

#include <stdio.h>

#include "netrc.h"
#include "safe.h"
#include "show.h"

enum { PLENTY = 64 * 1024 * 1024 };

static int
utc(int64_t seconds)
{
	(void)seconds;
	return 0;
}

static int
an_hour_east(int64_t seconds)
{
	(void)seconds;
	return 60;
}

static void
expect_shown(const char *message, const char *expected)
{
	struct buf out;

	buf_init(&out, PLENTY);
	ck_assert_int_eq(show_message(guarded_span(span_of(message)), &out), 0);
	expect_span(buf_span(&out), expected);
	buf_free(&out);
}

static void
expect_safe(struct span text, enum safe_kind kind, const char *expected)
{
	struct buf out;

	buf_init(&out, PLENTY);
	ck_assert_int_eq(safe_add(guarded_span(text), kind, &out), 0);
	expect_span(buf_span(&out), expected);
	buf_free(&out);
}

START_TEST(control_characters_go)
{
	static const char all[] =
	    "\0\1\2\3\4\5\6\7\b\t\n\v\f\r\16\17\20\21\22\23\24\25\26\27\30\31\32\33\34\35\36\37 ~\177";

	expect_safe((struct span){ all, sizeof(all) - 1 }, SAFE_TEXT, "\t\n ~");
	expect_safe((struct span){ all, sizeof(all) - 1 }, SAFE_LINE, "~");
	expect_safe(span_of("a\xc2\x9b"
			    "31mb\xc2\x80\xc2\x9f\xc2\xa0"),
	    SAFE_TEXT, "a31mb\xc2\xa0");
	expect_safe(span_of("bidi \xe2\x80\xaex\xe2\x80\xac\xe2\x81\xa6y\xd8\x9c"), SAFE_TEXT, "bidi xy");
	expect_safe(span_of("\xef\xbb\xbfzero\xe2\x80\x8bwidth\xf3\xa0\x81\x81"), SAFE_TEXT, "zerowidth");
}
END_TEST

START_TEST(malformed_utf8_is_replaced)
{
#define R "\xef\xbf\xbd"
	expect_safe(span_of("\x9b\xff\xc0\xaf"), SAFE_TEXT, R R R R);
	expect_safe(span_of("\xe0\x80\x80|\xed\xa0\x80|\xf4\x90\x80\x80|\xf8"), SAFE_TEXT,
	    R R R "|" R R R "|" R R R R "|" R);
	expect_safe(span_of("cut \xe2\x82"), SAFE_TEXT, "cut " R R);
	expect_safe(span_of("\xe2\x82\xac \xf0\x9f\x98\x80"), SAFE_TEXT, "\xe2\x82\xac \xf0\x9f\x98\x80");
}
END_TEST

START_TEST(a_line_is_one)
{
	expect_safe(span_of("  a \t\r\n b\n\n"), SAFE_LINE, "a b");
	expect_safe(span_of("a\xe2\x80\xa8"
			    "b\r\nc\rd"),
	    SAFE_LINE, "a b c d");
	expect_safe(span_of("a\xe2\x80\xa8"
			    "b\r\nc\rd"),
	    SAFE_TEXT, "a\nb\ncd");
	ck_assert_uint_eq(safe_width(span_of("gr\xc3\xbcn \xff")), 6);
}
END_TEST

START_TEST(a_plain_message)
{
	expect_shown("Received: x\r\nSubject: =?iso-8859-1?q?gr=FCn?=\r\nFrom: a@b\r\nTo: c@d,\r\n "
		     "e@f\r\nDate: today\r\n\r\nbody\r\n",
	    "From: a@b\nTo: c@d, e@f\nDate: today\nSubject: gr\xc3\xbcn\n\nbody\n");
	expect_shown("", "\n");
	expect_shown("no header at all", "\nno header at all\n");
	expect_shown("Subject: x", "Subject: x\n\n");
	expect_shown("\r\nbody", "\nbody\n");
}
END_TEST

START_TEST(transfer_encodings_and_charsets)
{
	expect_shown("Content-Transfer-Encoding: Quoted-Printable\nContent-Type: text/plain; "
		     "charset=\"ISO-8859-1\"\n\ncaf=E9=\n!\n",
	    "\ncaf\xc3\xa9!\n");
	expect_shown(
	    "Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8\n\nZ3LD\nvG4K\n",
	    "\ngr\xc3\xbcn\n");
	expect_shown("Content-Type: text/plain\n\n\xe9 \x93windows\x94\n",
	    "\n\xc3\xa9 \xe2\x80\x9cwindows\xe2\x80\x9d\n");
	expect_shown("\ngr\xc3\xbcn\n", "\ngr\xc3\xbcn\n");
	expect_shown("Content-Transfer-Encoding: base64\n\nG1szMW1yZWQ=\n", "\n[31mred\n");
}
END_TEST

#define BOTH                                                                                       \
	"Content-Type: multipart/alternative; boundary=\"b c\"\n\npreamble\n--b c\nContent-Type: " \
	"text/html\n\n<b>html</b>\n"                                                               \
	"--b c\nContent-Type: text/plain\n\nplain\n--b c--\nepilogue\n"

START_TEST(alternatives)
{
	expect_shown(BOTH, "\nplain\n");
	expect_shown("Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: "
		     "text/html\n\n<p>only <b>html</b></p>\n--b--\n",
	    "\n[HTML, shown without its tags]\n\nonly html\n");
	expect_shown("Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: image/png; "
		     "name=x.png\n\nabc\n--b--\n",
	    "\n[attachment: x.png, image/png, 3 bytes]\n");
}
END_TEST

START_TEST(attachments_are_named)
{
	expect_shown(
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n\n--b\nContent-Type: application/pdf\n"
	    "Content-Disposition: attachment; filename=\"=?utf-8?q?gr=C3=BCn=1B[31m.pdf?=\"\n\nabc\n--b\n"
	    "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nnot shown\n--b--\n",
	    "\ntext\n\n[attachment: gr\xc3\xbcn [31m.pdf, application/pdf, 3 bytes]\n\n[attachment: a.txt, "
	    "text/plain, 9 bytes]\n");
	expect_shown("Content-Type: application/pdf\n\nabc\n", "\n[attachment: application/pdf, 4 bytes]\n");
}
END_TEST

START_TEST(folded_fields)
{
	expect_shown(
	    "Content-Type: multipart/mixed;\r\n\tboundary=\"b\r\n c\"\r\n\r\n--b c\r\nContent-Type:\r\n "
	    "image/png;\r\n name=x\r\nContent-Disposition:\r\n\tattachment\r\n\r\nabc\r\n--b c--\r\n",
	    "\n[attachment: x, image/png, 3 bytes]\n");
}
END_TEST

START_TEST(a_message_in_a_message)
{
	expect_shown("Subject: outer\nContent-Type: multipart/mixed; "
		     "boundary=b\n\n--b\n\nsee:\n--b\nContent-Type: message/rfc822\n\n"
		     "Subject: inner\n\ninside\n--b--\n",
	    "Subject: outer\n\nsee:\n\nSubject: inner\n\ninside\n");
}
END_TEST

START_TEST(malformed_multiparts)
{
	expect_shown("Content-Type: multipart/mixed\n\ntext\n", "\ntext\n");
	expect_shown("Content-Type: multipart/mixed; boundary=b\n\ntext without it\n", "\ntext without it\n");
	expect_shown("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nno end", "\nno end\n");
	expect_shown("Content-Type: multipart/mixed; boundary=b\n\n--b--\n", "\n");
	expect_shown("Content-Type: nonsense\n\nx\n", "\nx\n");
	expect_shown(
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\nx\n--bb\n--b--\n", "\nx\n--bb\n");
}
END_TEST

/* Parts within parts, and parts without end, cost no more than their bounds. */
START_TEST(depth_and_number_are_bounded)
{
	struct buf message, out;

	buf_init(&message, PLENTY);
	buf_init(&out, PLENTY);
	for (int i = 0; i < 2000; i++)
		buf_printf(&message, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	ck_assert_int_eq(show_message(buf_span(&message), &out), 0);
	ck_assert_ptr_nonnull(strstr(buf_string(&out), "too deep"));
	buf_clear(&message);
	buf_clear(&out);
	buf_add_string(&message, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (int i = 0; i < 100000; i++)
		buf_add_string(&message, "--b\n\nx\n");
	ck_assert_int_eq(show_message(buf_span(&message), &out), 0);
	ck_assert_ptr_nonnull(strstr(buf_string(&out), "[more parts than are shown]"));
	ck_assert_uint_lt(out.len, 10000);
	buf_free(&message);
	buf_free(&out);
}
END_TEST

/* Every cut of a message, at the end of a page; nothing unsafe comes out of any. */
START_TEST(every_cut_is_survived)
{
	static const char *const messages[] = { BOTH,
		"From: =?utf-8?b?Z3LDvG4=?= <a@b>\r\nContent-Type: multipart/mixed; boundary*0=\"x\"; "
		"boundary*1=y\r\n\r\n"
		"--xy\r\nContent-Type: text/html; charset=x\r\nContent-Transfer-Encoding: "
		"quoted-printable\r\n\r\n"
		"<style>a{}</style><!-- c -->&#x1b;&#27;&euro;<br/>=E9=1B[31m\xe2\x82\r\n--xy\r\n"
		"Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\n\x9b\r\n--xy--\r\n" };

	for (size_t m = 0; m < sizeof(messages) / sizeof(messages[0]); m++)
		for (size_t n = 0; n <= strlen(messages[m]); n++) {
			struct buf out;
			char *at = guarded(messages[m], n);
			buf_init(&out, PLENTY);
			ck_assert_int_eq(show_message((struct span){ at, n }, &out), 0);
			for (size_t i = 0; i < out.len; i++)
				ck_assert((unsigned char)out.data[i] >= ' ' || out.data[i] == '\n' ||
					  out.data[i] == '\t');
			buf_free(&out);
			unguard(at, n);
		}
}
END_TEST

static void
expect_html(const char *html, const char *expected)
{
	struct buf out;

	buf_init(&out, PLENTY);
	html_to_text(guarded_span(span_of(html)), &out);
	expect_span(buf_span(&out), expected);
	buf_free(&out);
}

START_TEST(html_becomes_text)
{
	expect_html("<html><head><title>T</title><style>p { x: \"<p>\" }</style></head><body><p>one\n "
		    "two</p><p>three<br>four</p>",
	    "T\n\none two\n\nthree\nfour\n");
	expect_html("a &lt;b&gt; &amp;amp; &#8364; &#x20AC; &unknown; &",
	    "a <b> &amp; \xe2\x82\xac \xe2\x82\xac &unknown; &\n");
	expect_html("1 < 2 <3 a<b", "1 < 2 <3 a<b\n");
	expect_html("x<script>alert('</b>')</SCRIPT>y<!-- no > -->z", "xyz\n");
	expect_html("<ul><li>a<li>b</ul>", "a\nb\n");
	expect_html("&#0;&#xD800;&#x110000;&#99999999999;", "&#0;&#xD800;&#x110000;&#99999999999;\n");
	expect_html("<p", "<p\n");
	expect_html("<!-- open", "");
	expect_html("", "");
}
END_TEST

START_TEST(html_costs_no_more_than_its_length)
{
	struct buf html, out;

	buf_init(&html, PLENTY);
	buf_init(&out, PLENTY);
	for (int i = 0; i < 2000000; i++)
		buf_add_string(&html, "<a <script><!-");
	html_to_text(buf_span(&html), &out);
	ck_assert(!out.failed);
	buf_clear(&html);
	buf_clear(&out);
	for (int i = 0; i < 4000000; i++)
		buf_add_string(&html, "<");
	html_to_text(buf_span(&html), &out);
	ck_assert(!out.failed);
	buf_free(&html);
	buf_free(&out);
}
END_TEST

static void
expect_summary(const char *header, show_zone *zone, const char *expected)
{
	struct buf out;

	buf_init(&out, PLENTY);
	ck_assert_int_eq(show_summary(guarded_span(span_of(header)), zone, &out), 0);
	expect_span(buf_span(&out), expected);
	buf_free(&out);
}

START_TEST(a_summary)
{
	expect_summary("From: \"Doe,  J.\" <j@example.org>, other@x\r\nSubject:  two   words\r\nDate: Tue, "
		       "24 Nov 2026 23:31:18 +0000\r\n",
	    utc, "Doe, J. <j@example.org>         2026-11-24 23:31  two words");
	expect_summary("Date: Tue, 24 Nov 2026 23:31:18 +0000\r\nReturn-Path: <bounce@example.org>\r\n",
	    an_hour_east, "bounce@example.org              2026-11-25 00:31  (no subject)");
	expect_summary("Received: from a; by b\r\n\tid c; Tue, 24 Nov 2026 23:31:18 +0000\r\nReceived: x; "
		       "Tue, 24 Nov 2026 20:00:00 +0000\r\n"
		       "Date: soon\r\n",
	    utc, "-                               2026-11-24 23:31  (no subject)");
	expect_summary(
	    "Received: no date\r\n", utc, "-                               ---------- --:--  (no subject)");
	expect_summary(
	    "Received: ;\r\n", utc, "-                               ---------- --:--  (no subject)");
	expect_summary("", utc, "-                               ---------- --:--  (no subject)");
	expect_summary("From: =?utf-8?q?=1B]0;x=07?= <\x1b@x>\r\nSubject: a\r\n b\x1b[2J\r\n", utc,
	    "]0;x < @x>                      ---------- --:--  a b [2J");
}
END_TEST

static void
expect_netrc(const char *text, const char *host, const char *user, const char *login, const char *password)
{
	struct buf found_login, found_password;

	buf_init(&found_login, 100);
	buf_init(&found_password, 100);
	bool found = netrc_find(
	    guarded_span(span_of(text)), span_of(host), span_of(user), &found_login, &found_password);
	ck_assert_int_eq(found, login != NULL);
	expect_span(buf_span(&found_login), login == NULL ? "" : login);
	expect_span(buf_span(&found_password), login == NULL ? "" : password);
	buf_free(&found_login);
	buf_free(&found_password);
}

START_TEST(netrc_entries)
{
	static const char text[] =
	    "# machine c login d password e\nmachine A.example login anna password x\nmachine b\n\tlogin "
	    "bob\n"
	    "\taccount z\n\tpassword \"two words\\\"\"\nmacdef init\nmachine m login m password m\n\n"
	    "machine b login eva password y\nmachine n login nobody\ndefault login any password d";

	expect_netrc(text, "a.EXAMPLE", "", "anna", "x");
	expect_netrc(text, "b", "", "bob", "two words\"");
	expect_netrc(text, "b", "eva", "eva", "y");
	expect_netrc(text, "b", "otto", NULL, NULL);
	expect_netrc(text, "m", "", "any", "d");
	expect_netrc(text, "n", "", "nobody", "");
	expect_netrc(text, "elsewhere", "any", "any", "d");
	expect_netrc("", "b", "", NULL, NULL);
	expect_netrc("machine", "b", "", NULL, NULL);
	expect_netrc("machine b", "b", "", NULL, NULL);
	expect_netrc("machine b password \"open", "b", "", "", "open");
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, control_characters_go);
	tcase_add_test(t, malformed_utf8_is_replaced);
	tcase_add_test(t, a_line_is_one);
	tcase_add_test(t, a_plain_message);
	tcase_add_test(t, transfer_encodings_and_charsets);
	tcase_add_test(t, alternatives);
	tcase_add_test(t, attachments_are_named);
	tcase_add_test(t, folded_fields);
	tcase_add_test(t, a_message_in_a_message);
	tcase_add_test(t, malformed_multiparts);
	tcase_add_test(t, depth_and_number_are_bounded);
	tcase_add_test(t, every_cut_is_survived);
	tcase_add_test(t, html_becomes_text);
	tcase_add_test(t, html_costs_no_more_than_its_length);
	tcase_add_test(t, a_summary);
	tcase_add_test(t, netrc_entries);
}

int
main(void)
{
	return run_suite("pop3c_show", add);
}
