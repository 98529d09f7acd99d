#include "bounce.h"
#include "unit.h"

static struct queue_message about;
static struct queue_recipient bob;

static struct bounce_recipient told;

/* Of a failure, with the answer of a server. */
static struct bounce_notice
notice(void)
{
	about = (struct queue_message){ .id = "m1",
		.created = 1795490000,
		.sender = span_of("anna@example.org"),
		.trusted = true,
		.envid = span_of("QQ+2B1+3D") };
	bob = (struct queue_recipient){
		.address = span_of("bob@example.net"),
		.dsn.orcpt = span_of("rfc822;Bob+2Bx@example.net"),
		.reply = span_of("MX.example.net: 550-5.1.1 No such user\n550 5.1.1 here"),
	};
	told = (struct bounce_recipient){ .recipient = &bob, .status = "5.1.1", .host = "mx.example.net" };
	return (struct bounce_notice){ .hostname = "mail.example.org",
		.id = "n1",
		.now = 1795498278,
		.zone = 60,
		.expires = 1795900000,
		.to = about.sender,
		.action = BOUNCE_FAILED,
		.about = &about,
		.recipients = &told,
		.recipients_n = 1 };
}

static struct buf out;

static void
collect(void *context, struct buf *piece)
{
	(void)context;
	ck_assert(!piece->failed);
	if (piece->len > 4 && memcmp(piece->data + piece->len - 4, "--\r\n", 4) != 0) /* not the original */
		ck_assert_uint_lt(piece->len, BOUNCE_PIECE);
	ck_assert_int_eq(buf_add_span(&out, buf_span(piece)), 0);
	buf_clear(piece);
}

static void
write_notice(const struct bounce_notice *n, struct span original, bool all)
{
	buf_free(&out);
	buf_init(&out, (size_t)4 * BOUNCE_PIECE);
	bounce_text(n, original, all, collect, NULL);
}

static const char header[] = "Received: from home\r\nSubject: =?utf-8?q?Caf=C3=A9?= at\r\n\teight\r\n";

static bool
has(const char *part)
{
	return strstr(buf_string(&out), part) != NULL;
}

static const char failure[] = "From: Mail Delivery System <MAILER-DAEMON@mail.example.org>\r\n"
			      "To: <anna@example.org>\r\n"
			      "Subject: Mail could not be delivered\r\n"
			      "Date: Tue, 24 Nov 2026 06:31:18 +0100\r\n"
			      "Message-ID: <n1@mail.example.org>\r\n"
			      "Auto-Submitted: auto-replied\r\n"
			      "MIME-Version: 1.0\r\n"
			      "Content-Type: multipart/report; report-type=delivery-status;\r\n"
			      " boundary=\"=_n1\"\r\n"
			      "\r\n--=_n1\r\n"
			      "Content-Type: text/plain; charset=utf-8\r\n"
			      "Content-Transfer-Encoding: quoted-printable\r\n"
			      "\r\n"
			      "This is the mail server mail.example.org.\r\n"
			      "\r\n"
			      "It has a message from you of Tue, 24 Nov 2026 04:13:20 +0100\r\n"
			      "with the subject: Caf=C3=A9 at eight\r\n"
			      "\r\n"
			      "It could not be delivered, and will not be tried again, to:\r\n"
			      "\r\n"
			      "  bob@example.net\r\n"
			      "    mx.example.net said:\r\n"
			      "        550-5.1.1 No such user\r\n"
			      "        550 5.1.1 here\r\n"
			      "    What to do: Check how the address is written.\r\n"
			      "\r\n"
			      "The postmaster of this server, postmaster@mail.example.org,\r\n"
			      "can say more of message m1.\r\n"
			      "Its header is attached.\r\n"
			      "\r\n--=_n1\r\n"
			      "Content-Type: message/delivery-status\r\n"
			      "\r\n"
			      "Original-Envelope-Id: QQ+1=\r\n"
			      "Reporting-MTA: dns; mail.example.org\r\n"
			      "Arrival-Date: Tue, 24 Nov 2026 04:13:20 +0100\r\n"
			      "\r\n"
			      "Original-Recipient: rfc822;Bob+x@example.net\r\n"
			      "Final-Recipient: rfc822; bob@example.net\r\n"
			      "Action: failed\r\n"
			      "Status: 5.1.1\r\n"
			      "Remote-MTA: dns; mx.example.net\r\n"
			      "Diagnostic-Code: smtp; 550-5.1.1 No such user 550 5.1.1 here\r\n"
			      "Last-Attempt-Date: Tue, 24 Nov 2026 06:31:18 +0100\r\n"
			      "Final-Log-ID: m1\r\n"
			      "\r\n--=_n1\r\n"
			      "Content-Type: text/rfc822-headers\r\n"
			      "\r\n"
			      "Received: from home\r\nSubject: =?utf-8?q?Caf=C3=A9?= at\r\n\teight\r\n"
			      "\r\n--=_n1--\r\n";

