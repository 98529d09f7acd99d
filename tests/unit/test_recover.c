#include "store.h"

#include "recover.h"

static struct buf first, second; /* the mailbox with one message, and with two */

static void
setup(void)
{
	store_make(&store);
	store_deliver_text(&store, "id1", "Subject: x\r\n\r\none\r\n");
	first = store_read(&store, "mbox");
	store_deliver_text(&store, "id2", "Subject: y\r\n\r\ntwo\r\n");
	second = store_read(&store, "mbox");
}

static void
teardown(void)
{
	buf_free(&first);
	buf_free(&second);
	store_remove(&store);
}

enum index_state { INDEX_ABSENT, INDEX_OF_FIRST, INDEX_STATES };

/* The mailbox as it would be after a crash, with the index that might be there. */
static void
put(struct span bytes, enum index_state index)
{
	unlink(store_file(&store, "mbox.index"));
	unlink(store_file(&store, "mbox.torn"));
	store_write(&store, "mbox", buf_span(&first));
	if (index == INDEX_OF_FIRST)
		store_uidls(&store);
	store_write(&store, "mbox", bytes);
}

static void
expect_torn(struct span part)
{
	struct buf torn = store_read(&store, "mbox.torn");

	ck_assert_uint_eq(torn.len, part.n + 1);
	ck_assert_int_eq(memcmp(torn.data, part.at, part.n), 0);
	buf_free(&torn);
}

/* Wherever the second append was cut off: it is as if it had never been, nothing is destroyed, and the next one follows. */
START_TEST(mends_every_cut)
{
	for (int index = 0; index < INDEX_STATES; index++) {
		for (size_t n = first.len + 1; n < second.len; n++) {
			put((struct span){ second.data, n }, (enum index_state)index);
			ck_assert_str_eq(store_uidls(&store), "id1 ");
			store_expect(&store, "mbox", buf_span(&first));
			expect_torn((struct span){ second.data + first.len, n - first.len });
			put((struct span){ second.data, n }, (enum index_state)index);
			store_deliver_text(&store, "id3", "Subject: z\r\n\r\nthree\r\n");
			ck_assert_str_eq(store_uidls(&store), "id1 id3 ");
			expect_torn((struct span){ second.data + first.len, n - first.len });
		}
	}
}
END_TEST

START_TEST(mends_every_cut_of_the_first)
{
	for (size_t n = 1; n < first.len; n++) {
		put((struct span){ first.data, n }, INDEX_ABSENT);
		store_deliver_text(&store, "id3", "Subject: z\r\n\r\nthree\r\n");
		ck_assert_str_eq(store_uidls(&store), "id3 ");
		expect_torn((struct span){ first.data, n });
	}
}
END_TEST

/* Behind another program's message no entry line says where it ends. */
START_TEST(mends_every_cut_behind_a_foreign_message)
{
	const char *foreign = "From x\nS: y\n\nbody\n\n";
	size_t before = strlen(foreign);
	struct buf all;

	store_write(&store, "mbox", span_of(foreign));
	store_deliver_text(&store, "id2", "Subject: y\r\n\r\ntwo\r\n");
	all = store_read(&store, "mbox");
	for (size_t n = before + 1; n < all.len; n++) {
		put((struct span){ all.data, n }, INDEX_ABSENT);
		store_deliver_text(&store, "id3", "z\r\n");
		struct buf mbox = store_read(&store, "mbox");
		ck_assert_int_eq(strncmp(buf_string(&mbox), foreign, before), 0);
		ck_assert_int_eq(strncmp(buf_string(&mbox) + before, "From bob", 8), 0);
		ck_assert_ptr_nonnull(strstr(buf_string(&mbox), "X-UIDL: id3 "));
		ck_assert_ptr_null(strstr(buf_string(&mbox), "X-UIDL: id2"));
		buf_free(&mbox);
		expect_torn((struct span){ all.data + before, n - before });
	}
	buf_free(&all);
}
END_TEST

