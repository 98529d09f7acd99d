/* MAIL and RCPT: their paths, and the parameters behind them. Pure. */
#include "command.h"

#include "bounds.h"

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
	bool trusted; /* a stranger may not say it */
	bool (*take)(struct parameters *, struct span value);
	struct reply wrong; /* where that is false */
};

static const struct reply fine = { 0 };
static const struct reply wants_utf8 = { 553, "5.6.7", "This address wants SMTPUTF8" };

/* RFC 1870: up to 20 digits, which is more than a number here can hold. */
static bool
take_size(struct parameters *p, struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_is_digit(value.at[i]))
			return false;
	long long size = span_number(value, INT64_MAX);
	p->size = size < 0 ? UINT64_MAX : (uint64_t)size;
	return value.n > 0 && value.n <= 20;
}

/* Every byte is kept as it is, so there is nothing to remember. */
static bool
take_body(struct parameters *p, struct span value)
{
	(void)p;
	return span_is_nocase(value, "7BIT") || span_is_nocase(value, "8BITMIME");
}

static bool
take_smtputf8(struct parameters *p, struct span value)
{
	p->smtputf8 = true;
	return value.at == NULL;
}

/* RFC 4954 5: who wrote it first, by somebody's word. */
static bool
take_auth(struct parameters *p, struct span value)
{
	(void)p;
	return dsn_is_xtext(value);
}

static bool
take_ret(struct parameters *p, struct span value)
{
	return dsn_parse_ret(value, &p->ret) == 0;
}

static bool
take_envid(struct parameters *p, struct span value)
{
	p->envid = value;
	return dsn_is_envid(value);
}

static bool
take_notify(struct parameters *p, struct span value)
{
	return dsn_parse_notify(value, &p->dsn.notify) == 0;
}

static bool
take_orcpt(struct parameters *p, struct span value)
{
	p->dsn.orcpt = value;
	return dsn_is_orcpt(value);
}

static const struct parameter mail_parameters[] = {
	{ "SIZE", false, take_size, { 501, "5.5.4", "SIZE= wants a number" } },
	{ "BODY", false, take_body, { 555, "5.5.4", "BODY= is 7BIT or 8BITMIME here" } },
	{ "SMTPUTF8", false, take_smtputf8, { 501, "5.5.4", "SMTPUTF8 has no value" } },
	{ "AUTH", false, take_auth, { 501, "5.5.4", "AUTH= is malformed" } },
	{ "RET", true, take_ret, { 501, "5.5.4", "RET= is FULL or HDRS" } },
	{ "ENVID", true, take_envid, { 501, "5.5.4", "ENVID= is malformed" } },
	{ NULL, false, NULL, { 0 } },
};

static const struct parameter rcpt_parameters[] = {
	{ "NOTIFY", true, take_notify,
	    { 501, "5.5.4", "NOTIFY= is NEVER, or some of SUCCESS, FAILURE, DELAY" } },
	{ "ORCPT", true, take_orcpt, { 501, "5.5.4", "ORCPT= is malformed" } },
	{ NULL, false, NULL, { 0 } },
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
		return known[i].take(p, value) ? fine : known[i].wrong;
	}
	return (struct reply){ 555, "5.5.4", "A parameter is unknown" };
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
	return fine;
}

static struct reply
take_argument(
    const struct session *s, struct span argument, bool mail, struct path *path, struct parameters *p)
{
	struct reply wrong = mail ? take_path(&argument, "FROM", PATH_REVERSE, "5.1.7", path)
				  : take_path(&argument, "TO", PATH_FORWARD, "5.1.3", path);

	while (wrong.code == 0 && (argument = span_trim(argument)).n > 0) {
		struct span parameter = span_until(argument, ' ', &argument);
		wrong = take_parameter(s, mail ? mail_parameters : rcpt_parameters, p, parameter);
	}
	if (wrong.code == 0 && (path->utf8 || !span_is_ascii(p->dsn.orcpt)) &&
	    !(mail ? p->smtputf8 : s->envelope.smtputf8))
		return wants_utf8;
	return wrong;
}

static struct reply
check_mail(struct session *s, const struct path *path, const struct parameters *p)
{
	struct reply wrong = fine;

	if (p->size > s->config->message_size)
		return (struct reply){ 552, "5.3.4", "The message is too big" };
	if (p->smtputf8 && !s->envelope.esmtp)
		return (struct reply){ 555, "5.5.4", "SMTPUTF8 is for those who said EHLO" };
	if (s->envelope.user.n > 0)
		wrong = s->backend->mail(s->world, &s->envelope, path);
	if (wrong.code == 0 &&
	    (buf_add_span(&s->sender, path->whole) < 0 || buf_add_span(&s->envid, p->envid) < 0))
		return (struct reply){ 451, "4.3.0", "There is no memory left" };
	return wrong;
}

enum event
envelope_mail(struct session *s, struct span argument, struct buf *out)
{
	struct parameters p = { .seen = 0 };
	struct path path;
	struct reply wrong = take_argument(s, argument, true, &path, &p);

	command_reset(s);
	if (wrong.code == 0)
		wrong = check_mail(s, &path, &p);
	if (wrong.code != 0)
		return command_say(s, wrong, out);
	s->envelope.sender = buf_span(&s->sender);
	s->envelope.envid = buf_span(&s->envid);
	s->envelope.ret = p.ret;
	s->envelope.smtputf8 = p.smtputf8;
	s->envelope.declared = p.size;
	s->state = SESSION_MAIL;
	return command_say(s, (struct reply){ 250, "2.1.0", "Ok" }, out);
}

enum event
envelope_rcpt(struct session *s, struct span argument, struct buf *out)
{
	static const struct reply too_many = { 452, "4.5.3", "Too many recipients" };
	struct parameters p = { .seen = 0 };
	struct path path;
	struct reply reply = take_argument(s, argument, false, &path, &p);

	if (reply.code == 0 && s->envelope.taken >= s->config->recipients) {
		/* Again and again: not worth a line in the log, and no fault, for a client cannot know the limit. */
		bool again = s->envelope.overflow;
		s->envelope.overflow = true;
		return again ? command_repeat(too_many, out) : command_say(s, too_many, out);
	}
	if (reply.code == 0)
		reply = s->backend->rcpt(s->world, &s->envelope, &path, &p.dsn);
	if (reply.code < 300)
		s->envelope.taken++;
	else
		s->envelope.refused++;
	return command_say(s, reply, out);
}