START_TEST(tells_of_a_failure)
{
	struct bounce_notice n = notice();

	write_notice(&n, span_of(header), true);
	ck_assert_str_eq(buf_string(&out), failure);
}
END_TEST

START_TEST(tells_of_a_delay)
{
	struct bounce_notice n = notice();

	bob.dsn.orcpt.n = 0;
	bob.reply = span_of("no name server answers");
	told.status = "4.4.3";
	told.host = "";
	n.action = BOUNCE_DELAYED;
	n.to = span_of("postmaster");
	about.envid.n = 0;
	write_notice(&n, span_of("\r\n"), true);
	ck_assert(has("\r\nTo: <postmaster@mail.example.org>\r\nSubject: Mail is delayed\r\n"));
	ck_assert(has("\r\nIt has a message of Tue, 24 Nov 2026 04:13:20 +0100\r\nfrom anna@example.org\r\n"
		      "\r\n"
		      "It is still on its way to:\r\n"
		      "(You need not do anything. It will be tried until\r\n"
		      "Sat, 28 Nov 2026 22:06:40 +0100.)\r\n"
		      "\r\n"
		      "  bob@example.net\r\n"
		      "    no name server answers\r\n"
		      "\r\nThe postmaster"));
	ck_assert(has("\r\n\r\n"
		      "Final-Recipient: rfc822; bob@example.net\r\n"
		      "Action: delayed\r\n"
		      "Status: 4.4.3\r\n"
		      "Diagnostic-Code: x-local; no name server answers\r\n"
		      "Last-Attempt-Date: Tue, 24 Nov 2026 06:31:18 +0100\r\n"
		      "Final-Log-ID: m1\r\n"
		      "Will-Retry-Until: Sat, 28 Nov 2026 22:06:40 +0100\r\n"
		      "\r\n--=_n1"));
}
END_TEST

/* No line is longer than 998, none begins a field or a part of its own, and all of it is printable ASCII. */
static void
expect_harmless(void)
{
	struct span rest = buf_span(&out);
	int boundaries = 0;

	for (size_t i = 0; i < out.len; i++)
		ck_assert_msg(out.data[i] == '\r' || out.data[i] == '\n' || ascii_is_print(out.data[i]),
		    "byte 0x%02x", (unsigned char)out.data[i]);
	while (rest.n > 0) {
		struct span line = span_until(rest, '\n', &rest);
		ck_assert_msg(line.n > 0 && line.at[line.n - 1] == '\r', "a bare LF");
		ck_assert(memchr(line.at, '\r', line.n - 1) == NULL);
		ck_assert_int_le((int)line.n - 1, 998);
		ck_assert(!span_is_nocase(span_slice(line, 0, 2), "X-"));
		boundaries += span_is(span_slice(line, 0, 4), "--=_");
	}
	ck_assert_int_eq(boundaries, 4);
}

