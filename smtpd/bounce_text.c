#include "bounce_text.h"

#include <string.h>

#include "codec.h"
#include "date.h"
#include "safe.h"
#include "words.h"

enum {
	LINE = 998,   /* RFC 5322 2.1.1 */
	COLUMNS = 76, /* where a space lets a line be folded */
	WORD = 900,   /* where none does */
	REPLY = 4096, /* bytes of a reply, and of whatever else others wrote */
	SUBJECT = 200,
	SENTENCES = 16 * 1024
};

static const struct {
	const char *subject;
	const char *sentence; /* before the recipients */
	const char *word;     /* RFC 3464 2.3.3 */
} actions[] = {
	[BOUNCE_FAILED] = { "Mail could not be delivered",
	    "It could not be delivered, and will not be tried again, to:", "failed" },
	[BOUNCE_DELAYED] = { "Mail is delayed", "It is still on its way to:", "delayed" },
	[BOUNCE_RELAYED] = { "Mail was passed on",
	    "It was passed on to a server that sends no notice of what becomes of it, for:", "relayed" },
	[BOUNCE_DELIVERED] = { "Mail was delivered", "It was delivered to:", "delivered" },
};

/* What a person may do about a failure, by the subject and detail of its status; the first row that fits. */
static const struct {
	const char *status;
	const char *words;
} advice[] = {
	{ ".1.2", "Check the part of the address behind the @: no mail can be sent there." },
	{ ".1.10", "Check the part of the address behind the @: no mail can be sent there." },
	{ ".1.7", "Your own address is not taken there; ask your postmaster (below)." },
	{ ".1.8", "Your own address is not taken there; ask your postmaster (below)." },
	{ ".1.", "Check how the address is written." },
	{ ".2.2", "The mailbox is full. Send it again later, or tell them in another way." },
	{ ".2.3", "The message is too large for them. Send less." },
	{ ".2.", "The mailbox takes no mail. Tell them in another way." },
	{ ".3.4", "The message is too large for them. Send less." },
	{ ".4.6", "The message goes round in a circle; tell your postmaster (below)." },
	{ ".4.", "Their server was out of reach for all of that time. Send it again later." },
	{ ".6.", "Their server cannot take mail of this form. Send it as plain text." },
	{ ".7.", "Their server's rules forbid it. If its answer does not say why, ask its postmaster." },
	{ "", "If the answer does not tell, ask your postmaster (below)." },
};

struct span
bounce_to(
    const struct queue_message *message, const struct queue_recipient *recipient, enum bounce_action action)
{
	static const unsigned asked_by[] = { [BOUNCE_FAILED] = DSN_FAILURE,
		[BOUNCE_DELAYED] = DSN_DELAY,
		[BOUNCE_RELAYED] = DSN_SUCCESS,
		[BOUNCE_DELIVERED] = DSN_SUCCESS };
	const struct span nobody = { NULL, 0 };
	unsigned notify = recipient->dsn.notify;
	bool failed = action == BOUNCE_FAILED, success = asked_by[action] == DSN_SUCCESS;

	if (notify == 0 ? success : (notify & asked_by[action]) == 0)
		return nobody;
	/* There is no answer to a notice, RFC 5321 4.5.5. */
	if (message->sender.n == 0)
		return nobody;
	if (failed && recipient->owner.n > 0)
		return recipient->owner;
	if (message->trusted)
		return message->sender;
	/* Who sent it may be anybody: its sender is not bothered. */
	return failed ? span_of("postmaster") : nobody;
}

/* One line of others as text: without control characters; ASCII unless utf8. */
static void
add_clean(struct span s, bool utf8, struct buf *out)
{
	s = span_slice(s, 0, REPLY);
	if (utf8)
		safe_add(s, SAFE_LINE, out);
	else
		for (size_t i = 0; i < s.n; i++)
			if (ascii_is_print(s.at[i]))
				buf_add_char(out, s.at[i]);
			else if (ascii_is_space(s.at[i]))
				buf_add_char(out, ' ');
			else
				buf_printf(out, "\\x%02X", (unsigned char)s.at[i]);
}

