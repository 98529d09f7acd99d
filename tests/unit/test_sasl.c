#include "unit.h"

#include "codec.h"
#include "sasl.h"
#include "sasl_vectors.h"
#include "scram.h"

static const uint8_t random_of_test[SASL_NONCE] = "abcdefghijklmnopq";

static struct buf out;
static struct sasl_server server;

static void
setup(void)
{
	buf_init(&out, 8192);
}

static void
teardown(void)
{
	buf_free(&out);
	sasl_server_free(&server);
}

static void
begin_server(enum sasl_mechanism mechanism)
{
	sasl_server_free(&server);
	sasl_server_init(&server, mechanism, random_of_test);
	if (mechanism == SASL_SCRAM_SHA_256)
		strcpy(server.nonce, SERVER_NONCE);
}

static enum sasl_status
server_gets(struct span message)
{
	char *copy = guarded(message.at, message.n);
	enum sasl_status status = sasl_server_step(&server, (struct span){ copy, message.n }, &out);

	unguard(copy, message.n);
	return status;
}

static enum sasl_status
look_up(const char *text)
{
	struct credential c;

	ck_assert_int_eq(credential_parse(span_of(text), &c), 0);
	if (c.kind == CREDENTIAL_PLAIN)
		credential_salt(&c, span_of(server.user), span_of("secret"));
	return sasl_server_credential(&server, &c, &out);
}

START_TEST(knows_mechanisms)
{
	ck_assert_int_eq(sasl_mechanism(span_of("PLAIN")), SASL_PLAIN);
	ck_assert_int_eq(sasl_mechanism(span_of("login")), SASL_LOGIN);
	ck_assert_int_eq(sasl_mechanism(span_of("Scram-Sha-256")), SASL_SCRAM_SHA_256);
	ck_assert_int_eq(sasl_mechanism(span_of("SCRAM-SHA-256-PLUS")), -1);
	ck_assert_int_eq(sasl_mechanism(span_of("")), -1);
}
END_TEST

START_TEST(nonce_is_base64)
{
	char nonce[SASL_NONCE_TEXT + 1];

	sasl_nonce(random_of_test, nonce);
	ck_assert_str_eq(nonce, "YWJjZGVmZ2hpamtsbW5vcHEA");
}
END_TEST

/* message, with NULs at the '|'; the user that is looked up; what becomes of it with the password "pencil". */
static const struct {
	const char *message, *user;
	enum sasl_status first, then;
} plain_vectors[] = {
	{ "|user|pencil", "user", SASL_LOOKUP, SASL_OK },
	{ "user|user|pencil", "user", SASL_LOOKUP, SASL_OK },
	{ "USER|User|pencil", "user", SASL_LOOKUP, SASL_OK },
	{ "|user+tag|pencil", "user+tag", SASL_LOOKUP, SASL_OK },
	{ "|user|Pencil", "user", SASL_LOOKUP, SASL_DENIED },
	{ "|user|pencil2", "user", SASL_LOOKUP, SASL_DENIED },
	{ "other|user|pencil", "user", SASL_DENIED, SASL_DENIED },
	{ "", "", SASL_MALFORMED, SASL_DENIED },
	{ "user", "", SASL_MALFORMED, SASL_DENIED },
	{ "|user", "user", SASL_MALFORMED, SASL_DENIED },
	{ "|user|", "user", SASL_MALFORMED, SASL_DENIED },
	{ "||pencil", "", SASL_MALFORMED, SASL_DENIED },
	{ "|user|pencil|", "user", SASL_MALFORMED, SASL_DENIED },
	{ "|user|pencil|x", "user", SASL_MALFORMED, SASL_DENIED },
	{ "|1234567890123456789012345678901234567890123456789012345678901234|pencil",
	    "1234567890123456789012345678901234567890123456789012345678901234", SASL_LOOKUP, SASL_OK },
	{ "|12345678901234567890123456789012345678901234567890123456789012345|pencil", "", SASL_LOOKUP,
	    SASL_OK },
};

