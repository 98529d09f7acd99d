#include "unit.h"

#include "hash.h"
#include "mbox.h"

/* Content as it comes from the wire, and as it is stored. */
static const struct {
	const char *content, *stored;
} quotings[] = {
	{ "", "\n" },
	{ "a\r\n", "a\n\n" },
	{ "a", "a\n\n" },
	{ "From here\r\n", ">From here\n\n" },
	{ ">From here\r\n", ">>From here\n\n" },
	{ ">>>From here\r\nto\r\n", ">>>>From here\nto\n\n" },
	{ " From here\r\nFrom\r\nFrom", " From here\nFrom\nFrom\n\n" },
	{ "From ", ">From \n\n" },
	{ ">Fro\r\n>\r\n", ">Fro\n>\n\n" },
	{ "a\r\n>", "a\n>\n\n" },
	{ ">>Fro", ">>Fro\n\n" },
	{ "\r\n\r\nFrom x\r\n", "\n\n>From x\n\n" },
	{ "Fr\r\nFro\r\n>From\r\nFFrom x\r\n", "Fr\nFro\n>From\nFFrom x\n\n" },
	{ ".dot\r\n..\r\n", ".dot\n..\n\n" },
	{ "bare\rcr\r\n", "bare\rcr\n\n" },
};

static void
quote_in_steps(struct span content, size_t step, struct mbox_quoter *q, struct buf *out)
{
	mbox_quoter_init(q);
	for (size_t i = 0; i < content.n; i += step)
		ck_assert_int_eq(mbox_quote(q, span_slice(content, i, i + step), out), 0);
	ck_assert_int_eq(mbox_quote_end(q, out), 0);
}

static void
wire_in_steps(struct span stored, size_t step, bool stuff, struct buf *out)
{
	struct mbox_wire w = { .stuff = stuff };

	for (size_t i = 0; i < stored.n; i += step)
		ck_assert_int_eq(mbox_to_wire(&w, span_slice(stored, i, i + step), out), 0);
	ck_assert_int_eq(mbox_to_wire_end(&w, out), 0);
}

START_TEST(quotes_at_every_cut)
{
	for (size_t i = 0; i < sizeof(quotings) / sizeof(quotings[0]); i++) {
		struct span content = guarded_span(span_of(quotings[i].content));
		for (size_t step = 1; step <= content.n + 1; step++) {
			struct mbox_quoter q;
			struct buf out;
			buf_init(&out, 1000);
			quote_in_steps(content, step, &q, &out);
			expect_span(buf_span(&out), quotings[i].stored);
			ck_assert_uint_eq(q.stored, out.len);
			ck_assert_uint_eq(q.sum, adler32(1, out.data, out.len));
			buf_free(&out);
		}
	}
}
END_TEST

START_TEST(gives_back_what_was_quoted)
{
	for (size_t i = 0; i < sizeof(quotings) / sizeof(quotings[0]); i++) {
		struct span content = span_of(quotings[i].content);
		struct mbox_quoter q;
		struct buf stored, expected;
		buf_init(&stored, 1000);
		buf_init(&expected, 1000);
		quote_in_steps(content, 7, &q, &stored);
		buf_add_span(&expected, content);
		if (content.n > 0 && content.at[content.n - 1] != '\n')
			buf_add_string(&expected, "\r\n");
		ck_assert_uint_eq(q.wire, expected.len);
		/* Without the separator. */
		struct span text = guarded_span(span_slice(buf_span(&stored), 0, stored.len - 1));
		for (size_t step = 1; step <= text.n + 1; step++) {
			struct buf out;
			buf_init(&out, 1000);
			wire_in_steps(text, step, false, &out);
			expect_span(buf_span(&out), buf_string(&expected));
			buf_free(&out);
		}
		buf_free(&stored);
		buf_free(&expected);
	}
}
END_TEST

