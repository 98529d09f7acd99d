/*
 * The AUTHORIZATION state: who is it? USER and PASS, APOP (RFC 1939 7), AUTH (RFC 5034). Pure.
 *
 * A name that doesn't exist meets a decoy credential, which nothing matches, on the way that every name goes: nothing here tells the
 * two apart.
 */
#include "session.h"

#include <string.h>

void
auth_mechanisms(const struct session *s, const char *before, const char *after, struct buf *out)
{
	if (s->settings.cleartext)
		buf_printf(out, "%sPLAIN%s", before, after);
	buf_printf(out, "%sSCRAM-SHA-256%s", before, after);
}

static enum event
denied(struct session *s, struct span login, const char *method, struct buf *out)
{
	/* Not command_log: a login that is too long to be named is not that of the try before. */
	s->backend->log(
	    s->context, &(struct note){ .event = "login-failed", .user = login, .method = method });
	buf_add_string(out, "-ERR [AUTH] name or password is wrong\r\n");
	return EVENT_DENIED;
}

static enum event
unable(struct session *s, struct buf *out)
{
	return command_refuse(s, "[SYS/TEMP] nobody can log in now, try again later", out);
}

/* s->user has proved to be the one. */
static enum event
log_in(struct session *s, const char *method, struct buf *out)
{
	const char *code = s->backend->open(s->context, s->user, &s->count, &s->octets, &s->reason);

	if (code != NULL) {
		command_log(s, (struct note){ .event = "login-refused", .method = method });
		s->backend->close(s->context);
		return command_fail(s, code, "the mailbox can't be opened", out);
	}
	command_log(s,
	    (struct note){ .event = "login", .method = method, .counted = "messages", .number = s->count });
	s->state = TRANSACTION;
	s->left = s->count;
	s->left_octets = s->octets;
	buf_printf(out, "+OK %s has %zu message%s\r\n", s->user, s->count, command_plural(s->count));
	return EVENT_INPUT;
}

enum event
auth_user(struct session *s, const struct argument *argument, struct buf *out)
{
	buf_clear(&s->login);
	buf_add_span(&s->login, span_trim(argument->text));
	buf_add_string(out, "+OK now the password\r\n");
	return EVENT_INPUT;
}

/* The proof is a password, or a digest of it and of the timestamp. */
static enum event
judge(struct session *s, struct span login, const char *timestamp, struct span proof, struct buf *out)
{
	const char *method = timestamp == NULL ? "USER" : "APOP";
	struct credential credential = { .kind = CREDENTIAL_NONE };

	if (s->backend->accounts.credential(s->context, login, s->user, &credential) < 0)
		return unable(s, out);
	bool right = timestamp == NULL ? credential_verify(&credential, proof)
				       : credential_verify_apop(&credential, span_of(timestamp), proof);
	wipe(&credential, sizeof credential);
	return right ? log_in(s, method, out) : denied(s, login, method, out);
}

enum event
auth_pass(struct session *s, const struct argument *argument, struct buf *out)
{
	enum event event = judge(s, buf_span(&s->login), NULL, argument->text, out);

	buf_clear(&s->login);
	return event;
}

enum event
auth_apop(struct session *s, const struct argument *argument, struct buf *out)
{
	struct span digest, login = span_until(span_trim(argument->text), ' ', &digest);

	if (login.n == 0 || digest.n == 0)
		return command_refuse(s, "a name and a digest are wanted", out);
	return judge(s, login, s->settings.timestamp, digest, out);
}

static enum event
settle(struct session *s, enum exchange_result result, struct buf *out)
{
	const char *method = sasl_names[s->exchange.mechanism];

	switch (result) {
	case EXCHANGE_MORE:
		break;
	case EXCHANGE_OK:
		memcpy(s->user, s->exchange.user, sizeof s->user);
		return log_in(s, method, out);
	case EXCHANGE_DENIED:
		return denied(s, span_of(s->exchange.login), method, out);
	case EXCHANGE_UNABLE:
		return unable(s, out);
	case EXCHANGE_CANCELLED:
		return command_refuse(s, "cancelled", out);
	case EXCHANGE_BAD_BASE64:
		return command_refuse(s, "malformed base64", out);
	case EXCHANGE_BAD_ANSWER:
		return command_refuse(s, "malformed answer", out);
	}
	return EVENT_INPUT;
}

enum event
auth_answer(struct session *s, struct span line, struct buf *out)
{
	return settle(s, exchange_answer(&s->exchange, line, out), out);
}

/* AUTH alone isn't in RFC 5034, but clients of old look for the mechanisms that way. */
static enum event
list_mechanisms(const struct session *s, struct buf *out)
{
	buf_add_string(out, "+OK mechanisms\r\n");
	auth_mechanisms(s, "", "\r\n", out);
	buf_add_string(out, ".\r\n");
	return EVENT_INPUT;
}

enum event
auth_auth(struct session *s, const struct argument *argument, struct buf *out)
{
	struct span initial, name = span_until(span_trim(argument->text), ' ', &initial);

	if (name.n == 0)
		return list_mechanisms(s, out);
	int mechanism = sasl_mechanism(name);
	if (mechanism < 0)
		return command_refuse(s, "no such mechanism", out);
	if (mechanism != SASL_SCRAM_SHA_256 && !s->settings.cleartext)
		return command_refuse(s, "[AUTH] this mechanism needs TLS", out);
	return settle(s, exchange_begin(&s->exchange, (enum sasl_mechanism)mechanism, initial, out), out);
}