START_TEST(plain_server)
{
	char message[200];
	size_t n = strlen(plain_vectors[_i].message);

	memcpy(message, plain_vectors[_i].message, n);
	for (size_t i = 0; i < n; i++)
		if (message[i] == '|')
			message[i] = '\0';
	for (int plain = 0; plain < 2; plain++) {
		begin_server(SASL_PLAIN);
		ck_assert_str_eq(sasl_server_prompt(&server), "");
		ck_assert_int_eq(server_gets((struct span){ message, n }), plain_vectors[_i].first);
		ck_assert_str_eq(server.user, plain_vectors[_i].user);
		if (plain_vectors[_i].first == SASL_LOOKUP)
			ck_assert_int_eq(
			    look_up(plain != 0 ? "{PLAIN}pencil" : VERIFIER), plain_vectors[_i].then);
		ck_assert_int_eq(server_gets(span_of("more")), SASL_MALFORMED);
	}
}
END_TEST

START_TEST(login_server)
{
	begin_server(SASL_LOGIN);
	ck_assert_str_eq(sasl_server_prompt(&server), "Username:");
	ck_assert_int_eq(server_gets(span_of("User")), SASL_CHALLENGE);
	expect_span(buf_span(&out), "Password:");
	ck_assert_int_eq(server_gets(span_of("pencil")), SASL_LOOKUP);
	ck_assert_str_eq(server.user, "user");
	ck_assert_int_eq(look_up(VERIFIER), SASL_OK);

	begin_server(SASL_LOGIN);
	ck_assert_int_eq(server_gets(span_of("user")), SASL_CHALLENGE);
	ck_assert_int_eq(server_gets(span_of("pen")), SASL_LOOKUP);
	ck_assert_int_eq(look_up(VERIFIER), SASL_DENIED);

	begin_server(SASL_LOGIN);
	ck_assert_int_eq(server_gets(span_of("")), SASL_MALFORMED);
	begin_server(SASL_LOGIN);
	ck_assert_int_eq(server_gets((struct span){ "us\0er", 5 }), SASL_MALFORMED);
	begin_server(SASL_LOGIN);
	ck_assert_int_eq(server_gets(span_of("user")), SASL_CHALLENGE);
	ck_assert_int_eq(server_gets((struct span){ "pencil\0", 7 }), SASL_MALFORMED);
}
END_TEST

START_TEST(scram_server_of_the_rfc)
{
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets(span_of(CLIENT_FIRST)), SASL_LOOKUP);
	ck_assert_str_eq(server.user, "user");
	ck_assert_int_eq(look_up(VERIFIER), SASL_CHALLENGE);
	expect_span(buf_span(&out), SERVER_FIRST);
	ck_assert_int_eq(server_gets(span_of(CLIENT_FINAL)), SASL_CHALLENGE);
	expect_span(buf_span(&out), SERVER_FINAL);
	ck_assert_int_eq(server_gets(span_of("")), SASL_OK);
	ck_assert_int_eq(server_gets(span_of("")), SASL_MALFORMED);
}
END_TEST