START_TEST(stuffs_dots_on_the_way_out)
{
	struct span text = guarded_span(span_of(".\n..a\nb.\n>From .\n>.\n\n.last"));

	for (size_t step = 1; step <= text.n; step++) {
		struct buf out;
		buf_init(&out, 1000);
		wire_in_steps(text, step, true, &out);
		expect_span(buf_span(&out), "..\r\n...a\r\nb.\r\nFrom .\r\n>.\r\n\r\n..last\r\n");
		buf_free(&out);
	}
}
END_TEST

START_TEST(reads_crlf_as_lf)
{
	struct span text = guarded_span(span_of("a\r\n\r\n>From b\r\nc\rd\r"));

	for (size_t step = 1; step <= text.n; step++) {
		struct buf out;
		buf_init(&out, 1000);
		wire_in_steps(text, step, false, &out);
		expect_span(buf_span(&out), "a\r\n\r\nFrom b\r\nc\rd\r\n");
		buf_free(&out);
	}
}
END_TEST

START_TEST(writes_from_lines)
{
	struct buf out;

	buf_init(&out, 1000);
	mbox_from_line("anna@example.org", 1795498278, &out);
	expect_span(buf_span(&out), "From anna@example.org Tue Nov 24 05:31:18 2026\n");
	buf_clear(&out);
	mbox_from_line("", 0, &out);
	expect_span(buf_span(&out), "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n");
	buf_clear(&out);
	mbox_from_line("\"a b\n\"@x", 0, &out);
	expect_span(buf_span(&out), "From \"a-b-\"@x Thu Jan  1 00:00:00 1970\n");
	buf_free(&out);
	ck_assert(mbox_is_from_line(span_of("From x")));
	ck_assert(!mbox_is_from_line(span_of("From:")));
	ck_assert(!mbox_is_from_line(span_of("From")));
}
END_TEST

START_TEST(reads_the_entry_line_it_writes)
{
	struct mbox_entry entry = { .uidl = "abc123", .stored = 5120, .wire = 5200 }, read;
	struct buf out;

	buf_init(&out, 1000);
	mbox_entry_begin(&entry, &out);
	mbox_entry_end(0x0badcafe, &out);
	expect_span(buf_span(&out), "X-UIDL: abc123 5120 5200 0badcafe\n");
	ck_assert(mbox_entry_parse(guarded_span(span_slice(buf_span(&out), 0, out.len - 1)), &read));
	ck_assert_str_eq(read.uidl, "abc123");
	ck_assert_uint_eq(read.stored, 5120);
	ck_assert_uint_eq(read.wire, 5200);
	ck_assert_uint_eq(read.sum, 0x0badcafe);
	buf_free(&out);
}
END_TEST

START_TEST(knows_others_entry_lines)
{
	static const char *const others[] = {
		"",
		"X-UIDL: ",
		"X-UIDL: abc",
		"X-UIDL: abc 1 2",
		"X-UIDL: abc 1 2 0badcafe ",
		"X-UIDL: abc 1 2 0badcafe0",
		"X-UIDL: abc 1 2 0BADCAFE",
		"X-UIDL: abc -1 2 0badcafe",
		"X-UIDL: abc 1 99999999999999999999 0badcafe",
		"X-UIDL:  1 2 0badcafe",
		"X-UIDL: a\001c 1 2 0badcafe",
		"X-UIDL: abcdefghijklmnopqrstuvwxyz0123456 1 2 0badcafe",
		"x-uidl: abc 1 2 0badcafe",
		"X-UIDL: ]YG\"!Q`E\"!,^!!4;_\"!",
	};
	struct mbox_entry entry;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!mbox_entry_parse(guarded_span(span_of(others[i])), &entry), "%s", others[i]);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, quotes_at_every_cut);
	tcase_add_test(t, gives_back_what_was_quoted);
	tcase_add_test(t, stuffs_dots_on_the_way_out);
	tcase_add_test(t, reads_crlf_as_lf);
	tcase_add_test(t, writes_from_lines);
	tcase_add_test(t, reads_the_entry_line_it_writes);
	tcase_add_test(t, knows_others_entry_lines);
}

int
main(void)
{
	return run_suite("mbox", add);
}
