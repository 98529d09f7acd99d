#include "prefix.h"
#include "hash.h"
#include "unit.h"

#define FROM "From anna@example.org Tue Nov 24 05:31:18 2026\n"

static const char rest[] = "Subject: x\n\nbody\n\n";

/* From_ line and entry line of a message that ends in `rest`. */
static struct buf
sealed(void)
{
	struct mbox_entry entry = { .uidl = "idJ1", .wire = 7 };
	struct buf out;

	buf_init(&out, 1000);
	buf_add_string(&out, FROM);
	ck_assert_int_eq(mbox_entry_write(&entry, strlen(rest), adler32(1, rest, strlen(rest)), &out), 0);
	ck_assert_uint_eq(entry.stored, out.len + strlen(rest));
	return out;
}

static bool
fits(const struct prefix *p)
{
	return prefix_fits(p, strlen(rest), adler32(1, rest, strlen(rest)));
}

START_TEST(reads_its_two_lines)
{
	struct buf both = sealed();
	struct prefix p;

	for (size_t n = 0; n <= both.len; n++) {
		struct span cut = guarded_span((struct span){ both.data, n });
		ck_assert(prefix_read(cut, &p) == (n == both.len));
		unguard((char *)(uintptr_t)cut.at, n);
	}
	ck_assert(fits(&p) && !p.changed);
	ck_assert_str_eq(p.entry.uidl, "idJ1");
	ck_assert_uint_eq(p.from, strlen(FROM));
	ck_assert_uint_eq(p.length, both.len);
	ck_assert_uint_eq(p.raw, both.len);
	ck_assert(!prefix_fits(&p, strlen(rest), 1));
	ck_assert(!prefix_fits(&p, strlen(rest) - 1, adler32(1, rest, strlen(rest) - 1)));
	ck_assert(!prefix_read(span_of("From a\nSubject: x\n\n"), &p));
	ck_assert(!prefix_read(span_of("X-UIDL: a 1 2 00000000\nX-UIDL: a 1 2 00000000\n"), &p));
	buf_free(&both);
}
END_TEST

START_TEST(reads_through_crs_and_nuls)
{
	struct buf both = sealed(), bad;
	struct prefix p;

	buf_init(&bad, 1000);
	for (size_t i = 0; i < both.len; i++) {
		if (both.data[i] == '\n')
			buf_add_char(&bad, '\r');
		if (i % 7 == 0)
			buf_add_char(&bad, '\0');
		buf_add_char(&bad, both.data[i]);
	}
	ck_assert(prefix_read(buf_span(&bad), &p));
	ck_assert(fits(&p) && p.changed);
	ck_assert_uint_eq(p.raw, bad.len);
	ck_assert_uint_eq(p.length, both.len);
	ck_assert_int_eq(memcmp(p.text, both.data, both.len), 0);
	buf_free(&bad);
	buf_free(&both);
}
END_TEST

/* What is too long for one of ours is not read past the end of its room. */
START_TEST(bounds_its_lines)
{
	struct prefix p;
	char text[3 * MBOX_PREFIX];

	memset(text, 'a', sizeof(text));
	memcpy(text, "From ", 5);
	text[sizeof(text) - 1] = '\n';
	ck_assert(!prefix_read((struct span){ text, sizeof(text) }, &p));
	text[MBOX_PREFIX - 1] = '\n';
	ck_assert(!prefix_read((struct span){ text, sizeof(text) }, &p));
}
END_TEST

START_TEST(finds_the_flipped_bit)
{
	struct buf both = sealed();
	struct prefix p;

	for (size_t bit = 0; bit < both.len * 8; bit++) {
		both.data[bit / 8] ^= (char)(1 << bit % 8);
		size_t at = 0;
		bool found = false;
		bool whole = prefix_read(buf_span(&both), &p) && !p.changed;
		ck_assert(whole || prefix_suspect(buf_span(&both)));
		while (!found && prefix_flip(buf_span(&both), &at, &p))
			found = fits(&p);
		ck_assert_msg(found, "bit %zu", bit);
		both.data[bit / 8] ^= (char)(1 << bit % 8);
		ck_assert_int_eq(memcmp(p.text, both.data, both.len), 0);
	}
	ck_assert(!prefix_suspect(span_of("From a\nSubject: x\nX-UID: 7\n\nUIDL")));
	buf_free(&both);
}
END_TEST

START_TEST(tells_lines_of_mail_from_text)
{
	ck_assert(prefix_is_dated(span_of(FROM)));
	ck_assert(prefix_is_dated(span_of("From a@b Tue Nov 24 05:31 +0100 1999")));
	ck_assert(!prefix_is_dated(span_of("From here to there")));
	ck_assert(!prefix_is_dated(span_of("From 2026 on")));
	ck_assert(!prefix_is_dated(span_of("From 10:30")));
	ck_assert(prefix_is_field(span_of("Subject: x")));
	ck_assert(!prefix_is_field(span_of(": x")));
	ck_assert(!prefix_is_field(span_of("a b: x")));
	ck_assert(!prefix_is_field(span_of("word")));
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, reads_its_two_lines);
	tcase_add_test(t, reads_through_crs_and_nuls);
	tcase_add_test(t, bounds_its_lines);
	tcase_add_test(t, finds_the_flipped_bit);
	tcase_add_test(t, tells_lines_of_mail_from_text);
}

int
main(void)
{
	return run_suite("prefix", add);
}
