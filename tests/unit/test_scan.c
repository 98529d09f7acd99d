#include "unit.h"

#include "scan.h"

/* Through one message, with at most `step` new bytes a time, as a reader of a file does it. Returns where the next begins. */
static size_t
scan_in_steps(struct span file, size_t step, struct scan *scan)
{
	size_t at = 0, end = 0, used;

	scan_init(scan, SCAN_FROM);
	for (;;) {
		end = end + step < file.n ? end + step : file.n;
		enum scan_result result = scan_push(scan, file.at + at, end - at, end == file.n, &used);
		at += used;
		if (result == SCAN_NEXT || end == file.n)
			return at;
		ck_assert_uint_lt(end - at, SCAN_LOOK);
	}
}

static const struct {
	const char *file;
	size_t next; /* where the next message begins */
	uint64_t wire;
	unsigned separator;
} messages[] = {
	/* The header, an empty line, the body, the separator. */
	{ "From a\nSubject: x\n\nbody\n\nFrom b\n", 25, 12 + 2 + 6, 1 },
	{ "From a\r\nSubject: x\r\n\r\nbody\r\n\r\nFrom b\n", 30, 12 + 2 + 6, 2 },
	/* No separator: the text goes on. */
	{ "From a\nSubject: x\n\nbody\nFrom b\n", 31, 12 + 2 + 6 + 8, 0 },
	{ "From a\nS: x\n\n>From b\n\n", 22, 6 + 2 + 8, 1 },
	{ "From a\nS: x\n\n>>From b\n>\n", 24, 6 + 2 + 9 + 3, 0 },
	{ "From a\nS: x\n", 12, 6, 0 },
	{ "From a\nS: x", 11, 6, 0 },
	{ "From a\nS: x\r", 12, 6, 0 },
	{ "From a\n\nFrom b\n", 8, 0, 1 },
	{ "From a\n", 7, 0, 0 },
};

START_TEST(finds_the_end_at_every_cut)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct span file = guarded_span(span_of(messages[i].file));
		for (size_t step = 1; step <= file.n; step++) {
			struct scan scan;
			ck_assert_uint_eq(scan_in_steps(file, step, &scan), messages[i].next);
			ck_assert_uint_eq(scan.stored, messages[i].next);
			ck_assert_msg(scan_wire(&scan) == messages[i].wire, "%zu: %llu", i,
			    (unsigned long long)scan_wire(&scan));
			ck_assert_uint_eq(scan_separator(&scan), messages[i].separator);
		}
	}
}
END_TEST

/* What is counted is what mbox_to_wire makes of it. */
START_TEST(counts_what_is_sent)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct span file = span_of(messages[i].file);
		struct mbox_wire w = { .stuff = false };
		struct scan scan;
		struct buf out;
		size_t end = scan_in_steps(file, file.n, &scan);
		buf_init(&out, 1000);
		mbox_to_wire(&w, span_slice(file, (size_t)scan.from, end - scan_separator(&scan)), &out);
		mbox_to_wire_end(&w, &out);
		ck_assert_uint_eq(out.len, scan_wire(&scan));
		buf_free(&out);
	}
}
END_TEST

static void
uidl_of(const char *file, char *uidl)
{
	struct scan scan;

	scan_in_steps(span_of(file), strlen(file), &scan);
	scan_uidl(&scan, uidl);
}

START_TEST(knows_a_message_again)
{
	char before[MBOX_UIDL + 1], after[MBOX_UIDL + 1];

	uidl_of("From a\nSubject: x\nTo: b\n\nbody\n\n", before);
	ck_assert_uint_eq(strlen(before), 26);
	uidl_of("From a\nSubject: x\nSTATUS: RO\nX-Keywords: a\n b\n c\nTo: b\nLines: 3\n\nbody!\n\n", after);
	ck_assert_str_eq(before, after);
	uidl_of("From a\nSubject: x\nTo: b\nX-IMAPbase: 17 3\nX-UID: 1   \nStatus: O\n\nbody\n\n", after);
	ck_assert_str_eq(before, after);
	uidl_of("From a\nX-IMAP: 17 3\nSubject: x\nTo: b\n\nbody\n\n", after);
	ck_assert_str_eq(before, after);
	uidl_of("From a\nSubject: y\nTo: b\n\nbody\n\n", after);
	ck_assert_str_ne(before, after);
	uidl_of("From b\nSubject: x\nTo: b\n\nbody\n\n", after);
	ck_assert_str_ne(before, after);
	uidl_of("From a\nSubject: x\nTo: b\nStatus-Of: x\n\nbody\n\n", after);
	ck_assert_str_ne(before, after);
	/* The line ends that are added before the next message change nothing. */
	uidl_of("From a\nSubject: x\nTo: b", after);
	ck_assert_str_eq(before, after);
	uidl_of("From a\nSubject: x\nTo: b\nStatus: R", after);
	ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(notes_readers_marks_and_nuls)
{
	struct scan scan;
	static const char nul[] = "From a\nS: x\n\na\0b\n";

	scan_in_steps(span_of("From a\nS: x\nStatus: R\n\n"), 100, &scan);
	ck_assert(scan.read_mark && !scan.nul);
	scan_in_steps(span_of("From a\nLines: 4\n\nStatus: R\n"), 100, &scan);
	ck_assert(!scan.read_mark);
	scan_in_steps((struct span){ nul, sizeof(nul) - 1 }, 100, &scan);
	ck_assert(scan.nul);
}
END_TEST

START_TEST(takes_long_lines)
{
	size_t n = 100000;
	char *file = malloc(n);
	struct scan scan;

	ck_assert_ptr_nonnull(file);
	memset(file, 'x', n);
	memcpy(file, "From a\nS: x\n\n", 13);
	memcpy(file + n - 9, "\n\nFrom b\n", 9);
	for (size_t step = 1000; step <= n; step += 7777) {
		ck_assert_uint_eq(scan_in_steps((struct span){ file, n }, step, &scan), n - 7);
		ck_assert_uint_eq(scan_wire(&scan), 6 + 2 + (n - 9 - 13) + 2);
	}
	free(file);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, finds_the_end_at_every_cut);
	tcase_add_test(t, counts_what_is_sent);
	tcase_add_test(t, knows_a_message_again);
	tcase_add_test(t, notes_readers_marks_and_nuls);
	tcase_add_test(t, takes_long_lines);
}

int
main(void)
{
	return run_suite("scan", add);
}
