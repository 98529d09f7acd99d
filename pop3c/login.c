#include "login.h"

#include <stdio.h>

#include "codec.h"
#include "program.h"
#include "sasl.h"
#include "unique.h"

/*
 * LACKING: the server does not know SCRAM after all. One that does answers the first message with a challenge, or says [AUTH]
 * (RFC 3206); whoever refuses at once and without a word knows only the command not.
 */
enum outcome { ANSWERED, LACKING };

static enum pop3_status
denied(const struct pop3_client *c, enum pop3_status status)
{
	if (status != POP3_REFUSED || pop3_is_temporary(c) || span_is_nocase(buf_span(&c->code), "SYS/PERM"))
		return status;
	return POP3_DENIED;
}

/* Send one message of a SASL dialogue. */
static void
say(struct pop3_client *c, struct span message)
{
	struct buf line;

	buf_init(&line, 4 * SASL_MESSAGE);
	base64_encode(message, &line);
	pop3_send_secret(c, "(secret)", buf_span(&line));
	buf_free(&line);
}

/* "AUTH MECHANISM INITIAL", or without INITIAL where it does not fit a command line (RFC 5034 4). True: it went along. */
static bool
begin(struct pop3_client *c, const char *mechanism, struct span first)
{
	struct buf line;
	char shown[64];
	bool fits;

	buf_init(&line, POP3_COMMAND - 2);
	buf_printf(&line, "AUTH %s ", mechanism);
	fits = base64_encode(first, &line) == 0;
	snprintf(shown, sizeof(shown), "AUTH %s%s", mechanism, fits ? " (secret)" : "");
	if (!fits) {
		buf_clear(&line);
		buf_printf(&line, "AUTH %s", mechanism);
	}
	pop3_send_secret(c, shown, buf_span(&line));
	buf_free(&line);
	return fits;
}

/* The server gave up its side, or cannot be believed: cancel, and take the -ERR. */
static enum pop3_status
cancel(struct pop3_client *c, enum pop3_status why)
{
	bool challenge;
	struct span ignored;
	pop3_send(c, "*");
	pop3_challenge(c, &challenge, &ignored);
	return why;
}

/* One challenge of the server: what to do next. POP3_OK: it was answered. */
static enum pop3_status
answer(struct pop3_client *c, struct sasl_client *sasl, struct span challenge)
{
	struct buf decoded, out;
	enum pop3_status status = POP3_OK;

	buf_init(&decoded, SASL_MESSAGE);
	buf_init(&out, SASL_MESSAGE);
	if (base64_decode(challenge, &decoded) < 0)
		status = cancel(c, POP3_PROTOCOL);
	else {
		enum sasl_status step = sasl_client_step(sasl, buf_span(&decoded), &out);
		if (step == SASL_CHALLENGE || step == SASL_OK)
			say(c, buf_span(&out));
		else
			status = cancel(c, step == SASL_DENIED ? POP3_UNPROVEN : POP3_PROTOCOL);
	}
	buf_free(&decoded);
	buf_free(&out);
	return status;
}

static enum pop3_status
dialogue(struct pop3_client *c, struct sasl_client *sasl, struct span first, enum outcome *outcome)
{
	bool sent = begin(c, sasl_names[sasl->mechanism], first);

	for (int round = 0; round < 8; round++) {
		bool challenge;
		struct span bytes;
		enum pop3_status status = pop3_challenge(c, &challenge, &bytes);
		if (status == POP3_REFUSED && round == 0 && c->code.len == 0 &&
		    sasl->mechanism != SASL_PLAIN) {
			*outcome = LACKING;
			return status;
		}
		if (status != POP3_OK)
			return denied(c, status);
		if (!challenge)
			return sasl_client_verified(sasl) ? POP3_OK : POP3_UNPROVEN;
		if (!sent) {
			say(c, first);
			sent = true;
		} else {
			status = answer(c, sasl, bytes);
			if (status != POP3_OK)
				return status;
		}
	}
	return POP3_PROTOCOL;
}

static enum pop3_status
by_sasl(struct pop3_client *c, enum sasl_mechanism mechanism, struct span user, struct span password,
    enum outcome *outcome)
{
	struct sasl_client sasl;
	struct buf first;
	uint8_t random[SASL_NONCE];
	enum pop3_status status = POP3_NO_METHOD;

	*outcome = ANSWERED;
	if (random_bytes(random, sizeof(random)) < 0)
		return status;
	sasl_client_init(&sasl, mechanism, user, password, random);
	buf_init(&first, SASL_MESSAGE);
	if (sasl_client_first(&sasl, &first) == 0)
		status = dialogue(c, &sasl, buf_span(&first), outcome);
	buf_free(&first);
	sasl_client_free(&sasl);
	return status;
}

static enum pop3_status
by_apop(struct pop3_client *c, struct span user, struct span password)
{
	uint8_t digest[MD5_SIZE];
	char hex[2 * MD5_SIZE + 1];
	struct buf line;

	md5(c->stamp.data, c->stamp.len, password.at, password.n, digest);
	hash_hex(digest, sizeof(digest), hex);
	buf_init(&line, 4 * POP3_COMMAND);
	buf_add_string(&line, "APOP ");
	buf_add_span(&line, user);
	buf_printf(&line, " %s", hex);
	pop3_send_secret(c, "APOP (secret)", buf_span(&line));
	buf_free(&line);
	return denied(c, pop3_reply(c));
}

static enum pop3_status
by_pass(struct pop3_client *c, struct span user, struct span password)
{
	struct buf line;

	buf_init(&line, 8 * POP3_COMMAND);
	buf_add_string(&line, "USER ");
	buf_add_span(&line, user);
	pop3_send_secret(c, buf_string(&line), buf_span(&line));
	enum pop3_status status = denied(c, pop3_reply(c));
	if (status == POP3_OK) {
		buf_clear(&line);
		buf_add_string(&line, "PASS ");
		buf_add_span(&line, password);
		pop3_send_secret(c, "PASS (secret)", buf_span(&line));
		status = denied(c, pop3_reply(c));
	}
	buf_free(&line);
	return status;
}

enum pop3_status
login_user(struct pop3_client *c, struct span user, struct span password, const char *warn_of)
{
	enum outcome outcome = LACKING;

	if (c->capabilities & POP3_SASL_SCRAM) {
		enum pop3_status status = by_sasl(c, SASL_SCRAM_SHA_256, user, password, &outcome);
		if (outcome == ANSWERED)
			return status;
	}
	if (c->stamp.len > 0)
		return by_apop(c, user, password);
	bool plain = c->capabilities & POP3_SASL_PLAIN;
	if (!plain && !(c->capabilities & POP3_USER) && (c->capabilities & POP3_CAPA))
		return POP3_NO_METHOD;
	if (warn_of != NULL)
		complain(0, "warning: %s offers no safe login: the password crosses the network readable",
		    warn_of);
	return plain ? by_sasl(c, SASL_PLAIN, user, password, &outcome) : by_pass(c, user, password);
}
