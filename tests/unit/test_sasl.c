#include "unit.h"

#include "codec.h"
#include "sasl.h"
#include "sasl_vectors.h"

static struct buf out; /* the last challenge, decoded */
static struct exchange server;
static const char *account; /* what stands behind the colon of everybody */

static int
give_random(void *context, uint8_t *nonce)
{
	(void)context;
	memcpy(nonce, "abcdefghijklmnopq", SASL_NONCE);
	return 0;
}

static int
give_credential(void *context, struct span login, char *user, struct credential *c)
{
	(void)context;
	if (account == NULL)
		return -1;
	memcpy(user, login.at, login.n);
	user[login.n] = '\0';
	ck_assert_int_eq(credential_parse(span_of(account), c), 0);
	if (c->kind == CREDENTIAL_PLAIN)
		credential_salt(c, login, span_of("secret"));
	return 0;
}

static const struct exchange_accounts accounts = { give_random, give_credential };

static void
setup(void)
{
	buf_init(&out, 8192);
	exchange_init(&server, &accounts, NULL, "334 ");
	account = VERIFIER;
}

static void
teardown(void)
{
	buf_free(&out);
	exchange_end(&server);
}

/* A challenge is a whole line. */
static enum exchange_result
answered(enum exchange_result result, struct buf *line)
{
	buf_clear(&out);
	ck_assert_int_eq(server.under_way, result == EXCHANGE_MORE);
	if (result == EXCHANGE_MORE) {
		expect_span(span_slice(buf_span(line), 0, 4), "334 ");
		expect_span(span_slice(buf_span(line), line->len - 2, line->len), "\r\n");
		ck_assert_int_eq(base64_decode(span_slice(buf_span(line), 4, line->len - 2), &out), 0);
	} else
		ck_assert_uint_eq(line->len, 0);
	buf_free(line);
	return result;
}

static void
begin_server(enum sasl_mechanism mechanism)
{
	const struct span none = { NULL, 0 };
	struct buf line;

	exchange_end(&server);
	buf_init(&line, 8192);
	ck_assert_int_eq(answered(exchange_begin(&server, mechanism, none, &line), &line), EXCHANGE_MORE);
	expect_span(buf_span(&out), mechanism == SASL_LOGIN ? "Username:" : "");
	if (mechanism == SASL_SCRAM_SHA_256)
		strcpy(server.nonce, SERVER_NONCE);
}

static enum exchange_result
server_gets(struct span message)
{
	struct buf text, line;

	buf_init(&text, 8192);
	buf_init(&line, 8192);
	ck_assert_int_eq(base64_encode(message, &text), 0);
	char *copy = guarded(buf_string(&text), text.len);
	enum exchange_result result = exchange_answer(&server, (struct span){ copy, text.len }, &line);

	unguard(copy, text.len);
	buf_free(&text);
	return answered(result, &line);
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

START_TEST(nonce_is_printable)
{
	struct buf line;

	buf_init(&line, 8192);
	exchange_begin(&server, SASL_SCRAM_SHA_256, (struct span){ NULL, 0 }, &line);
	ck_assert_str_eq(server.nonce, "6162636465666768696a6b6c6d6e6f707100");
	buf_free(&line);
}
END_TEST

/* What no mechanism takes. */
START_TEST(cancelled_and_malformed)
{
	static const struct {
		const char *line;
		enum exchange_result result;
	} lines[] = { { "*", EXCHANGE_CANCELLED }, { "?", EXCHANGE_BAD_BASE64 },
		{ "YQ", EXCHANGE_BAD_BASE64 }, { "", EXCHANGE_BAD_ANSWER },
		{ "AHVzZXIAcGVuY2ls", EXCHANGE_OK } };
	struct buf line;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		buf_init(&line, 8192);
		begin_server(SASL_PLAIN);
		ck_assert_int_eq(answered(exchange_answer(&server, span_of(lines[i].line), &line), &line),
		    lines[i].result);
		buf_init(&line, 8192);
		if (lines[i].line[0] != '\0') /* the same as an initial response */
			ck_assert_int_eq(
			    answered(
				exchange_begin(&server, SASL_PLAIN, span_of(lines[i].line), &line), &line),
			    lines[i].result);
		buf_free(&line);
	}
	buf_init(&line, 8192);
	ck_assert_int_eq(
	    answered(exchange_begin(&server, SASL_PLAIN, span_of("="), &line), &line), EXCHANGE_BAD_ANSWER);
	account = NULL;
	buf_init(&line, 8192);
	ck_assert_int_eq(
	    answered(exchange_begin(&server, SASL_PLAIN, span_of("AHVzZXIAcGVuY2ls"), &line), &line),
	    EXCHANGE_UNABLE);
}
END_TEST

