#include "command.h"

#include <inttypes.h>
#include <limits.h>

#include "auth.h"
#include "bounds.h"
#include "transaction.h"

/* What the parameters of a MAIL or a RCPT say. */
struct parameters {
	unsigned seen; /* a bit for each row of the table */
	uint64_t size;
	bool smtputf8;
	enum dsn_ret ret;
	struct span envid;
	struct dsn_request dsn;
};

struct parameter {
	const char *keyword;
	struct reply (*take)(const struct session *, struct parameters *, struct span value);
	bool trusted; /* a stranger may not say it */
};

static const struct reply fine = { 0 };

/* Begin anew under the name that EHLO or HELO gives. It is used in Received: alone, so nothing is asked of it but to be harmless. */
static struct reply
greeted(struct session *s, struct span name, bool esmtp)
{
	if (name.n > SMTP_DOMAIN)
		return (struct reply){ 501, NULL, "The name is too long" };
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_print(name.at[i]))
			return (struct reply){ 501, NULL, "The name is not printable ASCII" };
	transaction_reset(s);
	buf_clear(&s->helo);
	buf_add_span(&s->helo, name);
	s->envelope.helo = buf_span(&s->helo);
	s->envelope.esmtp = esmtp;
	s->state = SESSION_GREETED;
	return (struct reply){ 250, NULL, s->config->hostname };
}

enum event
command_helo(struct session *s, struct span argument, struct buf *out)
{
	return reply_say(s, greeted(s, argument, false), out);
}

enum event
command_ehlo(struct session *s, struct span argument, struct buf *out)
{
	struct reply reply = greeted(s, argument, true);

	if (reply.code != 250)
		return reply_say(s, reply, out);
	buf_printf(out,
	    "250-%s\r\n250-PIPELINING\r\n250-SIZE %" PRIu64 "\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
	    "250-CHUNKING\r\n%s250-AUTH %s\r\n250 SMTPUTF8\r\n",
	    reply.text, s->config->message_size,
	    s->envelope.trusted || s->config->submission ? "250-DSN\r\n" : "", auth_mechanisms(s));
	return EVENT_INPUT;
}

/* RFC 1870: up to 20 digits, which is more than a number here can hold. */
static struct reply
take_size(const struct session *s, struct parameters *p, struct span value)
{
	if (value.n == 0 || value.n > 20)
		return (struct reply){ 501, "5.5.4", "SIZE= wants a number" };
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_is_digit(value.at[i]))
			return (struct reply){ 501, "5.5.4", "SIZE= wants a number" };
	long long size = span_number(value, LLONG_MAX);
	if (size < 0 || (uint64_t)size > s->config->message_size)
		return (struct reply){ 552, "5.3.4", "The message is too big" };
	p->size = (uint64_t)size;
	return fine;
}

/* Every byte is kept as it is, so there is nothing to remember. */
static struct reply
take_body(const struct session *s, struct parameters *p, struct span value)
{
	(void)s;
	(void)p;
	if (span_is_nocase(value, "7BIT") || span_is_nocase(value, "8BITMIME"))
		return fine;
	return (struct reply){ 555, "5.5.4", "BODY= is 7BIT or 8BITMIME here" };
}

static struct reply
take_smtputf8(const struct session *s, struct parameters *p, struct span value)
{
	if (value.at != NULL)
		return (struct reply){ 501, "5.5.4", "SMTPUTF8 has no value" };
	if (!s->envelope.esmtp)
		return (struct reply){ 555, "5.5.4", "SMTPUTF8 is for those who said EHLO" };
	p->smtputf8 = true;
	return fine;
}

/* RFC 4954 5: who wrote it first, by somebody's word. */
static struct reply
take_auth(const struct session *s, struct parameters *p, struct span value)
{
	(void)s;
	(void)p;
	return dsn_is_xtext(value) ? fine : (struct reply){ 501, "5.5.4", "AUTH= is malformed" };
}

