#include "exchange.h"

#include "codec.h"

void
exchange_init(struct exchange *e, const struct exchange_accounts *accounts, void *context, const char *prompt)
{
	*e = (struct exchange){ .accounts = accounts, .context = context, .prompt = prompt };
}

void
exchange_end(struct exchange *e)
{
	sasl_server_free(&e->sasl);
	e->under_way = false;
}

static enum exchange_result
challenge(struct exchange *e, struct span message, struct buf *out)
{
	buf_add_string(out, e->prompt);
	base64_encode(message, out);
	buf_add_string(out, "\r\n");
	e->under_way = true;
	return EXCHANGE_MORE;
}

/* sasl has a name: give it the credential, and have its next word. */
static enum sasl_status
look_up(struct exchange *e, struct buf *answer)
{
	struct credential credential = { .kind = CREDENTIAL_NONE };

	if (e->accounts->credential(e->context, span_of(e->sasl.user), e->user, &credential) < 0)
		return SASL_LOOKUP;
	enum sasl_status status = sasl_server_credential(&e->sasl, &credential, answer);
	wipe(&credential, sizeof credential);
	return status;
}

/* One message of the client, decoded. */
static enum exchange_result
step(struct exchange *e, struct span message, struct buf *out)
{
	static const enum exchange_result results[] = {
		[SASL_LOOKUP] = EXCHANGE_UNABLE,
		[SASL_OK] = EXCHANGE_OK,
		[SASL_DENIED] = EXCHANGE_DENIED,
		[SASL_MALFORMED] = EXCHANGE_BAD_ANSWER,
	};
	struct buf answer;

	buf_init(&answer, SASL_MESSAGE + 256);
	enum sasl_status status = sasl_server_step(&e->sasl, message, &answer);
	if (status == SASL_LOOKUP)
		status = look_up(e, &answer);
	enum exchange_result result =
	    status == SASL_CHALLENGE ? challenge(e, buf_span(&answer), out) : results[status];
	buf_free(&answer);
	return result;
}

enum exchange_result
exchange_answer(struct exchange *e, struct span line, struct buf *out)
{
	enum exchange_result result = EXCHANGE_CANCELLED;
	struct buf message;

	buf_init(&message, SASL_MESSAGE);
	if (!span_is(line, "*"))
		result = base64_decode(line, &message) < 0 ? EXCHANGE_BAD_BASE64
							   : step(e, buf_span(&message), out);
	buf_free(&message);
	if (result != EXCHANGE_MORE)
		exchange_end(e);
	return result;
}

enum exchange_result
exchange_begin(struct exchange *e, enum sasl_mechanism mechanism, struct span initial, struct buf *out)
{
	uint8_t nonce[SASL_NONCE];

	if (e->accounts->random(e->context, nonce) < 0)
		return EXCHANGE_UNABLE;
	sasl_server_init(&e->sasl, mechanism, nonce);
	if (initial.at == NULL)
		return challenge(e, span_of(sasl_server_prompt(&e->sasl)), out);
	return exchange_answer(e, span_is(initial, "=") ? (struct span){ "", 0 } : initial, out);
}
