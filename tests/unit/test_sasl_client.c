#include "unit.h"

#include "sasl.h"
#include "sasl_vectors.h"

static const uint8_t random_of_test[SASL_NONCE] = "abcdefghijklmnopq";

static struct buf out;
static struct sasl_client client;

static void
setup(void)
{
	buf_init(&out, 8192);
}

static void
teardown(void)
{
	buf_free(&out);
	sasl_client_free(&client);
}

static void
begin_client(enum sasl_mechanism mechanism, const char *password)
{
	sasl_client_free(&client);
	sasl_client_init(&client, mechanism, span_of("user"), span_of(password), random_of_test);
	if (mechanism == SASL_SCRAM_SHA_256)
		strcpy(client.nonce, CLIENT_NONCE);
}

static enum sasl_status
client_gets(struct span challenge)
{
	char *copy = guarded(challenge.at, challenge.n);
	enum sasl_status status = sasl_client_step(&client, (struct span){ copy, challenge.n }, &out);

	unguard(copy, challenge.n);
	return status;
}

START_TEST(scram_client_of_the_rfc)
{
	begin_client(SASL_SCRAM_SHA_256, "pencil");
	ck_assert_int_eq(client_gets(span_of("")), SASL_CHALLENGE);
	expect_span(buf_span(&out), CLIENT_FIRST);
	ck_assert(!sasl_client_verified(&client));
	ck_assert_int_eq(client_gets(span_of(SERVER_FIRST)), SASL_CHALLENGE);
	expect_span(buf_span(&out), CLIENT_FINAL);
	ck_assert(!sasl_client_verified(&client));
	ck_assert_int_eq(client_gets(span_of(SERVER_FINAL)), SASL_CHALLENGE);
	expect_span(buf_span(&out), "");
	ck_assert(sasl_client_verified(&client));
}
END_TEST