static struct reply
take_ret(const struct session *s, struct parameters *p, struct span value)
{
	(void)s;
	return dsn_parse_ret(value, &p->ret) < 0 ? (struct reply){ 501, "5.5.4", "RET= is FULL or HDRS" }
						 : fine;
}

static struct reply
take_envid(const struct session *s, struct parameters *p, struct span value)
{
	(void)s;
	p->envid = value;
	return dsn_is_envid(value) ? fine : (struct reply){ 501, "5.5.4", "ENVID= is malformed" };
}

static struct reply
take_notify(const struct session *s, struct parameters *p, struct span value)
{
	(void)s;
	return dsn_parse_notify(value, &p->dsn.notify) < 0
		   ? (struct reply){ 501, "5.5.4", "NOTIFY= is NEVER, or some of SUCCESS, FAILURE, DELAY" }
		   : fine;
}

static struct reply
take_orcpt(const struct session *s, struct parameters *p, struct span value)
{
	p->dsn.orcpt = value;
	if (!dsn_is_orcpt(value))
		return (struct reply){ 501, "5.5.4", "ORCPT= is malformed" };
	if (!span_is_ascii(value) && !s->envelope.smtputf8)
		return (struct reply){ 553, "5.6.7", "This address wants SMTPUTF8" };
	return fine;
}

static const struct parameter mail_parameters[] = {
	{ "SIZE", take_size, false },
	{ "BODY", take_body, false },
	{ "SMTPUTF8", take_smtputf8, false },
	{ "AUTH", take_auth, false },
	{ "RET", take_ret, true },
	{ "ENVID", take_envid, true },
	{ NULL, NULL, false },
};

static const struct parameter rcpt_parameters[] = {
	{ "NOTIFY", take_notify, true },
	{ "ORCPT", take_orcpt, true },
	{ NULL, NULL, false },
};

/* "KEYWORD" or "KEYWORD=value" (then value.at is not NULL). */
static struct reply
take_parameter(
    const struct session *s, const struct parameter *known, struct parameters *p, struct span parameter)
{
	struct span value;
	struct span keyword = span_until(parameter, '=', &value);

	for (size_t i = 0; known[i].keyword != NULL; i++) {
		if (!span_is_nocase(keyword, known[i].keyword) || (known[i].trusted && !s->envelope.trusted))
			continue;
		if ((p->seen & 1U << i) != 0)
			return (struct reply){ 501, "5.5.4", "A parameter stands there twice" };
		p->seen |= 1U << i;
		return known[i].take(s, p, value);
	}
	return (struct reply){ 555, "5.5.4", "A parameter is unknown" };
}

static struct reply
take_parameters(
    const struct session *s, const struct parameter *known, struct parameters *p, struct span rest)
{
	struct reply reply = fine;

	*p = (struct parameters){ .seen = 0 };
	while (reply.code == 0 && rest.n > 0) {
		struct span parameter = span_until(rest, ' ', &rest);
		rest = span_trim(rest);
		reply = take_parameter(s, known, p, parameter);
	}
	return reply;
}

/*
 * "FROM:<path> parameters" and "TO:<path> parameters". Clients put blanks behind the colon; RFC 5321 does not.
 * status is for a path that is none.
 */
static struct reply
take_path(struct span *rest, const char *keyword, enum path_kind kind, const char *status, struct path *path)
{
	struct span after;
	struct span before = span_until(*rest, ':', &after);
	const char *reason;
	size_t used;

	if (after.at == NULL || !span_is_nocase(before, keyword))
		return (struct reply){ 501, "5.5.4",
			kind == PATH_REVERSE ? "The syntax is MAIL FROM:<address>"
					     : "The syntax is RCPT TO:<address>" };
	after = span_trim(after);
	if (path_parse(after, kind, path, &used, &reason) < 0)
		return (struct reply){ 501, status, reason };
	*rest = span_slice(after, used, after.n);
	if (rest->n > 0 && !ascii_is_blank(rest->at[0]))
		return (struct reply){ 501, "5.5.4", "There is no blank behind the path" };
	*rest = span_trim(*rest);
	return fine;
}