/* Blocks that were never written read as zeros. */
START_TEST(mends_holes)
{
	for (int index = 0; index < INDEX_STATES; index++) {
		for (size_t from = first.len; from < second.len; from += 7) {
			struct buf holed;
			buf_init(&holed, second.len);
			buf_add_span(&holed, buf_span(&second));
			size_t n = second.len - from < 20 ? second.len - from : 20;
			memset(holed.data + from, 0, n);
			put(buf_span(&holed), (enum index_state)index);
			ck_assert_str_eq(store_uidls(&store), "id1 ");
			store_expect(&store, "mbox", buf_span(&first));
			buf_free(&holed);
		}
	}
}
END_TEST

START_TEST(takes_a_wrong_sum_for_torn)
{
	put(buf_span(&second), INDEX_ABSENT);
	second.data[second.len - 4] ^= 1;
	put(buf_span(&second), INDEX_ABSENT);
	ck_assert_str_eq(store_uidls(&store), "id1 ");
	expect_torn((struct span){ second.data + first.len, second.len - first.len });
}
END_TEST

/* Acknowledged mail that the index does not know of, because its own pages were lost. */
START_TEST(keeps_whole_messages_beyond_the_clean_size)
{
	put(buf_span(&second), INDEX_OF_FIRST);
	ck_assert_str_eq(store_uidls(&store), "id1 id2 ");
	ck_assert(!store_has(&store, "mbox.torn"));
	/* And an index that knows more than there is. */
	store_write(&store, "mbox", buf_span(&first));
	ck_assert_str_eq(store_uidls(&store), "id1 ");
	ck_assert(!store_has(&store, "mbox.torn"));
}
END_TEST

/* The second message, with this in place of its body and of what stands before that. */
static void
expect_kept(const char *text)
{
	struct buf rewritten;
	const char *body = strstr(buf_string(&second) + first.len, "Subject: y");

	ck_assert_ptr_nonnull(body);
	buf_init(&rewritten, 10000);
	buf_add(&rewritten, second.data, (size_t)(body - second.data));
	buf_add_string(&rewritten, text);
	put(buf_span(&rewritten), INDEX_ABSENT);
	ck_assert_str_eq(store_uidls(&store), "id1 id2 ");
	store_expect(&store, "mbox", buf_span(&rewritten));
	buf_free(&rewritten);
}

START_TEST(keeps_what_a_reader_rewrote)
{
	expect_kept("Status: RO\n\ntwo\n\n");
	/* All that Dovecot's pop3d adds to a message that nobody has read. */
	expect_kept("X-UID: 3\n\n\n\n");
	expect_kept("X-IMAPbase: 1 2\n\n\n\n");
	/* A message that is longer than it was is not torn. */
	expect_kept("Subject: y\nX-Spam: no\n\ntwo\n\n");
}
END_TEST

/* Others may append behind a torn message before any of ours comes: it is hidden, and leaves with the next expunge. */
START_TEST(hides_a_torn_message_in_the_middle)
{
	put((struct span){ second.data, second.len - 6 }, INDEX_ABSENT);
	store_append(&store, span_of("\n\nFrom x\nS: z\n\nforeign\n\n"));
	struct snapshot snapshot;
	store_open(&store, &snapshot);
	ck_assert_uint_eq(snapshot.count, 2);
	ck_assert_str_eq(snapshot_uidl(&snapshot, 0), "id1");
	struct buf out = store_retr(&snapshot, 1, -1);
	expect_span(buf_span(&out), "S: z\r\n\r\nforeign\r\n");
	ck_assert_uint_eq(snapshot.total, snapshot_octets(&snapshot, 0) + out.len);
	buf_free(&out);
	snapshot_close(&snapshot);
	ck_assert_int_eq(store_expunge(&store, 1), MAILDROP_OK);
	store_expect(&store, "mbox", span_of("From x\nS: z\n\nforeign\n\n"));
	ck_assert(store_has(&store, "mbox.torn"));
}
END_TEST