static const struct {
	const char *challenge;
	enum sasl_status status;
} challenge_vectors[] = {
	{ SERVER_FIRST, SASL_CHALLENGE },
	{ SERVER_FIRST ",x=ignored", SASL_CHALLENGE },
	{ "r=" CLIENT_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", SASL_MALFORMED }, /* adds nothing */
	{ "r=x" BOTH ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", SASL_MALFORMED },
	{ "r=" BOTH ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095", SASL_MALFORMED },
	{ "r=" BOTH ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000001", SASL_MALFORMED },
	{ "r=" BOTH ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=", SASL_MALFORMED },
	{ "r=" BOTH ",s=W22ZaJ0SNY7soEsUEjb6gQ==", SASL_MALFORMED },
	{ "r=" BOTH ",s=,i=4096", SASL_MALFORMED },
	{ "r=" BOTH ",s=?,i=4096", SASL_MALFORMED },
	{ "m=ext," SERVER_FIRST, SASL_MALFORMED },
	{ "s=W22ZaJ0SNY7soEsUEjb6gQ==,r=" BOTH ",i=4096", SASL_MALFORMED },
	{ "", SASL_MALFORMED },
};

START_TEST(scram_client_reads_the_challenge)
{
	begin_client(SASL_SCRAM_SHA_256, "pencil");
	ck_assert_int_eq(client_gets(span_of("")), SASL_CHALLENGE);
	expect_span(buf_span(&out), CLIENT_FIRST);
	ck_assert_int_eq(client_gets(span_of(challenge_vectors[_i].challenge)), challenge_vectors[_i].status);
	if (challenge_vectors[_i].status != SASL_CHALLENGE)
		ck_assert_int_eq(client_gets(span_of(SERVER_FIRST)), SASL_MALFORMED);
}
END_TEST

static const struct {
	const char *final;
	enum sasl_status status;
} signature_vectors[] = {
	{ SERVER_FINAL, SASL_CHALLENGE },
	{ SERVER_FINAL ",x=y", SASL_CHALLENGE },
	{ "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", SASL_UNPROVEN },
	{ "e=invalid-proof", SASL_UNPROVEN },
	{ "v=", SASL_MALFORMED },
	{ "v=6rri", SASL_MALFORMED },
	{ "", SASL_MALFORMED },
};

START_TEST(scram_client_believes_a_signature)
{
	begin_client(SASL_SCRAM_SHA_256, "pencil");
	ck_assert_int_eq(client_gets(span_of("")), SASL_CHALLENGE);
	ck_assert_int_eq(client_gets(span_of(SERVER_FIRST)), SASL_CHALLENGE);
	ck_assert_int_eq(client_gets(span_of(signature_vectors[_i].final)), signature_vectors[_i].status);
	ck_assert(sasl_client_verified(&client) == (signature_vectors[_i].status == SASL_CHALLENGE));
	ck_assert_int_eq(client_gets(span_of("")), SASL_MALFORMED);
	ck_assert(!sasl_client_verified(&client));
}
END_TEST

START_TEST(client_escapes_a_name)
{
	sasl_client_init(&client, SASL_SCRAM_SHA_256, span_of("a,b=c"), span_of("x"), random_of_test);
	ck_assert_int_eq(client_gets(span_of("")), SASL_CHALLENGE);
	expect_span(buf_span(&out), "n,,n=a=2Cb=3Dc,r=6162636465666768696a6b6c6d6e6f707100");
}
END_TEST

START_TEST(bounds_challenges)
{
	char challenge[SASL_MESSAGE + 1];

	memset(challenge, 'x', sizeof(challenge));
	memcpy(challenge, SERVER_FIRST ",x=", sizeof(SERVER_FIRST ",x=") - 1);
	begin_client(SASL_SCRAM_SHA_256, "pencil");
	ck_assert_int_eq(client_gets(span_of("")), SASL_CHALLENGE);
	ck_assert_int_eq(client_gets((struct span){ challenge, SASL_MESSAGE }), SASL_CHALLENGE);
	begin_client(SASL_SCRAM_SHA_256, "pencil");
	ck_assert_int_eq(client_gets(span_of("")), SASL_CHALLENGE);
	ck_assert_int_eq(client_gets((struct span){ challenge, SASL_MESSAGE + 1 }), SASL_MALFORMED);
}
END_TEST

START_TEST(plain_and_login_clients)
{
	begin_client(SASL_PLAIN, "pencil");
	ck_assert_int_eq(client_gets(span_of("")), SASL_CHALLENGE);
	ck_assert_uint_eq(out.len, 12);
	ck_assert_mem_eq(out.data, "\0user\0pencil", 12);
	ck_assert(sasl_client_verified(&client));
	ck_assert_int_eq(client_gets(span_of("")), SASL_MALFORMED);
	ck_assert(!sasl_client_verified(&client));

	begin_client(SASL_LOGIN, "pencil");
	ck_assert_int_eq(client_gets(span_of("User Name")), SASL_CHALLENGE);
	expect_span(buf_span(&out), "user");
	ck_assert(!sasl_client_verified(&client));
	ck_assert_int_eq(client_gets(span_of("Password:")), SASL_CHALLENGE);
	expect_span(buf_span(&out), "pencil");
	ck_assert(sasl_client_verified(&client));
	ck_assert_int_eq(client_gets(span_of("And now?")), SASL_MALFORMED);
}
END_TEST

/* A whole dialogue of both sides: the server is at the other end of the client's lines. */
static const struct credential *account;

static int
give_random(void *context, uint8_t *nonce)
{
	(void)context;
	memcpy(nonce, "qponmlkjihgfedcba", SASL_NONCE);
	return 0;
}

static int
give_credential(void *context, struct span login, char *user, struct credential *c)
{
	(void)context;
	expect_span(login, "user");
	strcpy(user, "user");
	*c = *account;
	return 0;
}

struct talk {
	struct exchange server;
	struct buf line;
	int lines;
};

static enum sasl_status
pass_on(void *context, const char *shown, struct span line, struct span *challenge)
{
	struct talk *talk = context;
	enum exchange_result result;

	buf_clear(&talk->line);
	if (talk->lines++ > 0)
		result = exchange_answer(&talk->server, line, &talk->line);
	else {
		struct span name, initial;
		expect_span(span_until(line, ' ', &name), "AUTH");
		ck_assert(span_is(line, shown) == (strstr(shown, "(secret)") == NULL));
		int mechanism = sasl_mechanism(span_until(name, ' ', &initial));
		ck_assert_int_ge(mechanism, 0);
		result = exchange_begin(&talk->server, (enum sasl_mechanism)mechanism, initial, &talk->line);
	}
	*challenge = span_slice(buf_span(&talk->line), 2, talk->line.len - 2);
	return result == EXCHANGE_MORE ? SASL_CHALLENGE : result == EXCHANGE_OK ? SASL_OK : SASL_DENIED;
}

static enum sasl_status
log_in(enum sasl_mechanism mechanism, const char *password, const struct credential *c, size_t longest)
{
	static const struct exchange_accounts accounts = { give_random, give_credential };
	struct talk talk = { .lines = 0 };
	const struct sasl_login login = { longest, pass_on, &talk };

	account = c;
	buf_init(&talk.line, 8192);
	exchange_init(&talk.server, &accounts, NULL, "+ ");
	begin_client(mechanism, password);
	enum sasl_status status = sasl_client_login(&client, &login);
	ck_assert(!talk.server.under_way);
	exchange_end(&talk.server);
	buf_free(&talk.line);
	return status;
}

START_TEST(both_sides_agree)
{
	struct credential verifier, plain, decoy;

	ck_assert_int_eq(credential_parse(span_of(VERIFIER), &verifier), 0);
	ck_assert_int_eq(credential_parse(span_of("{PLAIN}pencil"), &plain), 0);
	credential_salt(&plain, span_of("user"), span_of("secret"));
	credential_decoy(span_of("user"), span_of("secret"), &decoy);
	for (int m = SASL_PLAIN; m <= SASL_SCRAM_SHA_256; m++)
		for (size_t longest = 20; longest <= 200; longest += 180) {
			enum sasl_mechanism mechanism = (enum sasl_mechanism)m;
			ck_assert_int_eq(log_in(mechanism, "pencil", &verifier, longest), SASL_OK);
			ck_assert_int_eq(log_in(mechanism, "pencil", &plain, longest), SASL_OK);
			ck_assert_int_eq(log_in(mechanism, "crayon", &verifier, longest), SASL_DENIED);
			ck_assert_int_eq(log_in(mechanism, "crayon", &plain, longest), SASL_DENIED);
			ck_assert_int_eq(log_in(mechanism, "pencil", &decoy, longest), SASL_DENIED);
		}
}
END_TEST

#define ROWS(vectors) (int)(sizeof(vectors) / sizeof((vectors)[0]))

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, scram_client_of_the_rfc);
	tcase_add_loop_test(t, scram_client_reads_the_challenge, 0, ROWS(challenge_vectors));
	tcase_add_loop_test(t, scram_client_believes_a_signature, 0, ROWS(signature_vectors));
	tcase_add_test(t, client_escapes_a_name);
	tcase_add_test(t, bounds_challenges);
	tcase_add_test(t, plain_and_login_clients);
	tcase_add_test(t, both_sides_agree);
}

int
main(void)
{
	return run_suite("sasl_client", add);
}