/* message, with NULs at the '|'; what the peer calls itself; what becomes of it. */
static const struct {
	const char *message, *login;
	enum exchange_result result;
} plain_vectors[] = {
	{ "|user|pencil", "user", EXCHANGE_OK },
	{ "user|user|pencil", "user", EXCHANGE_OK },
	{ "USER|User|pencil", "user", EXCHANGE_OK },
	{ "|user+tag|pencil", "user+tag", EXCHANGE_OK },
	{ "|user|Pencil", "user", EXCHANGE_DENIED },
	{ "|user|pencil2", "user", EXCHANGE_DENIED },
	{ "other|user|pencil", "user", EXCHANGE_DENIED },
	{ "", "", EXCHANGE_BAD_ANSWER },
	{ "user", "", EXCHANGE_BAD_ANSWER },
	{ "|user", "user", EXCHANGE_BAD_ANSWER },
	{ "|user|", "user", EXCHANGE_BAD_ANSWER },
	{ "||pencil", "", EXCHANGE_BAD_ANSWER },
	{ "|user|pencil|", "user", EXCHANGE_BAD_ANSWER },
	{ "|user|pencil|x", "user", EXCHANGE_BAD_ANSWER },
	{ "|1234567890123456789012345678901234567890123456789012345678901234|pencil",
	    "1234567890123456789012345678901234567890123456789012345678901234", EXCHANGE_OK },
	{ "|12345678901234567890123456789012345678901234567890123456789012345|pencil", "", EXCHANGE_OK },
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
		account = plain != 0 ? "{PLAIN}pencil" : VERIFIER;
		begin_server(SASL_PLAIN);
		ck_assert_int_eq(server_gets((struct span){ message, n }), plain_vectors[_i].result);
		ck_assert_str_eq(server.login, plain_vectors[_i].login);
		if (plain_vectors[_i].result == EXCHANGE_OK)
			ck_assert_str_eq(server.user, plain_vectors[_i].login);
	}
}
END_TEST

START_TEST(login_server)
{
	begin_server(SASL_LOGIN);
	ck_assert_int_eq(server_gets(span_of("User")), EXCHANGE_MORE);
	expect_span(buf_span(&out), "Password:");
	ck_assert_int_eq(server_gets(span_of("pencil")), EXCHANGE_OK);
	ck_assert_str_eq(server.user, "user");

	begin_server(SASL_LOGIN);
	ck_assert_int_eq(server_gets(span_of("user")), EXCHANGE_MORE);
	ck_assert_int_eq(server_gets(span_of("pen")), EXCHANGE_DENIED);

	begin_server(SASL_LOGIN);
	ck_assert_int_eq(server_gets(span_of("")), EXCHANGE_BAD_ANSWER);
	begin_server(SASL_LOGIN);
	ck_assert_int_eq(server_gets((struct span){ "us\0er", 5 }), EXCHANGE_BAD_ANSWER);
	begin_server(SASL_LOGIN);
	ck_assert_int_eq(server_gets(span_of("user")), EXCHANGE_MORE);
	ck_assert_int_eq(server_gets((struct span){ "pencil\0", 7 }), EXCHANGE_BAD_ANSWER);
}
END_TEST