/* The length of the first word of s, the blank before it counted; not more than fits a line. */
static size_t
word_length(struct span s)
{
	size_t n = 1;

	while (n < s.n && s.at[n] != ' ')
		n++;
	if (n > WORD) /* and no character of UTF-8 is split */
		for (n = WORD; n > WORD - 4 && ((unsigned char)s.at[n] & 0xc0) == 0x80;)
			n--;
	return n;
}

/* A clean text behind `column` characters of a field, folded, and the end of the line. */
static void
add_folded(struct span text, size_t column, struct buf *out)
{
	for (size_t n; text.n > 0; span_skip(&text, n)) {
		n = word_length(text);
		if (column > 1 && column + n > COLUMNS) {
			buf_add_string(out, text.at[0] == ' ' ? "\r\n" : "\r\n ");
			column = 1;
		}
		buf_add(out, text.at, n);
		column += n;
	}
	buf_add_string(out, "\r\n");
}

/* "Name: before text", where others wrote the text. */
static void
add_field(const char *name, const char *before, struct span text, bool utf8, struct buf *out)
{
	struct buf clean;

	buf_init(&clean, (size_t)4 * REPLY);
	add_clean(text, utf8, &clean);
	buf_printf(out, "%s: %s", name, before);
	add_folded(buf_span(&clean), strlen(name) + 2 + strlen(before), out);
	buf_free(&clean);
}

static void
add_date_field(const char *name, int64_t seconds, int zone, struct buf *out)
{
	buf_printf(out, "%s: ", name);
	date_format(seconds, zone, out);
	buf_add_string(out, "\r\n");
}

/* xtext as text; what is malformed, as it stands. */
static void
add_xtext_field(const char *name, const char *before, struct span xtext, bool utf8, struct buf *out)
{
	struct buf text;

	buf_init(&text, REPLY);
	struct span decoded = dsn_decode_xtext(xtext, &text) == 0 ? buf_span(&text) : xtext;
	add_field(name, before, decoded, utf8, out);
	buf_free(&text);
}

/* The text for people is quoted-printable: it may be in any language, and none of it can be a boundary, which has =_ in it. */
static void
add_text(struct buf *text, struct buf *out)
{
	qp_encode(buf_span(text), out);
	out->failed |= text->failed;
	buf_free(text);
}

static void
add_boundary(const struct bounce_notice *notice, const char *end, struct buf *out)
{
	buf_printf(out, "\r\n--=_%s%s\r\n", notice->id, end);
}

