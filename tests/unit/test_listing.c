#include "store.h"

/* Messages of one length, and an index that could not be told that the second is gone. */
START_TEST(takes_no_message_for_another_of_its_length)
{
	for (int logged_in = 0; logged_in < 2; logged_in++) {
		store_write(&store, "mbox", (struct span){ "", 0 });
		store_deliver_text(&store, "one", "x\r\n");
		struct buf one = store_read(&store, "mbox");
		store_uidls(&store);
		store_deliver_text(&store, "two", "x\r\n");
		store_write(&store, "mbox", buf_span(&one));
		if (logged_in == 0)
			store_deliver_text(&store, "new", "x\r\n");
		else
			ck_assert_str_eq(store_uidls(&store), "one ");
		store_deliver_text(&store, "end", "x\r\n");
		ck_assert_str_eq(store_uidls(&store), logged_in == 0 ? "one new end " : "one end ");
		buf_free(&one);
	}
}
END_TEST

/* After a power cut an index of long ago may be back. */
START_TEST(looks_for_the_last_message)
{
	store_deliver_text(&store, "one", "x\r\n");
	ck_assert_str_eq(store_uidls(&store), "one ");
	store_write(&store, "mbox", (struct span){ "", 0 });
	struct buf index = store_read(&store, "mbox.index");
	store_deliver_text(&store, "two", "x\r\n");
	store_write(&store, "mbox.index", buf_span(&index));
	ck_assert_str_eq(store_uidls(&store), "two ");
	buf_free(&index);
}
END_TEST

/* Not synced: of what was written before a power cut, and of what the index says of it, any part may be there. */
START_TEST(doubts_what_was_before_the_system_started)
{
	for (int which = 2; which <= 3; which++) {
		unlink(store_file(&store, "mbox"));
		store_deliver_text(&store, "id1", "Subject: x\r\n\r\none\r\n");
		store_deliver_text(&store, "id2", "Subject: y\r\n\r\n2\r\ntwo\r\n");
		store_deliver_text(&store, "id3", "Subject: z\r\n\r\n3\r\nthree\r\n");
		ck_assert_str_eq(store_uidls(&store), "id1 id2 id3 ");
		struct buf mbox = store_read(&store, "mbox"), index = store_read(&store, "mbox.index");
		char *body = strstr(buf_string(&mbox), which == 2 ? "\n2\n" : "\n3\n");
		memset(body, '\0', 5);
		index.data[offsetof(struct index_header, boot)] ^= 1;
		store_write(&store, "mbox", buf_span(&mbox));
		store_write(&store, "mbox.index", buf_span(&index));
		ck_assert_str_eq(store_uidls(&store), which == 2 ? "id1 id3 " : "id1 id2 ");
		buf_free(&mbox);
		buf_free(&index);
	}
}
END_TEST

START_TEST(indexes_many)
{
	struct buf mbox;
	struct snapshot snapshot;

	buf_init(&mbox, 64 << 20);
	for (int i = 0; i < 20000; i++)
		buf_printf(&mbox, "From x\nSubject: %d\n\n%0100d\n\n", i % 19000, i);
	store_write(&store, "mbox", buf_span(&mbox));
	for (int time = 0; time < 2; time++) {
		store_open(&store, &snapshot);
		ck_assert_uint_eq(snapshot.count, 20000);
		for (size_t i = 0; i < 20000; i += 1999) {
			char last[110];
			struct buf out = store_retr(&snapshot, i, -1);
			snprintf(last, sizeof(last), "%0100d\r\n", (int)i);
			ck_assert_ptr_nonnull(strstr(buf_string(&out), last));
			buf_free(&out);
		}
		snapshot_close(&snapshot);
	}
	buf_free(&mbox);
}
END_TEST

static bool
has(const char *uidl)
{
	struct maildrop m;
	bool there;

	ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
	ck_assert_int_eq(listing_has(&m, uidl, &there), MAILDROP_OK);
	maildrop_close(&m);
	return there;
}

START_TEST(finds_a_message_by_its_uidl)
{
	ck_assert(!has("id1"));
	store_deliver_text(&store, "id1", "Subject: 1\r\n\r\none\r\n");
	store_deliver_text(&store, "id2", "Subject: 2\r\n\r\ntwo\r\n");
	ck_assert(has("id1") && has("id2") && !has("id") && !has("id3"));
	/* Half of a message is none, whether it is the last or not. */
	struct buf mbox = store_read(&store, "mbox");
	store_write(&store, "mbox", span_slice(buf_span(&mbox), 0, mbox.len - 3));
	ck_assert(has("id1") && !has("id2"));
	memset(mbox.data + mbox.len / 2 - 6, '\0', 4);
	store_write(&store, "mbox", buf_span(&mbox));
	unlink(store_file(&store, "mbox.index"));
	ck_assert(!has("id1") && has("id2"));
	buf_free(&mbox);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, store_setup, store_teardown);
	tcase_add_test(t, takes_no_message_for_another_of_its_length);
	tcase_add_test(t, looks_for_the_last_message);
	tcase_add_test(t, doubts_what_was_before_the_system_started);
	tcase_add_test(t, indexes_many);
	tcase_add_test(t, finds_a_message_by_its_uidl);
}

int
main(void)
{
	return run_suite("listing", add);
}