START_TEST(makes_a_hostile_reply_harmless)
{
	static const char bad[] = "550 a\0b\r\nX-Evil: 1\n\n--=_n1\n\xff\x1b[2J\xe2\x80\xae\nX-Long: ";
	struct bounce_notice n = notice();
	struct buf reply;

	buf_init(&reply, (size_t)1024 * 1024);
	buf_add(&reply, bad, sizeof(bad) - 1);
	for (int i = 0; i < 100 * 1024; i++)
		buf_add_char(&reply, "x\xc3\xa9"[i % 3]);
	bob.reply = guarded_span(buf_span(&reply));
	write_notice(&n, span_of("Subject: x\r\n"), true);
	ck_assert(has("\r\n        --=3D_n1\r\n"));
	ck_assert(has("\r\nDiagnostic-Code: smtp; 550 a\\x00b X-Evil: 1 --=_n1 \\xFF\\x1B[2J"));
	ck_assert(has("\r\nFinal-Log-ID: m1\r\n"));
	expect_harmless();
	buf_free(&reply);
}
END_TEST

START_TEST(says_nothing_of_a_reply_that_is_empty)
{
	struct bounce_notice n = notice();

	bob.reply = span_of("mx.example.net: ");
	write_notice(&n, span_of(header), true);
	ck_assert(!has("said:") && !has("Diagnostic-Code") && has("\r\nRemote-MTA: dns; mx.example.net\r\n"));
}
END_TEST

START_TEST(bounds_what_others_wrote)
{
	static char many[100 * 1024];
	struct span hostile = { many, sizeof(many) };
	struct bounce_notice n = notice();

	memset(many, '\xff', sizeof(many));
	memcpy(many, "Subject:", 8);
	n.to = about.sender = about.envid = hostile;
	bob.address = bob.dsn.orcpt = bob.reply = hostile;
	write_notice(&n, hostile, true); /* collect looks at the pieces */
	memcpy(many, "rfc822;\xff", 8);
	write_notice(&n, span_of("Subject: x\r\n"), true);
	expect_harmless();
}
END_TEST

START_TEST(speaks_utf8_where_the_message_did)
{
	struct bounce_notice n = notice();

	about.utf8 = true;
	n.to = about.sender = span_of("\xc3\xa9@example.org");
	bob.address = span_of("b\xc3\xb6@example.net");
	write_notice(&n, span_of("Subject: \xc3\xa9\r\n\r\nx\r\n"), true);
	ck_assert(has("\r\nTo: <\xc3\xa9@example.org>\r\n"));
	ck_assert(has("report-type=global-delivery-status;"));
	ck_assert(has("\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--"));
	ck_assert(has(
	    "\r\nContent-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"));
	ck_assert(has("\r\nFinal-Recipient: utf-8; b\xc3\xb6@example.net\r\n"));
	ck_assert(has("\r\nContent-Type: message/global-headers\r\nContent-Transfer-Encoding: "
		      "8bit\r\n\r\nSubject: \xc3\xa9\r\n\r\n--=_n1--\r\n"));
	about.ret = DSN_RET_FULL;
	write_notice(&n, span_of("Subject: x\r\n\r\nx\r\n"), true);
	ck_assert(
	    has("\r\n--=_n1\r\nContent-Type: message/global\r\n\r\nSubject: x\r\n\r\nx\r\n\r\n--=_n1--\r\n"));
}
END_TEST