static void
add_header(const struct bounce_notice *notice, enum bounce_action worst, bool eight_bit, struct buf *out)
{
	struct buf to;

	buf_init(&to, (size_t)2 * REPLY);
	buf_add_char(&to, '<');
	buf_add_span(&to, notice->to);
	if (notice->to.n > 0 && memchr(notice->to.at, '@', notice->to.n) == NULL)
		buf_printf(&to, "@%s", notice->hostname);
	buf_add_char(&to, '>');
	buf_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n", notice->hostname);
	add_field("To", "", buf_span(&to), notice->about->utf8, out);
	buf_printf(out, "Subject: %s\r\n", actions[worst].subject);
	add_date_field("Date", notice->now, notice->zone, out);
	buf_printf(out,
	    "Message-ID: <%s@%s>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=%sdelivery-status;\r\n"
	    " boundary=\"=_%s\"\r\n"
	    "%s",
	    notice->id, notice->hostname, notice->about->utf8 ? "global-" : "", notice->id,
	    eight_bit || notice->about->utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
	buf_free(&to);
}

void
bounce_text_begin(
    const struct bounce_notice *notice, enum bounce_action worst, bool eight_bit, struct buf *out)
{
	bool theirs = notice->to.n > 0 && span_equal(notice->to, notice->about->sender);
	struct buf text, subject;

	add_header(notice, worst, eight_bit, out);
	add_boundary(notice, "", out);
	buf_add_string(out, "Content-Type: text/plain; charset=utf-8\r\n"
			    "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	buf_init(&text, SENTENCES);
	buf_init(&subject, SENTENCES);
	buf_printf(&text, "This is the mail server %s.\r\n\r\nIt has a message%s of ", notice->hostname,
	    theirs ? " from you" : "");
	date_format(notice->about->created, notice->zone, &text);
	if (!theirs) {
		buf_add_string(&text, "\r\nfrom ");
		add_clean(notice->about->sender, true, &text);
	}
	words_decode(span_slice(notice->subject, 0, REPLY), &subject);
	if (subject.len > 0) {
		buf_add_string(&text, "\r\nwith the subject: ");
		add_clean(span_slice(buf_span(&subject), 0, SUBJECT), true, &text);
	}
	buf_add_string(&text, "\r\n");
	buf_free(&subject);
	add_text(&text, out);
}

void
bounce_text_action(const struct bounce_notice *notice, enum bounce_action action, struct buf *out)
{
	struct buf text;

	buf_init(&text, SENTENCES);
	buf_printf(&text, "\r\n%s\r\n", actions[action].sentence);
	if (action == BOUNCE_DELAYED) {
		buf_add_string(&text, "(You need not do anything. It will be tried until\r\n");
		date_format(notice->expires, notice->zone, &text);
		buf_add_string(&text, ".)\r\n");
	}
	add_text(&text, out);
}

/* What was said, without who said it: "host: 450 busy". */
static struct span
reply_of(const struct bounce_recipient *told)
{
	struct span reply = told->recipient->reply, rest;
	struct span host = span_until(reply, ':', &rest);

	if (told->host[0] != '\0' && rest.at != NULL && span_is_nocase(host, told->host))
		reply = span_trim(rest);
	return span_slice(reply, 0, REPLY);
}

/* What was said, its further lines below. */
static void
add_reply(const struct bounce_recipient *told, struct buf *text)
{
	struct span rest = reply_of(told);
	const char *before = "";

	buf_add_string(text, "    ");
	if (told->host[0] != '\0') {
		add_clean(span_of(told->host), true, text);
		buf_add_string(text, " said:\r\n        ");
	}
	while (rest.at != NULL) {
		buf_add_string(text, before);
		add_clean(span_until(rest, '\n', &rest), true, text);
		before = "\r\n        ";
	}
	buf_add_string(text, "\r\n");
}

static const char *
advice_for(const char *status)
{
	size_t i = 0;

	status += strcspn(status, ".");
	while (strncmp(status, advice[i].status, strlen(advice[i].status)) != 0)
		i++;
	return advice[i].words;
}

void
bounce_text_recipient(const struct bounce_recipient *told, struct buf *out)
{
	struct buf text;

	buf_init(&text, (size_t)8 * REPLY);
	buf_add_string(&text, "\r\n  ");
	add_clean(told->recipient->address, true, &text);
	buf_add_string(&text, "\r\n");
	if (reply_of(told).n > 0 && told->action <= BOUNCE_DELAYED)
		add_reply(told, &text);
	if (told->action == BOUNCE_FAILED)
		buf_printf(&text, "    What to do: %s\r\n", advice_for(told->status));
	add_text(&text, out);
}

void
bounce_text_end(const struct bounce_notice *notice, bool whole, struct buf *out)
{
	struct buf text;

	buf_init(&text, SENTENCES);
	buf_printf(&text,
	    "\r\nThe postmaster of this server, postmaster@%s,\r\ncan say more of message %s.\r\n%s is "
	    "attached.\r\n",
	    notice->hostname, notice->about->id, whole ? "It" : "Its header");
	add_text(&text, out);
}

void
bounce_text_message_fields(const struct bounce_notice *notice, struct buf *out)
{
	add_boundary(notice, "", out);
	if (notice->about->utf8)
		buf_add_string(out, "Content-Type: message/global-delivery-status\r\n"
				    "Content-Transfer-Encoding: 8bit\r\n\r\n");
	else
		buf_add_string(out, "Content-Type: message/delivery-status\r\n\r\n");
	if (notice->about->envid.n > 0)
		add_xtext_field("Original-Envelope-Id", "", notice->about->envid, notice->about->utf8, out);
	buf_printf(out, "Reporting-MTA: dns; %s\r\n", notice->hostname);
	add_date_field("Arrival-Date", notice->about->created, notice->zone, out);
}

/* Its lines become one, folded where they ended. */
static void
add_diagnostic(const struct bounce_recipient *told, bool utf8, struct buf *out)
{
	struct span rest = reply_of(told), line;
	bool smtp = told->host[0] != '\0' && ascii_is_digit(rest.at[0]);

	line = span_until(rest, '\n', &rest);
	add_field("Diagnostic-Code", smtp ? "smtp; " : "x-local; ", line, utf8, out);
	while (rest.at != NULL) {
		struct buf clean;
		buf_init(&clean, (size_t)4 * REPLY);
		add_clean(span_trim(span_until(rest, '\n', &rest)), utf8, &clean);
		if (clean.len > 0) {
			buf_add_char(out, ' ');
			add_folded(buf_span(&clean), 1, out);
		}
		buf_free(&clean);
	}
}

void
bounce_text_recipient_fields(
    const struct bounce_notice *notice, const struct bounce_recipient *told, struct buf *out)
{
	bool utf8 = notice->about->utf8;
	struct span original;
	struct span kind = span_until(told->recipient->dsn.orcpt, ';', &original);
	struct buf before;

	buf_add_string(out, "\r\n");
	if (original.n > 0) {
		buf_init(&before, REPLY);
		add_clean(kind, false, &before);
		buf_add_string(&before, ";");
		add_xtext_field("Original-Recipient", buf_string(&before), original, utf8, out);
		buf_free(&before);
	}
	add_field("Final-Recipient",
	    utf8 && !span_is_ascii(told->recipient->address) ? "utf-8; " : "rfc822; ",
	    told->recipient->address, utf8, out);
	buf_printf(out, "Action: %s\r\nStatus: %s\r\n", actions[told->action].word, told->status);
	if (told->host[0] != '\0')
		add_field("Remote-MTA", "dns; ", span_of(told->host), utf8, out);
	if (reply_of(told).n > 0)
		add_diagnostic(told, utf8, out);
	add_date_field("Last-Attempt-Date", notice->now, notice->zone, out); /* it was what we tell of */
	buf_printf(out, "Final-Log-ID: %s\r\n", notice->about->id);
	if (told->action == BOUNCE_DELAYED)
		add_date_field("Will-Retry-Until", notice->expires, notice->zone, out);
}

bool
bounce_text_is_plain(const struct bounce_notice *notice, struct span original)
{
	size_t id = strlen(notice->id), start = 0;
	bool cr = false;

	for (size_t i = 0; i < original.n; i++) {
		if (original.at[i] == '\0' || i - start > LINE + 1 || cr != (original.at[i] == '\n'))
			return false;
		cr = original.at[i] == '\r';
		if (original.at[i] == '\n')
			start = i + 1;
		if (i + 2 + id <= original.n && memcmp(original.at + i, "=_", 2) == 0 &&
		    memcmp(original.at + i + 2, notice->id, id) == 0)
			return false;
	}
	return !cr;
}

void
bounce_text_original(const struct bounce_notice *notice, struct span original, bool whole, struct buf *out)
{
	const char *type = whole ? (notice->about->utf8 ? "message/global" : "message/rfc822")
				 : (notice->about->utf8 ? "message/global-headers" : "text/rfc822-headers");
	bool ascii = span_is_ascii(original);
	bool as_it_is = whole || (bounce_text_is_plain(notice, original) && (ascii || notice->about->utf8));

	add_boundary(notice, "", out);
	buf_printf(out, "Content-Type: %s\r\n%s\r\n", type,
	    !as_it_is ? "Content-Transfer-Encoding: quoted-printable\r\n"
	    : ascii   ? ""
		      : "Content-Transfer-Encoding: 8bit\r\n");
	if (as_it_is)
		buf_add_span(out, original);
	else
		qp_encode(original, out);
	add_boundary(notice, "--", out);
}
