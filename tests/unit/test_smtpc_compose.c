#include "unit.h"

#include "compose.h"

static const char *reason;

/* "address|address…" of the envelope. */
static const char *
recipients_of(const struct envelope *envelope)
{
	static char result[4096];

	result[0] = '\0';
	for (size_t i = 0; i < envelope->n; i++) {
		strcat(result, envelope->recipients[i]);
		strcat(result, "|");
	}
	return result;
}

START_TEST(takes_each_recipient_once)
{
	struct envelope envelope = { .n = 0 };

	ck_assert_int_eq(
	    envelope_add_list(&envelope, span_of("a@b.example, A <a@B.Example>,c@d"), 4, NULL, &reason), 3);
	ck_assert_int_eq(envelope_add_list(&envelope, span_of("A@b.example; c@d"), 4, NULL, &reason), 2);
	ck_assert_int_eq(envelope_add_list(&envelope, span_of(" , "), 4, NULL, &reason), 0);
	ck_assert_int_eq(envelope_add_list(&envelope, span_of("a@x.example"), 4, NULL, &reason), 1);
	ck_assert_str_eq(recipients_of(&envelope), "a@b.example|c@d|A@b.example|a@x.example|");
	ck_assert(!envelope.utf8);
	ck_assert_int_eq(envelope_add_list(&envelope, span_of("e@f, anna"), 4, NULL, &reason), -1);
	ck_assert_int_eq(envelope_add_list(&envelope, span_of("j\xc3\xbc@d"), 4, NULL, &reason), 1);
	ck_assert(envelope.utf8);
	envelope_free(&envelope);
}
END_TEST

static void
expect_field(const char *list, const char *expected)
{
	struct envelope envelope = { .n = 0 };
	struct buf field;

	buf_init(&field, 4096);
	ck_assert_int_gt(envelope_add_list(&envelope, guarded_span(span_of(list)), 4, &field, &reason), 0);
	expect_span(buf_span(&field), expected);
	buf_free(&field);
	envelope_free(&envelope);
}

START_TEST(writes_names)
{
	expect_field("a@b", "a@b");
	expect_field("<a@b>", "a@b");
	expect_field("Anna B <a@b>, c@d", "Anna B <a@b>, c@d");
	expect_field("\"B, Anna\" <a@b>", "\"B, Anna\" <a@b>");
	expect_field("\"a \\\"b\\\" \\\\\" <a@b>", "\"a \\\"b\\\" \\\\\" <a@b>");
	expect_field("J\xc3\xbcrgen Meier <a@b>", "=?UTF-8?B?SsO8cmdlbiBNZWllcg==?= <a@b>");
	expect_field("\"x\r\nBcc: y@z\" <a@b>", "\"xBcc: y@z\" <a@b>");
	expect_field("\"x\001y\" <a@b>", "x y <a@b>");
	expect_field("somebody.with.a.long.name@example.org, somebody.else.with.a.long.name@example.org, c@d",
	    "somebody.with.a.long.name@example.org,\r\n somebody.else.with.a.long.name@example.org, c@d");
}
END_TEST

START_TEST(wants_one_sender)
{
	struct buf address, field;
	static const char *const bad[] = { "", " ", "anna", "a@b, c@d", "a@b c@d", "<>", "G: a@b, c@d;" };

	buf_init(&address, 256);
	buf_init(&field, 256);
	ck_assert_int_eq(envelope_one(span_of("Anna <a@b>"), 6, &address, &field, &reason), 0);
	expect_span(buf_span(&address), "a@b");
	expect_span(buf_span(&field), "Anna <a@b>");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason = NULL;
		ck_assert_int_lt(envelope_one(span_of(bad[i]), 6, &address, NULL, &reason), 0);
		ck_assert_ptr_nonnull(reason);
	}
	buf_free(&address);
	buf_free(&field);
}
END_TEST

static struct heading
heading(void)
{
	struct heading h;

	heading_init(&h, 8192);
	buf_add_string(&h.from, "a@b");
	buf_add_string(&h.message_id, "<id@host>");
	h.now = 1795498278;
	h.zone = 60;
	return h;
}

static void
expect_header(const struct heading *h, const char *text, const char *expected)
{
	struct content content = compose_content(span_of(text));
	struct buf out;

	buf_init(&out, 8192);
	ck_assert_int_eq(compose_header(h, &content, &out), 0);
	expect_span(buf_span(&out), expected);
	buf_free(&out);
}

