/* Both ends of a SASL exchange, each with a peer that says whatever it likes, a line a message: the first byte of the input says which. */
#include "sasl.h"

#include "fuzz.h"
#include "hash.h"

static const uint8_t fixed[SASL_NONCE];

/* Two users, who are the same but for what they are. Few iterations: it is not the arithmetic that is tried. */
static void
find(struct credential *c, const char *user)
{
	*c = (struct credential){
		.kind = CREDENTIAL_PLAIN, .iterations = 2, .password_n = 5, .password = "apple"
	};
	credential_salt(c, span_of(user), span_of("secret"));
	if (strcmp(user, "anna") != 0)
		c->kind = CREDENTIAL_NONE;
}

static void
serve(enum sasl_mechanism mechanism, struct span messages)
{
	struct sasl_server server;
	struct credential credential;
	struct buf out;
	enum sasl_status status = SASL_CHALLENGE;

	buf_init(&out, SASL_MESSAGE + 256);
	sasl_server_init(&server, mechanism, fixed);
	while (status == SASL_CHALLENGE && messages.n > 0) {
		struct span part = fuzz_part(&messages, '\n'), message = fuzz_cut(&part, SASL_MESSAGE);
		status = sasl_server_step(&server, message, &out);
		if (status == SASL_LOOKUP) {
			MUST(strlen(server.user) <= SASL_USER);
			find(&credential, server.user);
			status = sasl_server_credential(&server, &credential, &out);
			MUST(status != SASL_LOOKUP);
		}
		MUST(!out.failed);
		MUST(status != SASL_OK || strcmp(server.user, "anna") == 0);
	}
	sasl_server_free(&server);
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
		MUST(!out.failed && status != SASL_LOOKUP);
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
