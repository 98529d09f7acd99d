#include "store.h"

#include <stddef.h>

#include "hash.h"
#include "maildrop.h"
#include "redo.h"

enum { MESSAGES = 4, LARGE = 5 << 20 };

static struct buf all;		    /* the mailbox with all of them */
static size_t offset[MESSAGES + 1]; /* where each begins */

static void
setup(void)
{
	store_make(&store);
	for (int i = 0; i < MESSAGES; i++) {
		char id[10], text[2000];
		struct stat st;
		offset[i] = stat(store_file(&store, "mbox"), &st) == 0 ? (size_t)st.st_size : 0;
		snprintf(id, sizeof(id), "id%d", i);
		snprintf(text, sizeof(text), "Subject: %d\r\n\r\n%0*d\r\n", i, 10 + 50 * i, i);
		store_deliver_text(&store, id, text);
	}
	all = store_read(&store, "mbox");
	offset[MESSAGES] = all.len;
}

static void
teardown(void)
{
	buf_free(&all);
	store_remove(&store);
}

/* The mailbox without the messages whose bits are set. */
static struct buf
without(unsigned bits)
{
	struct buf out;

	buf_init(&out, all.len + 1000);
	for (size_t i = 0; i < MESSAGES; i++)
		if ((bits >> i & 1) == 0)
			buf_add(&out, all.data + offset[i], offset[i + 1] - offset[i]);
	return out;
}

START_TEST(expunges_any_of_them)
{
	for (unsigned bits = 0; bits < 1U << MESSAGES; bits++) {
		for (int indexed = 0; indexed < 2; indexed++) {
			struct buf expected = without(bits);
			store_write(&store, "mbox", buf_span(&all));
			if (!indexed)
				unlink(store_file(&store, "mbox.index"));
			ck_assert_int_eq(store_expunge(&store, bits), MAILDROP_OK);
			store_expect(&store, "mbox", buf_span(&expected));
			ck_assert(!store_has(&store, "mbox.redo") && !store_has(&store, "mbox.redo.new"));
			struct snapshot snapshot;
			store_open(&store, &snapshot);
			for (size_t i = 0, message = 0; i < MESSAGES; i++) {
				char id[10];
				snprintf(id, sizeof(id), "id%zu", i);
				if ((bits >> i & 1) == 0)
					ck_assert_str_eq(snapshot_uidl(&snapshot, message++), id);
			}
			snapshot_close(&snapshot);
			buf_free(&expected);
		}
	}
}
END_TEST

START_TEST(keeps_what_came_since)
{
	for (unsigned bits = 1; bits < 1U << MESSAGES; bits++) {
		struct snapshot snapshot;
		struct buf expected = without(bits);
		store_write(&store, "mbox", buf_span(&all));
		store_open(&store, &snapshot);
		/* From another process: this one's fcntl locks are the session's own. */
		store_append(&store, span_of("From x\nS: y\n\nforeign\n\n"));
		store_deliver_text(&store, "new", "Subject: new\r\n");
		struct buf now = store_read(&store, "mbox");
		ck_assert_int_eq(snapshot_expunge(&snapshot, store_bits, &bits), MAILDROP_OK);
		snapshot_close(&snapshot);
		buf_add(&expected, now.data + all.len, now.len - all.len);
		store_expect(&store, "mbox", buf_span(&expected));
		buf_free(&now);
		buf_free(&expected);
	}
}
END_TEST

START_TEST(deletes_nothing_when_the_mailbox_was_rewritten)
{
	unsigned bits = 2;
	struct snapshot snapshot;
	struct buf rewritten = without(1);

	store_open(&store, &snapshot);
	store_write(&store, "mbox", buf_span(&rewritten));
	ck_assert_int_eq(snapshot_expunge(&snapshot, store_bits, &bits), MAILDROP_CHANGED);
	snapshot_close(&snapshot);
	store_expect(&store, "mbox", buf_span(&rewritten));
	ck_assert(!store_has(&store, "mbox.lock"));
	buf_free(&rewritten);
}
END_TEST

/* The redo file as the store writes it; the fields of redo.c. */
struct plan {
	char magic[8];
	uint64_t inode, offset, old_size, kept, cut_sum;
	uint32_t sum, plan_sum;
};

static void
write_plan(unsigned bits, struct buf *kept)
{
	struct plan plan = { .magic = "LBREDO0" };
	struct stat st;
	struct buf file;
	size_t first = 0;

	while ((bits >> first & 1) == 0)
		first++;
	struct buf rest = without(bits | ((1U << first) - 1));
	ck_assert_int_eq(stat(store_file(&store, "mbox"), &st), 0);
	plan.magic[7] = '2';
	plan.inode = st.st_ino;
	plan.offset = offset[first];
	plan.old_size = all.len;
	plan.kept = rest.len;
	plan.sum = adler32(1, rest.data, rest.len);
	size_t end = offset[first] + rest.len;
	plan.cut_sum = adler32(1, all.data + end, all.len - end);
	plan.plan_sum = adler32(1, &plan, offsetof(struct plan, plan_sum));
	buf_init(&file, sizeof(plan) + rest.len);
	buf_add(&file, &plan, sizeof(plan));
	buf_add_span(&file, buf_span(&rest));
	store_write(&store, "mbox.redo", buf_span(&file));
	buf_free(&file);
	*kept = rest;
}