/* What the server makes of a first message. */
static const struct {
	const char *message, *user;
	enum sasl_status status;
} first_vectors[] = {
	{ "y,,n=user,r=x", "user", SASL_LOOKUP },
	{ "n,a=user,n=User,r=x", "user", SASL_LOOKUP },
	{ "n,,n=user,r=x,e=xt", "user", SASL_LOOKUP },
	{ "n,,n=a=2Cb=3D,r=x", "a,b=", SASL_LOOKUP },
	{ "n,a=other,n=user,r=x", "user", SASL_DENIED },
	{ "p=tls-unique,,n=user,r=x", "", SASL_MALFORMED },
	{ "x,,n=user,r=x", "", SASL_MALFORMED },
	{ ",,n=user,r=x", "", SASL_MALFORMED },
	{ "n,user,n=user,r=x", "", SASL_MALFORMED },
	{ "n,,m=ext,n=user,r=x", "", SASL_MALFORMED },
	{ "n,,r=x,n=user", "", SASL_MALFORMED },
	{ "n,,n=user", "", SASL_MALFORMED },
	{ "n,,n=user,r=", "", SASL_MALFORMED },
	{ "n,,n=,r=x", "", SASL_MALFORMED },
	{ "n,,n=us=er,r=x", "", SASL_MALFORMED },
	{ "n,,n=us=2", "", SASL_MALFORMED },
	{ "n,,n=user,r=a b", "", SASL_MALFORMED },
	{ "n,,n=user,r=a\x80", "", SASL_MALFORMED },
	{ "n,,", "", SASL_MALFORMED },
	{ "n,", "", SASL_MALFORMED },
	{ "n", "", SASL_MALFORMED },
	{ "", "", SASL_MALFORMED },
};

START_TEST(scram_server_reads_the_first)
{
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets(span_of(first_vectors[_i].message)), first_vectors[_i].status);
	ck_assert_str_eq(server.user, first_vectors[_i].user);
}
END_TEST

static const struct {
	const char *message;
	enum sasl_status status;
} final_vectors[] = {
	{ CLIENT_FINAL, SASL_CHALLENGE },
	{ "c=biws,r=" BOTH ",p="
	  "eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    SASL_DENIED },			       /* another proof */
	{ "c=eSws,r=" BOTH ",p=" PROOF, SASL_DENIED }, /* another header */
	{ "c=,r=" BOTH ",p=" PROOF, SASL_DENIED },
	{ "c=biw,r=" BOTH ",p=" PROOF, SASL_DENIED },
	{ "c=biws,r=" CLIENT_NONCE ",p=" PROOF, SASL_DENIED },
	{ "c=biws,r=" BOTH "x,p=" PROOF, SASL_DENIED },
	{ "c=biws,r=" CLIENT_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k1,p=" PROOF, SASL_DENIED },
	{ "c=biws,r=" BOTH ",e=x,p=" PROOF, SASL_DENIED }, /* not what was signed */
	{ "c=biws,r=" BOTH ",p=" PROOF ",e=x", SASL_MALFORMED },
	{ "c=biws,r=" BOTH ",p=" PROOF ",", SASL_MALFORMED },
	{ "r=" BOTH ",c=biws,p=" PROOF, SASL_MALFORMED },
	{ "c=biws,r=" BOTH ",p="
	  "dHzb",
	    SASL_MALFORMED },
	{ "c=biws,r=" BOTH ",p=", SASL_MALFORMED },
	{ "c=biws,r=" BOTH ",,p=" PROOF, SASL_MALFORMED },
	{ "c=biws,r=" BOTH, SASL_MALFORMED },
	{ "c=biws,r=" BOTH ",", SASL_MALFORMED },
	{ "c=biws", SASL_MALFORMED },
	{ "", SASL_MALFORMED },
};

START_TEST(scram_server_reads_the_final)
{
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets(span_of(CLIENT_FIRST)), SASL_LOOKUP);
	ck_assert_int_eq(look_up(VERIFIER), SASL_CHALLENGE);
	ck_assert_int_eq(server_gets(span_of(final_vectors[_i].message)), final_vectors[_i].status);
	if (final_vectors[_i].status != SASL_CHALLENGE)
		expect_span(buf_span(&out), "");
}
END_TEST

/* Somebody who knows the password signs another gs2-header or nonce than was agreed on. */
START_TEST(scram_server_wants_what_was_agreed_on)
{
	static const struct {
		const char *bare; /* client-final-message-without-proof */
		enum sasl_status status;
	} finals[] = {
		{ "c=biws,r=" BOTH, SASL_CHALLENGE },
		{ "c=biws,r=" BOTH ",x=extension", SASL_CHALLENGE },
		{ "c=eSws,r=" BOTH, SASL_DENIED },
		{ "c=,r=" BOTH, SASL_DENIED },
		{ "c=biws,r=" BOTH "x", SASL_DENIED },
		{ "c=biws,r=" CLIENT_NONCE, SASL_DENIED },
		{ "c=biws,r=x" CLIENT_NONCE, SASL_DENIED },
		{ "c=biws,r=" CLIENT_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k1", SASL_DENIED },
	};

	for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); i++) {
		struct scram_keys keys;
		struct buf signed_text, message;
		uint8_t proof[SHA256_SIZE];

		begin_server(SASL_SCRAM_SHA_256);
		ck_assert_int_eq(server_gets(span_of(CLIENT_FIRST)), SASL_LOOKUP);
		ck_assert_int_eq(look_up(VERIFIER), SASL_CHALLENGE);
		scram_keys(&keys, span_of("pencil"), server.credential.salt, server.credential.salt_n, 4096);
		buf_init(&signed_text, 1000);
		buf_printf(&signed_text, "%s,%s,%s", CLIENT_FIRST + 3, SERVER_FIRST, finals[i].bare);
		hmac_sha256(keys.stored, SHA256_SIZE, signed_text.data, signed_text.len, proof);
		for (int k = 0; k < SHA256_SIZE; k++)
			proof[k] ^= keys.client[k];
		buf_init(&message, 1000);
		buf_printf(&message, "%s,p=", finals[i].bare);
		base64_encode((struct span){ (const char *)proof, SHA256_SIZE }, &message);
		ck_assert_int_eq(server_gets(buf_span(&message)), finals[i].status);
		buf_free(&signed_text);
		buf_free(&message);
	}
}
END_TEST