START_TEST(scram_server_of_the_rfc)
{
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets(span_of(CLIENT_FIRST)), EXCHANGE_MORE);
	ck_assert_str_eq(server.login, "user");
	expect_span(buf_span(&out), SERVER_FIRST);
	ck_assert_int_eq(server_gets(span_of(CLIENT_FINAL)), EXCHANGE_MORE);
	expect_span(buf_span(&out), SERVER_FINAL);
	ck_assert_int_eq(server_gets(span_of("")), EXCHANGE_OK);
	ck_assert_str_eq(server.user, "user");
}
END_TEST

/* What the server makes of a first message. */
static const struct {
	const char *message, *user;
	enum exchange_result status;
} first_vectors[] = {
	{ "y,,n=user,r=x", "user", EXCHANGE_MORE },
	{ "n,a=user,n=User,r=x", "user", EXCHANGE_MORE },
	{ "n,,n=user,r=x,e=xt", "user", EXCHANGE_MORE },
	{ "n,,n=a=2Cb=3D,r=x", "a,b=", EXCHANGE_MORE },
	{ "n,a=other,n=user,r=x", "user", EXCHANGE_DENIED },
	{ "p=tls-unique,,n=user,r=x", "", EXCHANGE_BAD_ANSWER },
	{ "x,,n=user,r=x", "", EXCHANGE_BAD_ANSWER },
	{ ",,n=user,r=x", "", EXCHANGE_BAD_ANSWER },
	{ "n,user,n=user,r=x", "", EXCHANGE_BAD_ANSWER },
	{ "n,,m=ext,n=user,r=x", "", EXCHANGE_BAD_ANSWER },
	{ "n,,r=x,n=user", "", EXCHANGE_BAD_ANSWER },
	{ "n,,n=user", "", EXCHANGE_BAD_ANSWER },
	{ "n,,n=user,r=", "", EXCHANGE_BAD_ANSWER },
	{ "n,,n=,r=x", "", EXCHANGE_BAD_ANSWER },
	{ "n,,n=us=er,r=x", "", EXCHANGE_BAD_ANSWER },
	{ "n,,n=us=2", "", EXCHANGE_BAD_ANSWER },
	{ "n,,n=user,r=a b", "", EXCHANGE_BAD_ANSWER },
	{ "n,,n=user,r=a\x80", "", EXCHANGE_BAD_ANSWER },
	{ "n,,", "", EXCHANGE_BAD_ANSWER },
	{ "n,", "", EXCHANGE_BAD_ANSWER },
	{ "n", "", EXCHANGE_BAD_ANSWER },
	{ "", "", EXCHANGE_BAD_ANSWER },
};

START_TEST(scram_server_reads_the_first)
{
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets(span_of(first_vectors[_i].message)), first_vectors[_i].status);
	ck_assert_str_eq(server.login, first_vectors[_i].user);
}
END_TEST

