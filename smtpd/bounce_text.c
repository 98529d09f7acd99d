/* The text of a notice: RFC 6522 multipart/report, its part for people and that of RFC 3464. Pure. */
#include "bounce.h"

#include <string.h>

#include "codec.h"
#include "date.h"
#include "message.h"
#include "safe.h"

enum {
	LINE = 998,   /* RFC 5322 2.1.1 */
	COLUMNS = 76, /* where a space lets a line be folded */
	WORD = 900,   /* where none does */
	REPLY = 4096, /* bytes of a reply, and of whatever else others wrote */
	SUBJECT = 200
};

static const struct {
	const char *subject;
	const char *sentence; /* before the recipients */
	const char *word;     /* RFC 3464 2.3.3 */
	unsigned asked_by;
} actions[] = {
	[BOUNCE_FAILED] = { "Mail could not be delivered",
	    "It could not be delivered, and will not be tried again, to:", "failed", DSN_FAILURE },
	[BOUNCE_DELAYED] = { "Mail is delayed", "It is still on its way to:", "delayed", DSN_DELAY },
	[BOUNCE_RELAYED] = { "Mail was passed on",
	    "It was passed on to a server that sends no notice of what becomes of it, for:", "relayed",
	    DSN_SUCCESS },
	[BOUNCE_DELIVERED] = { "Mail was delivered", "It was delivered to:", "delivered", DSN_SUCCESS },
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
	const struct span nobody = { NULL, 0 };
	unsigned notify = recipient->dsn.notify;
	unsigned asked_by = actions[action].asked_by;
	bool failed = action == BOUNCE_FAILED;

	if (notify == 0 ? asked_by == DSN_SUCCESS : (notify & asked_by) == 0)
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

struct writer {
	const struct bounce_notice *notice;
	bool utf8;	 /* RFC 6533 */
	struct buf text; /* for people, before it is encoded */
	struct buf out;
	bounce_put *put;
	void *context;
};

/* One line of others as text: without control characters; ASCII unless utf8. */
static void
add_clean(struct span s, bool utf8, struct buf *out)
{
	s = span_trim(span_slice(s, 0, REPLY));
	if (utf8)
		safe_add(s, SAFE_LINE, out);
	else
		for (size_t i = 0; i < s.n; i++)
			if (ascii_is_print(s.at[i]))
				buf_add_char(out, s.at[i]);
			else if (!ascii_is_space(s.at[i]))
				buf_printf(out, "\\x%02X", (unsigned char)s.at[i]);
			else if (!ascii_is_space(s.at[i - 1]))
				buf_add_char(out, ' ');
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

/* "Name: kind; text", where others wrote the text; folded. */
static void
add_field(struct writer *w, const char *name, struct span text)
{
	struct buf clean;
	size_t column = strlen(name);

	buf_init(&clean, (size_t)4 * REPLY);
	add_clean(text, w->utf8, &clean);
	buf_add_string(&w->out, name);
	text = buf_span(&clean);
	for (size_t n; text.n > 0; span_skip(&text, n)) {
		n = word_length(text);
		if (column > 1 && column + n > COLUMNS) {
			buf_add_string(&w->out, text.at[0] == ' ' ? "\r\n" : "\r\n ");
			column = 1;
		}
		buf_add(&w->out, text.at, n);
		column += n;
	}
	buf_add_string(&w->out, "\r\n");
	buf_free(&clean);
}

/* xtext as text; what is malformed, as it stands. */
static void
add_xtext_field(struct writer *w, const char *name, struct span xtext)
{
	struct buf text;

	buf_init(&text, REPLY);
	add_field(w, name, dsn_decode_xtext(xtext, &text) == 0 ? buf_span(&text) : xtext);
	buf_free(&text);
}

static void
add_date(const struct writer *w, const char *before, int64_t seconds, const char *after, struct buf *out)
{
	buf_add_string(out, before);
	date_format(seconds, w->notice->zone, out);
	buf_add_string(out, after);
}

static void
add_boundary(struct writer *w, const char *end)
{
	buf_printf(&w->out, "\r\n--=_%s%s\r\n", w->notice->id, end);
}

static void
write_header(struct writer *w, bool eight_bit)
{
	const struct bounce_notice *notice = w->notice;
	struct buf to;

	buf_init(&to, (size_t)2 * REPLY);
	buf_add_char(&to, '<');
	buf_add_span(&to, notice->to);
	if (!span_has(notice->to, '@'))
		buf_printf(&to, "@%s", notice->hostname);
	buf_add_char(&to, '>');
	buf_printf(&w->out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n", notice->hostname);
	add_field(w, "To: ", buf_span(&to));
	buf_printf(&w->out, "Subject: %s\r\n", actions[notice->action].subject);
	add_date(w, "Date: ", notice->now, "\r\n", &w->out);
	buf_printf(&w->out,
	    "Message-ID: <%s@%s>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=%sdelivery-status;\r\n"
	    " boundary=\"=_%s\"\r\n"
	    "%s",
	    notice->id, notice->hostname, w->utf8 ? "global-" : "", notice->id,
	    eight_bit || w->utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
	buf_free(&to);
}

/* The text so far is quoted-printable: it may be in any language, and none of it can be a boundary, which has =_ in it. */
static void
put_text(struct writer *w)
{
	qp_encode(buf_span(&w->text), &w->out);
	w->out.failed |= w->text.failed;
	buf_clear(&w->text);
	w->put(w->context, &w->out);
}

static void
tell_what(struct writer *w, struct span original)
{
	const struct bounce_notice *notice = w->notice;
	bool theirs = notice->to.n > 0 && span_equal(notice->to, notice->about->sender);
	struct field subject;
	struct buf decoded;

	buf_printf(&w->text, "This is the mail server %s.\r\n\r\nIt has a message%s", notice->hostname,
	    theirs ? " from you" : "");
	add_date(w, " of ", notice->about->created, "", &w->text);
	if (!theirs) {
		buf_add_string(&w->text, "\r\nfrom ");
		add_clean(notice->about->sender, true, &w->text);
	}
	buf_init(&decoded, (size_t)4 * REPLY);
	if (field_find(original, "Subject", &subject))
		words_decode(span_slice(subject.value, 0, REPLY), &decoded);
	if (decoded.len > 0) {
		buf_add_string(&w->text, "\r\nwith the subject: ");
		add_clean(span_slice(buf_span(&decoded), 0, SUBJECT), true, &w->text);
	}
	buf_free(&decoded);
	buf_printf(&w->text, "\r\n\r\n%s\r\n", actions[notice->action].sentence);
	if (notice->action == BOUNCE_DELAYED)
		add_date(w, "(You need not do anything. It will be tried until\r\n", notice->expires,
		    ".)\r\n", &w->text);
	put_text(w);
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

static const char *
advice_for(const char *status)
{
	size_t i = 0;

	status += strcspn(status, ".");
	while (strncmp(status, advice[i].status, strlen(advice[i].status)) != 0)
		i++;
	return advice[i].words;
}

/* Whom it was for, and what was said, a line a line. */
static void
tell_recipient(struct writer *w, const struct bounce_recipient *told)
{
	struct span reply = reply_of(told);
	const char *before = "    ";

	buf_add_string(&w->text, "\r\n  ");
	add_clean(told->recipient->address, true, &w->text);
	buf_add_string(&w->text, "\r\n");
	if (w->notice->action > BOUNCE_DELAYED)
		reply.n = 0;
	if (reply.n > 0 && told->host[0] != '\0') {
		buf_add_string(&w->text, before);
		add_clean(span_of(told->host), true, &w->text);
		buf_add_string(&w->text, " said:\r\n");
		before = "        ";
	}
	while (reply.n > 0) {
		buf_add_string(&w->text, before);
		add_clean(span_until(reply, '\n', &reply), true, &w->text);
		buf_add_string(&w->text, "\r\n");
		before = "        ";
	}
	if (w->notice->action == BOUNCE_FAILED)
		buf_printf(&w->text, "    What to do: %s\r\n", advice_for(told->status));
	put_text(w);
}

/* message/delivery-status */
static void
write_message_fields(struct writer *w)
{
	const struct queue_message *about = w->notice->about;

	add_boundary(w, "");
	buf_printf(&w->out, "Content-Type: message/%sdelivery-status\r\n%s\r\n", w->utf8 ? "global-" : "",
	    w->utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
	if (about->envid.n > 0)
		add_xtext_field(w, "Original-Envelope-Id: ", about->envid);
	buf_printf(&w->out, "Reporting-MTA: dns; %s\r\n", w->notice->hostname);
	add_date(w, "Arrival-Date: ", about->created, "\r\n", &w->out);
}

static void
write_recipient_fields(struct writer *w, const struct bounce_recipient *told)
{
	const struct bounce_notice *notice = w->notice;
	struct span address = told->recipient->address, reply = reply_of(told), original;
	struct span kind = span_until(told->recipient->dsn.orcpt, ';', &original);
	bool smtp = told->host[0] != '\0' && reply.n > 0 && ascii_is_digit(reply.at[0]);
	struct buf name;

	buf_add_string(&w->out, "\r\n");
	if (original.n > 0) {
		buf_init(&name, (size_t)4 * REPLY);
		buf_add_string(&name, "Original-Recipient: ");
		add_clean(span_slice(kind, 0, SUBJECT), false, &name);
		buf_add_char(&name, ';');
		add_xtext_field(w, buf_string(&name), original);
		buf_free(&name);
	}
	add_field(w,
	    w->utf8 && !span_is_ascii(address) ? "Final-Recipient: utf-8; " : "Final-Recipient: rfc822; ",
	    address);
	buf_printf(&w->out, "Action: %s\r\nStatus: %s\r\n", actions[notice->action].word, told->status);
	if (told->host[0] != '\0')
		add_field(w, "Remote-MTA: dns; ", span_of(told->host));
	if (reply.n > 0)
		add_field(w, smtp ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: x-local; ", reply);
	add_date(w, "Last-Attempt-Date: ", notice->now, "\r\n", &w->out); /* it was what we tell of */
	buf_printf(&w->out, "Final-Log-ID: %s\r\n", notice->about->id);
	if (notice->action == BOUNCE_DELAYED)
		add_date(w, "Will-Retry-Until: ", notice->expires, "\r\n", &w->out);
	w->put(w->context, &w->out);
}

/* May the message go back as it is: no line that is too long, no NUL, no bare CR or LF, and nothing that could be taken for our boundary? */
static bool
is_plain(const struct bounce_notice *notice, struct span original)
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

static void
write_original(struct writer *w, struct span original, bool whole)
{
	const char *type = whole ? (w->utf8 ? "message/global" : "message/rfc822")
				 : (w->utf8 ? "message/global-headers" : "text/rfc822-headers");
	bool ascii = span_is_ascii(original);
	bool as_it_is = whole || (is_plain(w->notice, original) && (ascii || w->utf8));

	add_boundary(w, "");
	buf_printf(&w->out, "Content-Type: %s\r\n%s\r\n", type,
	    !as_it_is ? "Content-Transfer-Encoding: quoted-printable\r\n"
	    : ascii   ? ""
		      : "Content-Transfer-Encoding: 8bit\r\n");
	if (as_it_is)
		buf_add_span(&w->out, original);
	else
		qp_encode(original, &w->out);
	add_boundary(w, "--");
	w->put(w->context, &w->out);
}

/* The header at the start, without the empty line. */
static struct span
header_of(struct span original)
{
	struct span rest = original;
	struct field field;
	size_t end = 0;

	while (field_next(&rest, &field))
		end = original.n - rest.n;
	return span_slice(original, 0, end);
}

void
bounce_text(
    const struct bounce_notice *notice, struct span original, bool all, bounce_put *put, void *context)
{
	struct writer w = { .notice = notice, .utf8 = notice->about->utf8, .put = put, .context = context };
	/* RFC 3461 4.3: the whole is for failures alone. */
	bool whole = all && notice->about->ret == DSN_RET_FULL && notice->action == BOUNCE_FAILED &&
		     is_plain(notice, original);

	if (!whole)
		original = header_of(original);
	buf_init(&w.text, BOUNCE_PIECE);
	buf_init(&w.out, BOUNCE_PIECE + 4 * BOUNCE_ORIGINAL);
	write_header(&w, whole && !span_is_ascii(original));
	add_boundary(&w, "");
	buf_add_string(&w.out, "Content-Type: text/plain; charset=utf-8\r\n"
			       "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	tell_what(&w, original);
	for (size_t i = 0; i < notice->recipients_n; i++)
		tell_recipient(&w, &notice->recipients[i]);
	buf_printf(&w.text,
	    "\r\nThe postmaster of this server, postmaster@%s,\r\ncan say more of message %s.\r\n"
	    "%s is attached.\r\n",
	    notice->hostname, notice->about->id, whole ? "It" : "Its header");
	put_text(&w);
	write_message_fields(&w);
	for (size_t i = 0; i < notice->recipients_n; i++)
		write_recipient_fields(&w, &notice->recipients[i]);
	write_original(&w, original, whole);
	buf_free(&w.text);
	buf_free(&w.out);
}