enum event
command_mail(struct session *s, struct span argument, struct buf *out)
{
	struct parameters p = { .seen = 0 };
	struct path path;
	struct reply wrong = take_path(&argument, "FROM", PATH_REVERSE, "5.1.7", &path);

	transaction_reset(s);
	if (wrong.code == 0)
		wrong = take_parameters(s, mail_parameters, &p, argument);
	if (wrong.code == 0 && path.utf8 && !p.smtputf8)
		wrong = (struct reply){ 553, "5.6.7", "This address wants SMTPUTF8" };
	if (wrong.code == 0 && s->envelope.user.n > 0)
		wrong = s->backend->mail(s->world, &s->envelope, &path);
	if (wrong.code == 0 &&
	    (buf_add_span(&s->sender, path.whole) < 0 || buf_add_span(&s->envid, p.envid) < 0))
		wrong = (struct reply){ 451, "4.3.0", "There is no memory left" };
	if (wrong.code != 0)
		return reply_say(s, wrong, out);
	s->envelope.sender = buf_span(&s->sender);
	s->envelope.envid = buf_span(&s->envid);
	s->envelope.ret = p.ret;
	s->envelope.smtputf8 = p.smtputf8;
	s->envelope.declared = p.size;
	s->state = SESSION_MAIL;
	return reply_say(s, (struct reply){ 250, "2.1.0", "Ok" }, out);
}

/* One too many, again and again: not worth a line in the log, and no fault, for a client cannot know the limit. */
static enum event
overflow(struct session *s, struct buf *out)
{
	struct reply reply = { 452, "4.5.3", "Too many recipients" };

	if (s->envelope.overflow)
		return reply_repeat(reply, out);
	s->envelope.overflow = true;
	return reply_say(s, reply, out);
}

enum event
command_rcpt(struct session *s, struct span argument, struct buf *out)
{
	struct parameters p = { .seen = 0 };
	struct path path;
	struct reply wrong = take_path(&argument, "TO", PATH_FORWARD, "5.1.3", &path);

	if (wrong.code == 0)
		wrong = take_parameters(s, rcpt_parameters, &p, argument);
	if (wrong.code == 0 && path.utf8 && !s->envelope.smtputf8)
		wrong = (struct reply){ 553, "5.6.7", "This address wants SMTPUTF8" };
	if (wrong.code != 0) {
		s->envelope.refused++;
		return reply_say(s, wrong, out);
	}
	if (s->envelope.taken >= s->config->recipients)
		return overflow(s, out);
	struct reply reply = s->backend->rcpt(s->world, &s->envelope, &path, &p.dsn);
	if (reply.code < 300)
		s->envelope.taken++;
	else
		s->envelope.refused++;
	return reply_say(s, reply, out);
}

enum event
command_rset(struct session *s, struct span argument, struct buf *out)
{
	(void)argument;
	transaction_reset(s);
	return reply_say(s, (struct reply){ 250, "2.0.0", "Ok" }, out);
}

enum event
command_noop(struct session *s, struct span argument, struct buf *out)
{
	(void)argument;
	return reply_say(s, (struct reply){ 250, "2.0.0", "Ok" }, out);
}

/* RFC 5321 3.5.3: 252 tells nothing, to nobody. */
enum event
command_vrfy(struct session *s, struct span argument, struct buf *out)
{
	(void)argument;
	return reply_say(s, (struct reply){ 252, "2.0.0", "RCPT will tell" }, out);
}

enum event
command_expn(struct session *s, struct span argument, struct buf *out)
{
	(void)argument;
	return reply_say(s, (struct reply){ 502, "5.5.1", "Lists are not expanded here" }, out);
}

enum event
command_quit(struct session *s, struct span argument, struct buf *out)
{
	(void)argument;
	transaction_reset(s);
	reply_say(s, (struct reply){ 221, "2.0.0", "Bye" }, out);
	return EVENT_CLOSE;
}
