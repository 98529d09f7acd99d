#include "unit.h"

#include "hash.h"

static void
expect_hex(const uint8_t *bytes, size_t n, const char *expected)
{
	char hex[2 * SHA256_SIZE + 1];

	hash_hex(bytes, n, hex);
	ck_assert_str_eq(hex, expected);
}

/* A byte so many times. */
static char *
repeat(char c, size_t n)
{
	char *bytes = malloc(n);

	ck_assert_ptr_nonnull(bytes);
	memset(bytes, c, n);
	return bytes;
}

/* FIPS 180-4's examples, and the ends of a block. */
static const struct {
	const char *text, *digest;
} sha256_vectors[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmn"
	  "opq"
	  "rstnopqrstu",
	    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
};

START_TEST(sha256_of_the_standard)
{
	uint8_t digest[SHA256_SIZE];
	struct span s = guarded_span(span_of(sha256_vectors[_i].text));

	sha256(s.at, s.n, digest);
	expect_hex(digest, SHA256_SIZE, sha256_vectors[_i].digest);
}
END_TEST

START_TEST(sha256_of_a_million)
{
	static const size_t steps[] = { 1, 63, 64, 65, 1000000 };
	char *bytes = repeat('a', 1000000);
	uint8_t digest[SHA256_SIZE];

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct span rest = { bytes, 1000000 };
		struct sha256 s;

		sha256_init(&s);
		for (; rest.n > 0; rest = span_slice(rest, steps[i], rest.n)) {
			struct span part = span_slice(rest, 0, steps[i]);
			sha256_add(&s, part.at, part.n);
		}
		sha256_end(&s, digest);
		expect_hex(
		    digest, SHA256_SIZE, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	}
	free(bytes);
}
END_TEST

/* Every length around a block's end, cut at every place. */
START_TEST(sha256_in_two_parts)
{
	char text[150];
	uint8_t whole[SHA256_SIZE], parts[SHA256_SIZE];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7);
	for (size_t n = 0; n <= sizeof(text); n++)
		for (size_t cut = 0; cut <= n; cut++) {
			struct sha256 s;

			sha256(text, n, whole);
			sha256_init(&s);
			sha256_add(&s, text, cut);
			sha256_add(&s, text + cut, n - cut);
			sha256_end(&s, parts);
			ck_assert(hash_equal(whole, parts, SHA256_SIZE));
		}
}
END_TEST

