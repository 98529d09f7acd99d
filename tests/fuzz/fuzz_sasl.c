/* Both ends of a SASL exchange, each with a peer that says whatever it likes, a line a message: the first byte of the input says which. */
#include "sasl.h"

#include "fuzz.h"
#include "codec.h"

static const uint8_t fixed[SASL_NONCE];

static int
give_random(void *context, uint8_t *nonce)
{
	(void)context;
	memcpy(nonce, fixed, sizeof fixed);
	return 0;
}

/* Two users, who are the same but for what they are. Few iterations: it is not the arithmetic that is tried. */
static int
find(void *context, struct span login, char *user, struct credential *c)
{
	(void)context;
	MUST(login.n <= SASL_USER);
	memcpy(user, login.at, login.n);
	user[login.n] = '\0';
	*c = (struct credential){
		.kind = CREDENTIAL_PLAIN, .iterations = 2, .password_n = 5, .password = "apple"
	};
	credential_salt(c, login, span_of("secret"));
	if (strcmp(user, "anna") != 0)
		c->kind = CREDENTIAL_NONE;
	return 0;
}

static void
serve(enum sasl_mechanism mechanism, struct span messages)
{
	static const struct exchange_accounts accounts = { give_random, find };
	struct exchange server;
	struct buf out, line;
	const struct span none = { NULL, 0 };

	buf_init(&out, 4 * SASL_MESSAGE);
	buf_init(&line, 2 * SASL_MESSAGE);
	exchange_init(&server, &accounts, NULL, "");
	enum exchange_result result = exchange_begin(&server, mechanism, none, &out);
	while (result == EXCHANGE_MORE && messages.n > 0) {
		struct span part = fuzz_part(&messages, '\n'), message = fuzz_cut(&part, SASL_MESSAGE);
		buf_clear(&line);
		base64_encode(message, &line);
		buf_clear(&out);
		result = exchange_answer(&server, buf_span(&line), &out);
		MUST(!out.failed && server.under_way == (result == EXCHANGE_MORE));
		MUST(result != EXCHANGE_OK || strcmp(server.user, "anna") == 0);
	}
	exchange_end(&server);
	buf_free(&line);
	buf_free(&out);
}

static void
ask(enum sasl_mechanism mechanism, struct span messages)
{
	struct sasl_client client;
	struct buf out;
	enum sasl_status status = SASL_CHALLENGE;

	buf_init(&out, SASL_MESSAGE + 256);
	sasl_client_init(&client, mechanism, span_of("anna"), span_of("apple"), fixed);
	sasl_client_step(&client, span_of(""), &out);
	while (status == SASL_CHALLENGE && messages.n > 0) {
		struct span part = fuzz_part(&messages, '\n'), message = fuzz_cut(&part, 0);
		status = sasl_client_step(&client, message, &out);
		MUST(!out.failed);
	}
	/* Nobody who does not know the password is believed. */
	if (mechanism == SASL_SCRAM_SHA_256)
		MUST(!sasl_client_verified(&client));
	sasl_client_free(&client);
	buf_free(&out);
}

void
fuzz(struct span input)
{
	unsigned first = input.n > 0 ? (unsigned char)input.at[0] % 6 : 0;
	enum sasl_mechanism mechanism = (enum sasl_mechanism)(first / 2);

	if (first % 2 == 0)
		serve(mechanism, span_slice(input, 1, input.n));
	else
		ask(mechanism, span_slice(input, 1, input.n));
}