START_TEST(encodes_a_header_that_is_not_plain)
{
	struct bounce_notice n = notice();

	write_notice(&n, span_of("Subject: \xe9\r\n--=_n1--: y\r\n"), true);
	ck_assert(has("\r\n--=_n1\r\nContent-Type: text/rfc822-headers\r\n"
		      "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		      "Subject: =E9\r\n--=3D_n1--: y\r\n\r\n--=_n1--\r\n"));
	about.ret = DSN_RET_FULL;
	write_notice(&n, span_of("Subject: \xe9\r\n\r\n"), true);
	ck_assert(has("\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--"));
	ck_assert(has("\r\n--=_n1\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
		      "Subject: \xe9\r\n\r\n\r\n--=_n1--\r\n"));
}
END_TEST

/* Whole, where all of it is there. */
static bool
goes_back(struct span original, bool all)
{
	struct bounce_notice n = notice();

	about.ret = DSN_RET_FULL;
	write_notice(&n, guarded_span(original), all);
	return has("\r\nContent-Type: message/rfc822\r\n") && has("\r\nIt is attached.\r\n");
}

START_TEST(knows_what_may_go_back_as_it_is)
{
	char line[1001];

	ck_assert(goes_back(span_of("a\r\n\r\nb \xc3\xa9\r\n"), true));
	ck_assert(!goes_back(span_of("a\r\n\r\nb \xc3\xa9\r\n"), false));
	ck_assert(!goes_back((struct span){ "a\0b\r\n", 5 }, true));
	ck_assert(!goes_back(span_of("a\r\n--=_n1"), true));
	ck_assert(!goes_back(span_of("a\nb\r\n"), true));
	ck_assert(!goes_back(span_of("a\rb\r\n"), true));
	ck_assert(!goes_back(span_of("a\r"), true));
	ck_assert(goes_back(span_of("a\r\n--=_n"), true));
	memset(line, 'x', sizeof(line));
	memcpy(line + 998, "\r\n", 2);
	ck_assert(goes_back((struct span){ line, 1000 }, true));
	memcpy(line + 998, "x\r\n", 3);
	ck_assert(!goes_back((struct span){ line, 1001 }, true));
}
END_TEST

static void
expect_told(unsigned notify, enum bounce_action action, const char *who)
{
	bob.dsn.notify = notify;
	expect_span(bounce_to(&about, &bob, action), who);
}

START_TEST(knows_who_is_told)
{
	notice();
	expect_told(0, BOUNCE_FAILED, "anna@example.org");
	expect_told(0, BOUNCE_DELAYED, "anna@example.org");
	expect_told(0, BOUNCE_DELIVERED, "");
	expect_told(0, BOUNCE_RELAYED, "");
	expect_told(DSN_SUCCESS, BOUNCE_DELIVERED, "anna@example.org");
	expect_told(DSN_SUCCESS, BOUNCE_RELAYED, "anna@example.org");
	expect_told(DSN_SUCCESS, BOUNCE_FAILED, "");
	expect_told(DSN_SUCCESS | DSN_FAILURE, BOUNCE_DELAYED, "");
	expect_told(DSN_DELAY, BOUNCE_DELAYED, "anna@example.org");
	for (int action = BOUNCE_FAILED; action <= BOUNCE_DELIVERED; action++)
		expect_told(DSN_NEVER, (enum bounce_action)action, "");
	bob.owner = span_of("owner-all@example.org");
	expect_told(0, BOUNCE_FAILED, "owner-all@example.org");
	expect_told(0, BOUNCE_DELAYED, "anna@example.org");
	expect_told(DSN_NEVER, BOUNCE_FAILED, "");
}
END_TEST

START_TEST(tells_no_stranger_and_no_notice)
{
	notice();
	about.trusted = false;
	expect_told(0, BOUNCE_FAILED, "postmaster");
	expect_told(0, BOUNCE_DELAYED, "");
	bob.owner = span_of("owner-all@example.org");
	expect_told(0, BOUNCE_FAILED, "owner-all@example.org");
	about.trusted = true;
	about.sender.n = 0;
	expect_told(0, BOUNCE_FAILED, "");
	bob.owner.n = 0;
	expect_told(0, BOUNCE_FAILED, "");
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, tells_of_a_failure);
	tcase_add_test(t, tells_of_a_delay);
	tcase_add_test(t, makes_a_hostile_reply_harmless);
	tcase_add_test(t, says_nothing_of_a_reply_that_is_empty);
	tcase_add_test(t, bounds_what_others_wrote);
	tcase_add_test(t, speaks_utf8_where_the_message_did);
	tcase_add_test(t, encodes_a_header_that_is_not_plain);
	tcase_add_test(t, knows_who_is_told);
	tcase_add_test(t, tells_no_stranger_and_no_notice);
	tcase_add_test(t, knows_what_may_go_back_as_it_is);
}

int
main(void)
{
	return run_suite("smtpd bounce_text", add);
}