/* RFC 4231. A text that is given as a count is that many of one byte. */
static const struct {
	int key_n;
	const char *key;
	int text_n;
	const char *text, *mac;
	size_t mac_n;
} hmac_vectors[] = {
	{ 20, "\x0b", 0, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 32 },
	{ 0, "Jefe", 0, "what do ya want for nothing?",
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 32 },
	{ 20, "\xaa", 50, "\xdd", "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", 32 },
	{ 0, "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31", 50, "\xcd",
	    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b", 32 },
	{ 20, "\x0c", 0, "Test With Truncation", "a3b6167473100ee06e0c796c2955552b", 16 },
	{ 131, "\xaa", 0, "Test Using Larger Than Block-Size Key - Hash Key First",
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 32 },
	{ 131, "\xaa", 0,
	    "This is a test using a larger than block-size key and a larger than block-size data. The key "
	    "needs to "
	    "be hashed before being used by the HMAC algorithm.",
	    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2", 32 },
};

static struct span
expand(int count, const char *text)
{
	if (count == 0)
		return guarded_span(span_of(text));
	char *bytes = repeat(*text, (size_t)count);
	struct span s = guarded_span((struct span){ bytes, (size_t)count });
	free(bytes);
	return s;
}

START_TEST(hmac_of_the_rfc)
{
	struct span key = expand(hmac_vectors[_i].key_n, hmac_vectors[_i].key);
	struct span text = expand(hmac_vectors[_i].text_n, hmac_vectors[_i].text);
	uint8_t mac[SHA256_SIZE];

	hmac_sha256(key.at, key.n, text.at, text.n, mac);
	expect_hex(mac, hmac_vectors[_i].mac_n, hmac_vectors[_i].mac);
}
END_TEST

/* RFC 7914 11, the first block. */
START_TEST(pbkdf2_of_the_rfc)
{
	uint8_t key[SHA256_SIZE];

	pbkdf2_sha256("passwd", 6, "salt", 4, 1, key);
	expect_hex(key, SHA256_SIZE, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
	pbkdf2_sha256("Password", 8, "NaCl", 4, 80000, key);
	expect_hex(key, SHA256_SIZE, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}
END_TEST

/* RFC 1321 A.5 */
static const struct {
	const char *text, *digest;
} md5_vectors[] = {
	{ "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ "a", "0cc175b9c0f1b6a831c399e269772661" },
	{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
	{ "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
	    "d174ab98d277d9f5a5611c2c9f419d9f" },
	{ "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
	    "57edf4a22be3c955ac49da2e2107b67a" },
};

START_TEST(md5_of_the_rfc)
{
	struct span s = guarded_span(span_of(md5_vectors[_i].text));
	uint8_t digest[MD5_SIZE];

	for (size_t cut = 0; cut <= s.n; cut++) {
		md5(s.at, cut, s.at + cut, s.n - cut, digest);
		expect_hex(digest, MD5_SIZE, md5_vectors[_i].digest);
	}
}
END_TEST

static uint32_t
adler32_by_definition(const uint8_t *p, size_t n)
{
	uint32_t a = 1, b = 0;

	for (size_t i = 0; i < n; i++) {
		a = (a + p[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

START_TEST(adler32_is_what_it_should)
{
	enum { SIZE = 300000, SMALL = 300 };
	char *bytes = repeat('\xff', SIZE);

	ck_assert_uint_eq(adler32(1, NULL, 0), 1);
	ck_assert_uint_eq(adler32(1, "Wikipedia", 9), 0x11e60398);
	/* The greatest sums there are: more than one run, and a rest. */
	for (size_t n = SIZE - 20; n < SIZE; n++)
		ck_assert_uint_eq(adler32(1, bytes, n), adler32_by_definition((uint8_t *)bytes, n));
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * i >> 3);
	for (size_t n = 0; n < SMALL; n++) {
		char *copy = guarded(bytes, n);
		ck_assert_uint_eq(adler32(1, copy, n), adler32_by_definition((uint8_t *)bytes, n));
		unguard(copy, n);
	}
	free(bytes);
}
END_TEST

START_TEST(adler32_goes_on_and_combines)
{
	enum { SIZE = 200000 };
	uint8_t *bytes = malloc(SIZE);

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(255 - i % 251);
	uint32_t whole = adler32_by_definition(bytes, SIZE);
	for (size_t cut = 0; cut <= SIZE; cut += 977) {
		uint32_t first = adler32(1, bytes, cut);

		ck_assert_uint_eq(adler32(first, bytes + cut, SIZE - cut), whole);
		ck_assert_uint_eq(
		    adler32_combine(first, adler32(1, bytes + cut, SIZE - cut), SIZE - cut), whole);
	}
	ck_assert_uint_eq(adler32_combine(whole, 1, 0), whole);
	ck_assert_uint_eq(adler32_combine(1, whole, SIZE), whole);
	/* 2^32 zero bytes leave the first sum alone, and add it as often to the second. */
	uint64_t zeros = (UINT64_C(1) << 32) % 65521;
	uint32_t tail = (uint32_t)zeros << 16 | 1;
	ck_assert_uint_eq(adler32_combine(0x11e60398, tail, UINT64_C(1) << 32),
	    (uint32_t)((0x11e6 + zeros * 0x0398) % 65521) << 16 | 0x0398);
	free(bytes);
}
END_TEST

START_TEST(compares_every_byte)
{
	uint8_t a[40] = { 0 }, b[40] = { 0 };

	ck_assert(hash_equal(a, b, sizeof(a)));
	ck_assert(hash_equal(NULL, NULL, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] = 0x80;
		ck_assert(!hash_equal(a, b, sizeof(a)));
		ck_assert(hash_equal(a, b, i));
		b[i] = 0;
	}
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_loop_test(t, sha256_of_the_standard, 0, sizeof(sha256_vectors) / sizeof(sha256_vectors[0]));
	tcase_add_test(t, sha256_of_a_million);
	tcase_add_test(t, sha256_in_two_parts);
	tcase_add_loop_test(t, hmac_of_the_rfc, 0, sizeof(hmac_vectors) / sizeof(hmac_vectors[0]));
	tcase_add_test(t, pbkdf2_of_the_rfc);
	tcase_add_loop_test(t, md5_of_the_rfc, 0, sizeof(md5_vectors) / sizeof(md5_vectors[0]));
	tcase_add_test(t, adler32_is_what_it_should);
	tcase_add_test(t, adler32_goes_on_and_combines);
	tcase_add_test(t, compares_every_byte);
}

int
main(void)
{
	return run_suite("hash", add);
}
