#include "dsn.h"
#include "unit.h"

static bool
is_envid(const char *text)
{
	struct span copy = guarded_span(span_of(text));

	return dsn_is_envid(copy);
}

static bool
is_orcpt(const char *text)
{
	struct span copy = guarded_span(span_of(text));

	return dsn_is_orcpt(copy);
}

/* What it reads is what it writes; 0: malformed. */
static void
notify(const char *text, const char *expected)
{
	struct span copy = guarded_span(span_of(text));
	struct buf written;
	unsigned bits;

	buf_init(&written, 64);
	if (dsn_parse_notify(copy, &bits) == 0)
		dsn_write_notify(bits, &written);
	ck_assert_str_eq(buf_string(&written), expected);
	buf_free(&written);
}

START_TEST(reads_notify)
{
	notify("never", "NEVER");
	notify("DELAY,success", "SUCCESS,DELAY");
	notify("SUCCESS,FAILURE,DELAY", "SUCCESS,FAILURE,DELAY");
	notify("FAILURE,FAILURE", "FAILURE");
	notify("", "");
	notify("NEVER,FAILURE", "");
	notify("FAILURE,NEVER", "");
	notify("FAILURE,", "");
	notify(",FAILURE", "");
	notify("FAILURE DELAY", "");
	notify("FAILUR", "");
}
END_TEST

START_TEST(reads_ret)
{
	enum dsn_ret ret;

	ck_assert_int_eq(dsn_parse_ret(span_of("full"), &ret), 0);
	ck_assert_int_eq(ret, DSN_RET_FULL);
	ck_assert_int_eq(dsn_parse_ret(span_of("HDRS"), &ret), 0);
	ck_assert_int_eq(ret, DSN_RET_HDRS);
	ck_assert_int_eq(dsn_parse_ret(span_of("HDRSS"), &ret), -1);
	ck_assert_int_eq(dsn_parse_ret((struct span){ NULL, 0 }, &ret), -1);
}
END_TEST

START_TEST(knows_an_envid)
{
	char text[DSN_ENVID + 2];

	ck_assert(is_envid("QQ314159"));
	ck_assert(is_envid("a+2Bb+20c"));
	ck_assert(!is_envid(""));
	ck_assert(!is_envid("a=b"));
	ck_assert(!is_envid("a b"));
	ck_assert(!is_envid("a+2"));
	ck_assert(!is_envid("a+"));
	ck_assert(!is_envid("+2b"));
	ck_assert(!is_envid("a+0D+0AX:+20y"));
	ck_assert(!is_envid("+00"));
	ck_assert(!is_envid("+FC"));
	ck_assert(!is_envid("\xc3\xbc"));
	memset(text, 'x', sizeof text);
	text[DSN_ENVID + 1] = '\0';
	ck_assert(!is_envid(text));
	text[DSN_ENVID] = '\0';
	ck_assert(is_envid(text));
}
END_TEST

START_TEST(knows_an_orcpt)
{
	char text[DSN_ORCPT + 2] = "rfc822;";

	ck_assert(is_orcpt("rfc822;carl@example.net"));
	ck_assert(is_orcpt("RFC822;a+2Bb@example.net"));
	ck_assert(is_orcpt("x-new;anything"));
	ck_assert(is_orcpt("utf-8;\\x{FC}@example.net"));
	ck_assert(is_orcpt("UTF-8;\xc3\xbc@example.net"));
	ck_assert(!is_orcpt("utf-8;\xc3@example.net"));
	ck_assert(!is_orcpt("utf-8;\xc3\xbc\r\n@example.net"));
	ck_assert(!is_orcpt("rfc822;\xc3\xbc@example.net"));
	ck_assert(!is_orcpt("carl@example.net"));
	ck_assert(!is_orcpt(";carl@example.net"));
	ck_assert(!is_orcpt("rfc822;"));
	ck_assert(!is_orcpt("utf-8;"));
	ck_assert(!is_orcpt("rfc(822);carl@example.net"));
	ck_assert(!is_orcpt("rfc822;a+0Ab"));
	ck_assert(!is_orcpt(""));
	memset(text + 7, 'x', sizeof text - 7);
	text[DSN_ORCPT + 1] = '\0';
	ck_assert(!is_orcpt(text));
	text[DSN_ORCPT] = '\0';
	ck_assert(is_orcpt(text));
}
END_TEST

START_TEST(decodes_xtext)
{
	struct buf out;

	buf_init(&out, 8);
	ck_assert_int_eq(dsn_decode_xtext(guarded_span(span_of("a+2Bb+3D")), &out), 0);
	expect_span(buf_span(&out), "a+b=");
	buf_clear(&out);
	ck_assert_int_eq(dsn_decode_xtext(span_of("123456789"), &out), -1);
	buf_free(&out);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, reads_notify);
	tcase_add_test(t, reads_ret);
	tcase_add_test(t, knows_an_envid);
	tcase_add_test(t, knows_an_orcpt);
	tcase_add_test(t, decodes_xtext);
}

int
main(void)
{
	return run_suite("smtpd dsn", add);
}
