#include "unit.h"

#include "codec.h"
#include "credential.h"

static const uint8_t salt[16] = "0123456789abcdef";

/* The salt is RFC 7677's, the password "pencil". */
#define SALT   "W22ZaJ0SNY7soEsUEjb6gQ=="
#define STORED "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
#define SERVER "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define PENCIL "{SCRAM-SHA-256}4096," SALT "," STORED "," SERVER

static int
parse(const char *text, struct credential *c)
{
	struct span s = guarded_span(span_of(text));
	int result = credential_parse(s, c);

	unguard((char *)(uintptr_t)s.at, s.n);
	return result;
}

START_TEST(reads_a_verifier)
{
	struct credential c;

	ck_assert_int_eq(parse(PENCIL, &c), 0);
	ck_assert_int_eq(c.kind, CREDENTIAL_SCRAM);
	ck_assert_uint_eq(c.iterations, 4096);
	ck_assert_uint_eq(c.salt_n, 16);
	ck_assert(credential_verify(&c, span_of("pencil")));
	ck_assert(!credential_verify(&c, span_of("pencil ")));
	ck_assert(!credential_verify(&c, span_of("Pencil")));
	ck_assert(!credential_verify(&c, span_of("")));
	ck_assert(!credential_verify_apop(&c, span_of("<x>"), span_of("d41d8cd98f00b204e9800998ecf8427e")));
}
END_TEST

/* The same salt, password and count make the same text. */
START_TEST(makes_that_verifier)
{
	struct credential c;
	struct buf text;

	ck_assert_int_eq(parse(PENCIL, &c), 0);
	buf_init(&text, 300);
	buf_add_string(&text, "user:");
	ck_assert_int_eq(credential_make(span_of("pencil"), c.salt, c.salt_n, 4096, &text), 0);
	expect_span(buf_span(&text), "user:" PENCIL);
	for (size_t max = 5; max < sizeof("user:" PENCIL) - 1; max++) {
		buf_cut(&text, 5);
		text.max = max;
		ck_assert_int_eq(credential_make(span_of("x"), c.salt, c.salt_n, 4096, &text), -1);
		expect_span(buf_span(&text), "user:");
	}
	buf_free(&text);
}
END_TEST

START_TEST(refuses_what_is_malformed)
{
	static const char *const bad[] = { "", "pencil", "{SCRAM-SHA-256}", "{PLAIN}", "{PLAIN",
		"{CRAM-MD5}x", "{SCRAM-SHA-1}4096," SALT "," STORED "," SERVER,
		"{SCRAM-SHA-256}4095," SALT "," STORED "," SERVER,
		"{SCRAM-SHA-256}10000001," SALT "," STORED "," SERVER,
		"{SCRAM-SHA-256}-4096," SALT "," STORED "," SERVER, "{SCRAM-SHA-256}4096,," STORED "," SERVER,
		"{SCRAM-SHA-256}4096," SALT "," STORED, "{SCRAM-SHA-256}4096," SALT "," STORED ",",
		"{SCRAM-SHA-256}4096," SALT "," SALT "," SERVER, PENCIL ",", PENCIL " ", " " PENCIL,
		"{SCRAM-SHA-256}4096," SALT "x," STORED "," SERVER, "{PLAIN}a\rb", "{PLAIN}a\nb" };
	struct credential c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(parse(bad[i], &c) == -1, "%s was taken", bad[i]);
		ck_assert_int_eq(c.kind, CREDENTIAL_NONE);
		ck_assert(!credential_verify(&c, span_of("pencil")));
	}
}
END_TEST

/* Cut anywhere it is malformed, and read no further. */
START_TEST(refuses_every_beginning)
{
	struct credential c;

	for (size_t n = 0; n < sizeof(PENCIL) - 1; n++) {
		char *copy = guarded(PENCIL, n);
		ck_assert_int_eq(credential_parse((struct span){ copy, n }, &c), -1);
		unguard(copy, n);
	}
}
END_TEST

START_TEST(bounds_the_salt)
{
	uint8_t long_salt[CREDENTIAL_SALT + 1] = { 1 };
	struct credential c;
	struct buf text;

	buf_init(&text, 1000);
	ck_assert_int_eq(credential_make(span_of("x"), long_salt, CREDENTIAL_SALT + 1, 4096, &text), -1);
	ck_assert_int_eq(credential_make(span_of("x"), long_salt, 0, 4096, &text), -1);
	ck_assert_int_eq(credential_make(span_of("x"), long_salt, CREDENTIAL_SALT, 4095, &text), -1);
	ck_assert_int_eq(credential_make(span_of("x"), long_salt, CREDENTIAL_SALT, 4096, &text), 0);
	ck_assert_int_eq(credential_parse(buf_span(&text), &c), 0);
	ck_assert_uint_eq(c.salt_n, CREDENTIAL_SALT);
	ck_assert(credential_verify(&c, span_of("x")));

	buf_clear(&text);
	buf_add_string(&text, "{SCRAM-SHA-256}4096,");
	base64_encode((struct span){ (const char *)long_salt, sizeof(long_salt) }, &text);
	buf_add_string(&text, "," STORED "," SERVER);
	ck_assert_int_eq(credential_parse(buf_span(&text), &c), -1);
	buf_free(&text);
}
END_TEST