static const char foreign[] = "From x\nS: y\n\nforeign\n\n";

/* Every state of the table in redo.c, and each with mail that another program has appended to it. */
START_TEST(resumes_from_every_state)
{
	const unsigned bits = 2;
	struct buf expected = without(bits), with_foreign, kept;

	buf_init(&with_foreign, expected.len + 100);
	buf_add_span(&with_foreign, buf_span(&expected));
	buf_add_string(&with_foreign, foreign);
	for (int appended = 0; appended < 2; appended++) {
		struct buf *right = appended ? &with_foreign : &expected;
		/* copied: so many bytes of what is kept stand in their new places. */
		for (size_t copied = 0;; copied += 37) {
			unlink(store_file(&store, "mbox.index"));
			store_write(&store, "mbox", buf_span(&all));
			write_plan(bits, &kept);
			bool last = copied >= kept.len;
			struct buf mixed;
			buf_init(&mixed, all.len + 100);
			buf_add_span(&mixed, buf_span(&all));
			memcpy(mixed.data + offset[1], kept.data, last ? kept.len : copied);
			if (appended)
				buf_add_string(&mixed, foreign);
			store_write(&store, "mbox", buf_span(&mixed));
			maildrop_recover_all(store.root);
			store_expect(&store, "mbox", buf_span(right));
			ck_assert(!store_has(&store, "mbox.redo") && !store_has(&store, "mbox.redo.new"));
			buf_free(&mixed);
			buf_free(&kept);
			if (last)
				break;
		}
		/* Cut, the redo file not void yet. */
		store_write(&store, "mbox", buf_span(&all));
		write_plan(bits, &kept);
		store_write(&store, "mbox", buf_span(right));
		maildrop_recover_all(store.root);
		store_expect(&store, "mbox", buf_span(right));
		ck_assert(!store_has(&store, "mbox.redo"));
		buf_free(&kept);
	}
	buf_free(&expected);
	buf_free(&with_foreign);
}
END_TEST

/* The cut itself was under way: its first block is blank behind the new end, but the size was not durable. */
START_TEST(resumes_a_cut_that_left_only_blanks)
{
	const unsigned bits = 2 | 4;
	struct buf expected = without(bits), kept, blanked;

	for (size_t blank = 1; blank <= all.len - expected.len; blank++) {
		unlink(store_file(&store, "mbox.index"));
		store_write(&store, "mbox", buf_span(&all));
		write_plan(bits, &kept);
		buf_init(&blanked, all.len);
		buf_add_span(&blanked, buf_span(&all));
		memcpy(blanked.data + offset[1], kept.data, kept.len);
		memset(blanked.data + expected.len, '\0', blank);
		store_write(&store, "mbox", buf_span(&blanked));
		maildrop_recover_all(store.root);
		store_expect(&store, "mbox", buf_span(&expected));
		buf_free(&blanked);
		buf_free(&kept);
	}
	buf_free(&expected);
}
END_TEST

/* More than what was cut out was appended behind the cut: the file is as long as before, or longer. */
START_TEST(tells_a_long_append_from_an_expunge_to_be_done)
{
	struct buf right = without(2), kept;
	struct buf longer;

	write_plan(2, &kept);
	buf_init(&longer, 2 * all.len);
	buf_add_span(&longer, buf_span(&right));
	while (longer.len < all.len + 50)
		buf_add_string(&longer, foreign);
	store_write(&store, "mbox", buf_span(&longer));
	maildrop_recover_all(store.root);
	store_expect(&store, "mbox", buf_span(&longer));
	buf_free(&longer);
	buf_free(&kept);
	buf_free(&right);
}
END_TEST

START_TEST(ignores_a_plan_that_was_never_finished)
{
	struct buf kept;

	write_plan(2, &kept);
	struct buf plan = store_read(&store, "mbox.redo");
	for (size_t n = 0; n < plan.len; n += 11) {
		store_write(&store, "mbox.redo", (struct span){ plan.data, n });
		maildrop_recover_all(store.root);
		store_expect(&store, "mbox", buf_span(&all));
		ck_assert(!store_has(&store, "mbox.redo"));
	}
	for (size_t i = 0; i < plan.len; i += 13) {
		plan.data[i] ^= 4;
		store_write(&store, "mbox.redo", buf_span(&plan));
		plan.data[i] ^= 4;
		maildrop_recover_all(store.root);
		store_expect(&store, "mbox", buf_span(&all));
	}
	buf_free(&plan);
	buf_free(&kept);
}
END_TEST