/* What was acknowledged is seen, although blocks behind it were never written and another program's message followed. */
START_TEST(sees_a_whole_message_before_a_hole)
{
	static const char hole[60];
	struct snapshot snapshot;

	put(buf_span(&first), INDEX_ABSENT);
	store_append(&store, (struct span){ hole, sizeof hole });
	store_append(&store, span_of("\n\nFrom x\nS: z\n\nforeign\n\n"));
	for (int time = 0; time < 2; time++) {
		store_open(&store, &snapshot);
		ck_assert_uint_eq(snapshot.count, 2);
		ck_assert_str_eq(snapshot_uidl(&snapshot, 0), "id1");
		struct buf out = store_retr(&snapshot, 0, -1);
		expect_span(buf_span(&out), "Return-Path: <bob@example.org>\r\nSubject: x\r\n\r\none\r\n");
		buf_free(&out);
		snapshot_close(&snapshot);
	}
	ck_assert_int_eq(store_expunge(&store, 2), MAILDROP_OK);
	store_expect(&store, "mbox", buf_span(&first));
	ck_assert(store_has(&store, "mbox.torn"));
}
END_TEST

/* The same where what stands behind it begins with text: only the NUL in that hides it. */
START_TEST(reads_a_whole_message_before_text_with_a_nul)
{
	static const char text[] = "n\0ll\n\nFrom x\nS: z\n\nforeign\n\n";
	struct snapshot snapshot;

	put(buf_span(&first), INDEX_ABSENT);
	store_append(&store, (struct span){ text, sizeof text - 1 });
	store_open(&store, &snapshot);
	ck_assert_uint_eq(snapshot.count, 2);
	struct buf out = store_retr(&snapshot, 0, -1);
	expect_span(buf_span(&out), "Return-Path: <bob@example.org>\r\nSubject: x\r\n\r\none\r\n");
	buf_free(&out);
	snapshot_close(&snapshot);
}
END_TEST

/* What is shorter than "From " may be the beginning of it, or no mbox. */
START_TEST(leaves_alone_what_is_no_mbox)
{
	static const char *const texts[] = { "F\n", "\n\nF", "\n\nFr", "Fox", "\n\nFrom", "a\n\nFrom b\n" };
	struct maildrop m;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(span_of(texts[i]), INDEX_ABSENT);
		ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
		ck_assert_int_eq(maildrop_lock(&m, true), MAILDROP_BROKEN);
		maildrop_close(&m);
		store_expect(&store, "mbox", span_of(texts[i]));
		ck_assert(!store_has(&store, "mbox.torn"));
	}
}
END_TEST

START_TEST(recovers_at_the_start_of_a_daemon)
{
	/* A void redo file is all that is left of an expunge that was finished. */
	store_write(&store, "mbox.redo", span_of(""));
	maildrop_recover_all(store.root);
	ck_assert(!store_has(&store, "mbox.redo"));
	store_expect(&store, "mbox", buf_span(&second));
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, mends_every_cut);
	tcase_add_test(t, mends_every_cut_of_the_first);
	tcase_add_test(t, mends_every_cut_behind_a_foreign_message);
	tcase_add_test(t, mends_holes);
	tcase_add_test(t, takes_a_wrong_sum_for_torn);
	tcase_add_test(t, keeps_whole_messages_beyond_the_clean_size);
	tcase_add_test(t, keeps_what_a_reader_rewrote);
	tcase_add_test(t, hides_a_torn_message_in_the_middle);
	tcase_add_test(t, sees_a_whole_message_before_a_hole);
	tcase_add_test(t, reads_a_whole_message_before_text_with_a_nul);
	tcase_add_test(t, leaves_alone_what_is_no_mbox);
	tcase_add_test(t, recovers_at_the_start_of_a_daemon);
}

int
main(void)
{
	return run_suite("recover", add);
}