START_TEST(bounds_the_password)
{
	char longest[CREDENTIAL_PASSWORD + 1];
	struct buf text;

	memset(longest, 'p', sizeof(longest));
	buf_init(&text, 1000);
	ck_assert(credential_password_valid((struct span){ longest, CREDENTIAL_PASSWORD }));
	ck_assert(!credential_password_valid((struct span){ longest, CREDENTIAL_PASSWORD + 1 }));
	ck_assert(!credential_password_valid(span_of("")));
	ck_assert(!credential_password_valid((struct span){ "a\0b", 3 }));
	ck_assert(!credential_password_valid(span_of("a\r")));
	ck_assert(!credential_password_valid(span_of("\na")));
	ck_assert(credential_password_valid(span_of(" \xc3\xa4\xff:,{}")));
	ck_assert_int_eq(credential_make((struct span){ "a\0b", 3 }, salt, 16, 4096, &text), -1);
	buf_add_string(&text, "{PLAIN}");
	buf_add(&text, longest, CREDENTIAL_PASSWORD);
	struct credential c;
	ck_assert_int_eq(credential_parse(buf_span(&text), &c), 0);
	ck_assert(credential_verify(&c, (struct span){ longest, CREDENTIAL_PASSWORD }));
	buf_add_char(&text, 'p');
	ck_assert_int_eq(credential_parse(buf_span(&text), &c), -1);
	buf_free(&text);
}
END_TEST

START_TEST(reads_plain)
{
	struct credential c;

	ck_assert_int_eq(parse("{plain}tan:staaf, {x} ", &c), 0);
	ck_assert_int_eq(c.kind, CREDENTIAL_PLAIN);
	ck_assert(credential_verify(&c, span_of("tan:staaf, {x} ")));
	ck_assert(!credential_verify(&c, span_of("tan:staaf, {x}")));
	ck_assert(!credential_verify(&c, span_of("")));
	ck_assert(credential_is_plain(span_of("{Plain}x")));
	ck_assert(!credential_is_plain(span_of(PENCIL)));
	ck_assert(!credential_is_plain(span_of("{PLAI")));
}
END_TEST

/* RFC 1939 7 */
START_TEST(verifies_apop)
{
	struct span banner = span_of("<1896.697170952@dbc.mtview.ca.us>");
	struct credential c;

	ck_assert_int_eq(parse("{PLAIN}tanstaaf", &c), 0);
	ck_assert(
	    credential_verify_apop(&c, banner, guarded_span(span_of("c4c9334bac560ecc979e58001b3e22fb"))));
	ck_assert(
	    !credential_verify_apop(&c, banner, guarded_span(span_of("c4c9334bac560ecc979e58001b3e22fc"))));
	ck_assert(
	    !credential_verify_apop(&c, banner, guarded_span(span_of("c4c9334bac560ecc979e58001b3e22f"))));
	ck_assert(!credential_verify_apop(&c, banner, span_of("C4C9334BAC560ECC979E58001B3E22FB")));
	ck_assert(!credential_verify_apop(&c, span_of("<x@y>"), span_of("c4c9334bac560ecc979e58001b3e22fb")));
	credential_decoy(span_of("mrose"), span_of("secret"), &c);
	ck_assert(!credential_verify_apop(&c, span_of(""), span_of("d41d8cd98f00b204e9800998ecf8427e")));
}
END_TEST

START_TEST(makes_the_same_keys_of_plain)
{
	struct credential scram, plain;
	struct scram_keys keys[2];

	ck_assert_int_eq(parse(PENCIL, &scram), 0);
	ck_assert_int_eq(parse("{PLAIN}pencil", &plain), 0);
	memcpy(plain.salt, scram.salt, scram.salt_n);
	plain.salt_n = scram.salt_n;
	credential_scram_keys(&scram, &keys[0]);
	credential_scram_keys(&plain, &keys[1]);
	ck_assert(hash_equal(keys[0].stored, keys[1].stored, SHA256_SIZE));
	ck_assert(hash_equal(keys[0].server, keys[1].server, SHA256_SIZE));
	ck_assert(hash_equal(keys[0].stored, scram.keys.stored, SHA256_SIZE));
}
END_TEST

START_TEST(decoys_are_stable_and_match_nothing)
{
	struct credential a, again, other, elsewhere, plain;

	credential_decoy(span_of("nobody"), span_of("secret"), &a);
	credential_decoy(span_of("nobody"), span_of("secret"), &again);
	credential_decoy(span_of("somebody"), span_of("secret"), &other);
	credential_decoy(span_of("nobody"), span_of("another"), &elsewhere);
	ck_assert_int_eq(a.kind, CREDENTIAL_NONE);
	ck_assert_uint_eq(a.iterations, 4096);
	ck_assert_uint_eq(a.salt_n, CREDENTIAL_SALT_WRITTEN);
	ck_assert_mem_eq(a.salt, again.salt, a.salt_n);
	ck_assert_mem_ne(a.salt, other.salt, a.salt_n);
	ck_assert_mem_ne(a.salt, elsewhere.salt, a.salt_n);
	ck_assert(!credential_verify(&a, span_of("")));
	ck_assert(!credential_verify(&a, span_of("secret")));
	/* A {PLAIN} user's is made alike. */
	ck_assert_int_eq(parse("{PLAIN}x", &plain), 0);
	ck_assert_uint_eq(plain.salt_n, 0);
	credential_salt(&plain, span_of("nobody"), span_of("secret"));
	ck_assert_uint_eq(plain.salt_n, a.salt_n);
	ck_assert_mem_eq(plain.salt, a.salt, a.salt_n);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, reads_a_verifier);
	tcase_add_test(t, makes_that_verifier);
	tcase_add_test(t, refuses_what_is_malformed);
	tcase_add_test(t, refuses_every_beginning);
	tcase_add_test(t, bounds_the_salt);
	tcase_add_test(t, bounds_the_password);
	tcase_add_test(t, reads_plain);
	tcase_add_test(t, verifies_apop);
	tcase_add_test(t, makes_the_same_keys_of_plain);
	tcase_add_test(t, decoys_are_stable_and_match_nothing);
}

int
main(void)
{
	return run_suite("credential", add);
}