static const struct {
	const char *message;
	enum exchange_result status;
} final_vectors[] = {
	{ CLIENT_FINAL, EXCHANGE_MORE },
	{ "c=biws,r=" BOTH ",p="
	  "eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    EXCHANGE_DENIED },				   /* another proof */
	{ "c=eSws,r=" BOTH ",p=" PROOF, EXCHANGE_DENIED }, /* another header */
	{ "c=,r=" BOTH ",p=" PROOF, EXCHANGE_DENIED },
	{ "c=biw,r=" BOTH ",p=" PROOF, EXCHANGE_DENIED },
	{ "c=biws,r=" CLIENT_NONCE ",p=" PROOF, EXCHANGE_DENIED },
	{ "c=biws,r=" BOTH "x,p=" PROOF, EXCHANGE_DENIED },
	{ "c=biws,r=" CLIENT_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k1,p=" PROOF, EXCHANGE_DENIED },
	{ "c=biws,r=" BOTH ",e=x,p=" PROOF, EXCHANGE_DENIED }, /* not what was signed */
	{ "c=biws,r=" BOTH ",p=" PROOF ",e=x", EXCHANGE_BAD_ANSWER },
	{ "c=biws,r=" BOTH ",p=" PROOF ",", EXCHANGE_BAD_ANSWER },
	{ "r=" BOTH ",c=biws,p=" PROOF, EXCHANGE_BAD_ANSWER },
	{ "c=biws,r=" BOTH ",p="
	  "dHzb",
	    EXCHANGE_BAD_ANSWER },
	{ "c=biws,r=" BOTH ",p=", EXCHANGE_BAD_ANSWER },
	{ "c=biws,r=" BOTH ",,p=" PROOF, EXCHANGE_BAD_ANSWER },
	{ "c=biws,r=" BOTH, EXCHANGE_BAD_ANSWER },
	{ "c=biws,r=" BOTH ",", EXCHANGE_BAD_ANSWER },
	{ "c=biws", EXCHANGE_BAD_ANSWER },
	{ "", EXCHANGE_BAD_ANSWER },
};

START_TEST(scram_server_reads_the_final)
{
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets(span_of(CLIENT_FIRST)), EXCHANGE_MORE);
	ck_assert_int_eq(server_gets(span_of(final_vectors[_i].message)), final_vectors[_i].status);
	if (final_vectors[_i].status != EXCHANGE_MORE)
		expect_span(buf_span(&out), "");
}
END_TEST

/* Somebody who knows the password signs another gs2-header or nonce than was agreed on. */
START_TEST(scram_server_wants_what_was_agreed_on)
{
	static const struct {
		const char *bare; /* client-final-message-without-proof */
		enum exchange_result status;
	} finals[] = {
		{ "c=biws,r=" BOTH, EXCHANGE_MORE },
		{ "c=biws,r=" BOTH ",x=extension", EXCHANGE_MORE },
		{ "c=eSws,r=" BOTH, EXCHANGE_DENIED },
		{ "c=,r=" BOTH, EXCHANGE_DENIED },
		{ "c=biws,r=" BOTH "x", EXCHANGE_DENIED },
		{ "c=biws,r=" CLIENT_NONCE, EXCHANGE_DENIED },
		{ "c=biws,r=x" CLIENT_NONCE, EXCHANGE_DENIED },
		{ "c=biws,r=" CLIENT_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k1", EXCHANGE_DENIED },
	};

	for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); i++) {
		struct scram_keys keys;
		struct buf signed_text, message;
		uint8_t proof[SHA256_SIZE];

		begin_server(SASL_SCRAM_SHA_256);
		ck_assert_int_eq(server_gets(span_of(CLIENT_FIRST)), EXCHANGE_MORE);
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
	ck_assert_int_eq(server_gets(span_of(CLIENT_FIRST)), EXCHANGE_MORE);
	ck_assert_int_eq(server_gets(span_of(CLIENT_FINAL)), EXCHANGE_MORE);
	ck_assert_int_eq(server_gets(span_of("x")), EXCHANGE_BAD_ANSWER);
}
END_TEST

/* The longest that is taken, and a byte more. */
START_TEST(bounds_messages)
{
	char message[SASL_MESSAGE + 1];

	memset(message, 'x', sizeof(message));
	memcpy(message, "n,,n=user,r=", 12);
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets((struct span){ message, SASL_MESSAGE }), EXCHANGE_MORE);
	begin_server(SASL_SCRAM_SHA_256);
	ck_assert_int_eq(server_gets((struct span){ message, SASL_MESSAGE + 1 }), EXCHANGE_BAD_BASE64);
}
END_TEST

#define ROWS(vectors) (int)(sizeof(vectors) / sizeof((vectors)[0]))

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, knows_mechanisms);
	tcase_add_test(t, nonce_is_printable);
	tcase_add_test(t, cancelled_and_malformed);
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