START_TEST(puts_a_plan_aside_when_the_mailbox_was_rewritten)
{
	struct buf kept, rewritten = without(1 | 4);

	write_plan(2, &kept);
	store_write(&store, "mbox", buf_span(&rewritten));
	maildrop_recover_all(store.root);
	store_expect(&store, "mbox", buf_span(&rewritten));
	struct buf torn = store_read(&store, "mbox.torn");
	ck_assert_uint_eq(torn.len, kept.len + 1);
	ck_assert(!store_has(&store, "mbox.redo"));
	buf_free(&torn);
	buf_free(&kept);
	buf_free(&rewritten);
}
END_TEST

static off_t
size_of_mbox(void)
{
	struct stat st;

	ck_assert_int_eq(stat(store_file(&store, "mbox"), &st), 0);
	return st.st_size;
}

/* All of them, one of another program so large that nobody wants to move it, and all of them again. Returns the size. */
static off_t
put_large(void)
{
	static const char head[] = "From x\nSubject: large\n\n";

	unlink(store_file(&store, "mbox.index"));
	store_write(&store, "mbox", buf_span(&all));
	store_append(&store, span_of(head));
	ck_assert_int_eq(truncate(store_file(&store, "mbox"), (off_t)all.len + LARGE), 0);
	store_append(&store, span_of("\n\n"));
	store_append(&store, buf_span(&all));
	return size_of_mbox();
}

/* The message in the middle is number MESSAGES. */
START_TEST(buries_where_much_would_move)
{
	off_t size = put_large(), first = (off_t)offset[1];

	ck_assert_int_eq(store_expunge(&store, 2 << MESSAGES), MAILDROP_OK);
	ck_assert_int_eq(size_of_mbox(), size - first);
	ck_assert_int_eq(store_expunge(&store, 1 | 4), MAILDROP_OK);
	ck_assert_int_eq(size_of_mbox(), size - first);
	/* Now most of it goes. */
	ck_assert_int_eq(store_expunge(&store, 1 << (MESSAGES - 2)), MAILDROP_OK);
	off_t left = 2 * ((off_t)all.len - first) - (off_t)(offset[3] - offset[2]);
	ck_assert_int_eq(size_of_mbox(), left);
}
END_TEST

START_TEST(cuts_out_where_a_crash_tore)
{
	off_t size = put_large();

	store_append(&store,
	    span_of("From bob@example.org Tue Nov 24 05:31:18 2026\nX-UIDL: 1a 1230 53 b14f2233\n\n"));
	store_append(&store, buf_span(&all));
	ck_assert_int_eq(store_expunge(&store, 1), MAILDROP_OK);
	ck_assert_int_eq(size_of_mbox(), size + (off_t)(all.len - offset[1]));
	ck_assert(store_has(&store, "mbox.torn"));
}
END_TEST

/* Somebody died in the copying, and then the sync of the last message failed. */
START_TEST(takes_nothing_back_out_of_an_expunge)
{
	struct maildrop m;
	struct spool body;
	struct letter letter = { .id = "id3", .sender = "bob@example.org", .body = &body };
	struct buf kept;

	ck_assert_int_eq(truncate(store_file(&store, "mbox"), (off_t)offset[MESSAGES - 1]), 0);
	unlink(store_file(&store, "mbox.index"));
	spool_init(&body, store.root);
	ck_assert_int_eq(spool_finish(&body), 0);
	ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
	ck_assert_int_eq(maildrop_append(&m, &letter, 0), MAILDROP_OK);
	buf_free(&all);
	all = store_read(&store, "mbox");
	offset[MESSAGES] = all.len;
	write_plan(2, &kept);
	struct buf expected = without(2), mixed = without(0);
	memcpy(mixed.data + offset[1], kept.data, kept.len / 2);
	store_write(&store, "mbox", buf_span(&mixed));
	maildrop_take_back(&m);
	store_expect(&store, "mbox", buf_span(&expected));
	ck_assert(!store_has(&store, "mbox.redo") && !store_has(&store, "mbox.lock"));
	maildrop_close(&m);
	spool_free(&body);
	buf_free(&mixed);
	buf_free(&expected);
	buf_free(&kept);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, expunges_any_of_them);
	tcase_add_test(t, keeps_what_came_since);
	tcase_add_test(t, deletes_nothing_when_the_mailbox_was_rewritten);
	tcase_add_test(t, resumes_from_every_state);
	tcase_add_test(t, resumes_a_cut_that_left_only_blanks);
	tcase_add_test(t, tells_a_long_append_from_an_expunge_to_be_done);
	tcase_add_test(t, ignores_a_plan_that_was_never_finished);
	tcase_add_test(t, puts_a_plan_aside_when_the_mailbox_was_rewritten);
	tcase_add_test(t, buries_where_much_would_move);
	tcase_add_test(t, cuts_out_where_a_crash_tore);
	tcase_add_test(t, takes_nothing_back_out_of_an_expunge);
}

int
main(void)
{
	return run_suite("redo", add);
}