START_TEST(scram_server_wants_an_empty_end)
{
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets(span_of(CLIENT_FIRST)), SASL_LOOKUP);
	ck_assert_int_eq(look_up(VERIFIER), SASL_CHALLENGE);
	ck_assert_int_eq(server_gets(span_of(CLIENT_FINAL)), SASL_CHALLENGE);
	ck_assert_int_eq(server_gets(span_of("x")), SASL_MALFORMED);
}
END_TEST

/* The longest that is taken, and a byte more. */
START_TEST(bounds_messages)
{
	char message[SASL_MESSAGE + 1];

	memset(message, 'x', sizeof(message));
	memcpy(message, "n,,n=user,r=", 12);
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets((struct span){ message, SASL_MESSAGE }), SASL_LOOKUP);
	ck_assert_int_eq(look_up(VERIFIER), SASL_CHALLENGE);
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets((struct span){ message, SASL_MESSAGE + 1 }), SASL_MALFORMED);
	/* No room in out: nothing half. */
	buf_free(&out);
	buf_init(&out, 20);
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets(span_of(CLIENT_FIRST)), SASL_LOOKUP);
	ck_assert_int_eq(look_up(VERIFIER), SASL_MALFORMED);
	buf_free(&out);
	buf_init(&out, 8);
	begin_server(SASL_LOGIN);
	ck_assert_int_eq(server_gets(span_of("user")), SASL_MALFORMED);
	expect_span(buf_span(&out), "");
}
END_TEST

#define ROWS(vectors) (int)(sizeof(vectors) / sizeof((vectors)[0]))

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, knows_mechanisms);
	tcase_add_test(t, nonce_is_base64);
	tcase_add_loop_test(t, plain_server, 0, ROWS(plain_vectors));
	tcase_add_test(t, login_server);
	tcase_add_test(t, scram_server_of_the_rfc);
	tcase_add_loop_test(t, scram_server_reads_the_first, 0, ROWS(first_vectors));
	tcase_add_loop_test(t, scram_server_reads_the_final, 0, ROWS(final_vectors));
	tcase_add_test(t, scram_server_wants_what_was_agreed_on);
	tcase_add_test(t, scram_server_wants_an_empty_end);
	tcase_add_test(t, bounds_messages);
}

int
main(void)
{
	return run_suite("sasl", add);
}