START_TEST(composes)
{
	struct heading h = heading();

	expect_header(&h, "x\n",
	    "Date: Tue, 24 Nov 2026 06:31:18 +0100\r\nFrom: a@b\r\nMessage-ID: <id@host>\r\nMIME-Version: "
	    "1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n");
	buf_add_string(&h.to, "c@d");
	buf_add_string(&h.cc, "e@f");
	h.subject = "Gr\xc3\xbc\xc3\x9f"
		    "e an alle Leser\r\nBcc: x@y";
	expect_header(&h, "ein l\xc3\xa4ngerer Text\n",
	    "Date: Tue, 24 Nov 2026 06:31:18 +0100\r\nFrom: a@b\r\nTo: c@d\r\nCc: e@f\r\n"
	    "Subject: =?UTF-8?B?R3LDvMOfZSBhbiBhbGxlIExlc2VyICBCY2M6IHhAeQ==?=\r\n"
	    "Message-ID: <id@host>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
	heading_free(&h);
}
END_TEST

static struct completed completed;
static struct envelope envelope;

static int
complete(const char *message, struct buf *out)
{
	struct heading h = heading();

	envelope_free(&envelope);
	buf_init(out, 8192);
	reason = NULL;
	int result =
	    compose_complete(guarded_span(span_of(message)), &h, &envelope, &completed, out, &reason);
	heading_free(&h);
	return result;
}

static void
expect_completed(
    const char *message, const char *header, const char *body, const char *recipients, const char *sender)
{
	struct buf out;

	ck_assert_int_eq(complete(message, &out), 0);
	expect_span(buf_span(&out), header);
	ck_assert_str_eq(message + completed.body, body);
	ck_assert_str_eq(recipients_of(&envelope), recipients);
	expect_span(buf_span(&completed.sender), sender);
	buf_free(&completed.sender);
	buf_free(&out);
}

#define DATE "Date: Tue, 24 Nov 2026 06:31:18 +0100\r\n"
#define FROM "From: a@b\r\n"
#define ID   "Message-ID: <id@host>\r\n"

START_TEST(completes)
{
	expect_completed(
	    "To: c@d\r\n\r\nbody\r\n", "To: c@d\r\n" DATE FROM ID "\r\n", "body\r\n", "c@d|", "");
	expect_completed("date: x\r\nmessage-id: <y>\r\nfrom: Z <z@z>, q@q\r\nto: c@d\r\n\r\n",
	    "date: x\r\nmessage-id: <y>\r\nfrom: Z <z@z>, q@q\r\nto: c@d\r\n\r\n", "", "c@d|", "z@z");
	expect_completed(
	    "From x@y Tue Nov 24\r\nTo: c@d\r\n\r\nb", "To: c@d\r\n" DATE FROM ID "\r\n", "b", "c@d|", "");
	expect_completed(
	    ">From x@y Tue Nov 24\r\nTo: c@d", "To: c@d\r\n" DATE FROM ID "\r\n", "", "c@d|", "");
	expect_completed("no header\r\n\r\nbody", DATE FROM ID "\r\n", "no header\r\n\r\nbody", "", "");
	expect_completed("", DATE FROM ID "\r\n", "", "", "");
	expect_completed("From x@y", DATE FROM ID "\r\n", "", "", "");
	expect_completed("From: nobody\r\nTo: undisclosed-recipients:;\r\n\r\n",
	    "From: nobody\r\nTo: undisclosed-recipients:;\r\n" DATE ID "\r\n", "", "", "");
}
END_TEST

START_TEST(takes_bcc_out)
{
	expect_completed("To: c@d,\r\n E <e@f>\r\nBCC: g@h,\r\n\ti@j\r\nCc: c@D\r\nbcc:\r\nSubject: Bcc: "
			 "x\r\n\r\nBcc: y\r\n",
	    "To: c@d,\r\n E <e@f>\r\nCc: c@D\r\nSubject: Bcc: x\r\n" DATE FROM ID "\r\n", "Bcc: y\r\n",
	    "c@d|e@f|g@h|i@j|", "");
}
END_TEST

START_TEST(refuses_what_it_cannot_read)
{
	struct buf out;

	ck_assert_int_lt(complete("To: c@d, anna\r\n\r\n", &out), 0);
	ck_assert_ptr_nonnull(reason);
	buf_free(&completed.sender);
	buf_free(&out);
	ck_assert_int_lt(complete("Bcc: <a@b\r\n\r\n", &out), 0);
	buf_free(&completed.sender);
	buf_free(&out);
	struct heading h = heading();
	struct span nul = { "X: a\0b\r\n\r\n", 10 };
	buf_init(&out, 8192);
	ck_assert_int_lt(compose_complete(nul, &h, &envelope, &completed, &out, &reason), 0);
	buf_free(&completed.sender);
	buf_free(&out);
	buf_init(&out, 20);
	ck_assert_int_lt(compose_complete(span_of("Subject: too long for it\r\n\r\n"), &h, &envelope,
			     &completed, &out, &reason),
	    0);
	ck_assert_str_eq(reason, "the header is too large");
	buf_free(&completed.sender);
	buf_free(&out);
	heading_free(&h);
	envelope_free(&envelope);
}
END_TEST

START_TEST(flags_8bit_headers)
{
	struct buf out;

	complete("Subject: x\r\n\r\n\xc3\xbc", &out);
	ck_assert(!completed.utf8);
	buf_free(&out);
	complete("Subject: \xc3\xbc\r\nX: y\r\n\r\n", &out);
	ck_assert(completed.utf8);
	buf_free(&out);
	complete("Subject: \xfc\r\nX: y\r\n\r\n", &out);
	ck_assert(!completed.utf8);
	buf_free(&out);
	envelope_free(&envelope);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, takes_each_recipient_once);
	tcase_add_test(t, writes_names);
	tcase_add_test(t, wants_one_sender);
	tcase_add_test(t, composes);
	tcase_add_test(t, completes);
	tcase_add_test(t, takes_bcc_out);
	tcase_add_test(t, refuses_what_it_cannot_read);
	tcase_add_test(t, flags_8bit_headers);
}

int
main(void)
{
	return run_suite("smtpc_compose", add);
}
