#include "store.h"

#include <stddef.h>

#include "hash.h"
#include "redo.h"

enum { MESSAGES = 5 };

static struct buf all;		    /* the mailbox with all of them */
static size_t offset[MESSAGES + 1]; /* where each begins */
static char names[MESSAGES][MBOX_UIDL + 2];

static const char foreign[] = "From x\nS: y\n\nforeign, with room for the mark\n\n";
static const char crlf[] = "From y\r\nS: z\r\n\r\n01234567890123\r\n\r\n";

/* Ours, and those of other programs between them. */
static void
setup(void)
{
	store_make(&store);
	for (int i = 0; i < MESSAGES; i++) {
		char id[24], text[2000];
		struct stat st;
		offset[i] = stat(store_file(&store, "mbox"), &st) == 0 ? (size_t)st.st_size : 0;
		snprintf(id, sizeof(id), "0123456789abcdefghij%d", i);
		snprintf(text, sizeof(text), "Subject: %d\r\n\r\n%0*d\r\n\r\nFrom me\r\n", i, 10 + 50 * i, i);
		if (i == 1)
			store_append(&store, span_of(foreign));
		else if (i == 3)
			store_append(&store, span_of(crlf));
		else
			store_deliver_text(&store, id, text);
	}
	all = store_read(&store, "mbox");
	offset[MESSAGES] = all.len;
	char *rest;
	char *uidl = strtok_r((char *)(uintptr_t)store_uidls(&store), " ", &rest);
	for (int i = 0; i < MESSAGES; i++, uidl = strtok_r(NULL, " ", &rest))
		snprintf(names[i], sizeof(names[i]), "%s ", uidl);
}

static void
teardown(void)
{
	buf_free(&all);
	store_remove(&store);
}

static size_t
mark_at(size_t i)
{
	size_t at = offset[i];

	while (all.data[at++] != '\n')
		;
	return at;
}

/* The mailbox with the first `bytes` of the marks on the messages whose bits are set. */
static struct buf
marked(unsigned bits, size_t bytes)
{
	struct buf out;

	buf_init(&out, 2 * all.len + 1000);
	buf_add_span(&out, buf_span(&all));
	for (size_t i = 0; i < MESSAGES; i++) {
		size_t n = bytes < MBOX_MARK ? bytes : MBOX_MARK;
		if ((bits >> i & 1) == 0)
			continue;
		memcpy(out.data + mark_at(i), mbox_mark, n);
		bytes -= n;
	}
	return out;
}

static const char *
names_without(unsigned bits)
{
	static char text[1000];

	text[0] = '\0';
	for (size_t i = 0; i < MESSAGES; i++)
		if ((bits >> i & 1) == 0)
			strcat(text, names[i]);
	return text;
}

/* All of them, with an index. */
static void
put_all(void)
{
	store_write(&store, "mbox", buf_span(&all));
	unlink(store_file(&store, "mbox.index"));
	store_uidls(&store);
}

static bool
bury_these(unsigned bits)
{
	struct maildrop m;
	struct listing list;
	bool gone[MESSAGES], done;

	ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
	ck_assert_int_eq(maildrop_lock(&m, true), MAILDROP_OK);
	ck_assert_int_eq(listing_load(&list, &m), MAILDROP_OK);
	ck_assert(m.indexed && list.count == MESSAGES);
	for (size_t i = 0; i < MESSAGES; i++)
		gone[i] = bits >> i & 1;
	ck_assert_int_eq(redo_bury(&m, list.entries, gone, &done), MAILDROP_OK);
	listing_free(&list);
	maildrop_unlock(&m);
	maildrop_close(&m);
	ck_assert(!store_has(&store, "mbox.redo") && !store_has(&store, "mbox.redo.new"));
	return done;
}

static ino_t
inode_of_index(void)
{
	struct stat st;

	ck_assert_int_eq(stat(store_file(&store, "mbox.index"), &st), 0);
	return st.st_ino;
}

START_TEST(hides_any_of_them)
{
	for (unsigned bits = 1; bits < 1U << MESSAGES; bits++) {
		struct buf expected = marked(bits, all.len);
		put_all();
		ino_t index = inode_of_index();
		ck_assert(bury_these(bits));
		store_expect(&store, "mbox", buf_span(&expected));
		ck_assert_str_eq(store_uidls(&store), names_without(bits));
		ck_assert_uint_eq(inode_of_index(), index);
		unlink(store_file(&store, "mbox.index"));
		ck_assert_str_eq(store_uidls(&store), names_without(bits));
		ck_assert(!store_has(&store, "mbox.torn"));
		buf_free(&expected);
	}
}
END_TEST

/* Of a small mailbox the next expunge, or the one after a delivery, leaves nothing of them. */
START_TEST(are_cut_out_by_the_next_expunge)
{
	put_all();
	ck_assert(bury_these(1 | 8));
	store_deliver_text(&store, "new", "Subject: new\r\n\r\n");
	struct buf now = store_read(&store, "mbox"), expected;
	buf_init(&expected, now.len);
	buf_add(&expected, all.data + offset[2], offset[3] - offset[2]);
	buf_add(&expected, all.data + offset[4], offset[5] - offset[4]);
	buf_add(&expected, now.data + all.len, now.len - all.len);
	ck_assert_int_eq(store_expunge(&store, 1), MAILDROP_OK);
	store_expect(&store, "mbox", buf_span(&expected));
	ck_assert(!store_has(&store, "mbox.torn"));
	buf_free(&expected);
	buf_free(&now);
}
END_TEST

START_TEST(refuses_what_has_no_room)
{
	static const char *const odd[] = {
		"From x\nS: 0123456789012\n\n\n",
		"From x\r\nS: 01234567\r\n\r\n012345\r\n\r\n",
		"From x\nS: 0123456789 0123456789",
	};
	const unsigned last = 1U << (MESSAGES - 1);

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		store_write(&store, "mbox", span_slice(buf_span(&all), 0, offset[MESSAGES - 1]));
		store_append(&store, span_of(odd[i]));
		struct buf before = store_read(&store, "mbox");
		store_uidls(&store);
		ck_assert(!bury_these(1 | last));
		store_expect(&store, "mbox", buf_span(&before));
		buf_free(&before);
	}
}
END_TEST

/* Who lengthened a message of ours may have put an end into it that its entry line denies. */
START_TEST(refuses_what_would_be_two)
{
	struct buf bad, first = store_read(&store, "mbox");

	first.len = offset[1];
	char *quoted = strstr(buf_string(&first), "\n>From me");
	ck_assert_ptr_nonnull(quoted);
	memcpy(quoted, "\nFrom mee", 9);
	buf_init(&bad, 2 * all.len);
	buf_add_span(&bad, buf_span(&first));
	buf_add(&bad, all.data + offset[1], all.len - offset[1]);
	store_write(&store, "mbox", buf_span(&bad));
	unlink(store_file(&store, "mbox.index"));
	ck_assert_str_eq(store_uidls(&store), names_without(0));
	ck_assert(!bury_these(1));
	store_expect(&store, "mbox", buf_span(&bad));
	buf_free(&bad);
	buf_free(&first);
}
END_TEST

/* A deliverer who had opened the mailbox before knows an index of the same size, and tells it what comes. */
START_TEST(outlives_an_append_by_who_knew_it_before)
{
	struct maildrop m;
	struct spool body;
	struct letter letter = { .id = "new", .sender = "x", .body = &body };

	spool_init(&body, store.root);
	ck_assert_int_eq(spool_finish(&body), 0);
	for (int taken_back = 0; taken_back < 2; taken_back++) {
		put_all();
		ino_t index = inode_of_index();
		ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
		ck_assert(bury_these(2 | 4));
		ck_assert_int_eq(maildrop_append(&m, &letter, 0), MAILDROP_OK);
		if (taken_back)
			maildrop_take_back(&m);
		maildrop_close(&m);
		char expected[1000];
		snprintf(expected, sizeof(expected), "%s%s", names_without(2 | 4), taken_back ? "" : "new ");
		ck_assert_str_eq(store_uidls(&store), expected);
		ck_assert_uint_eq(inode_of_index(), index);
	}
	spool_free(&body);
}
END_TEST

START_TEST(are_not_counted_in_the_quota)
{
	struct maildrop m;
	struct stat st;

	put_all();
	store_deliver_text(&store, "0123456789abcdefghij5", "Subject: 5\r\n\r\n");
	ck_assert_int_eq(stat(store_file(&store, "mbox"), &st), 0);
	off_t message = st.st_size - (off_t)all.len, dead = (off_t)(offset[3] - offset[0]);
	put_all();
	ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
	ck_assert_int_eq(index_forget(m.dir, m.index), 0);
	ck_assert(bury_these(1 | 2 | 4));
	off_t quota = (off_t)all.len - dead + message;
	ck_assert(maildrop_reuse(&m, store.root));
	ck_assert_int_eq(maildrop_room(&m, message, quota), MAILDROP_OK);
	ck_assert_int_eq(maildrop_room(&m, message, quota - 1), MAILDROP_QUOTA);
	maildrop_close(&m);
	struct span text = span_of("Subject: 5\r\n\r\n");
	ck_assert_int_eq(store_deliver(&store, "0123456789abcdefghij6", text, quota - 1), MAILDROP_QUOTA);
	ck_assert_int_eq(store_deliver(&store, "0123456789abcdefghij6", text, quota), MAILDROP_OK);
	ck_assert_int_eq(store_deliver(&store, "0123456789abcdefghij7", text, quota), MAILDROP_QUOTA);
}
END_TEST

/* The redo file as the store writes it; the fields of bury.c. */
struct plan {
	char magic[8];
	uint64_t inode, count;
	uint32_t graves_sum, plan_sum;
	struct {
		uint64_t at, end;
		uint32_t sum;
		char old[MBOX_MARK], unused[6];
	} graves[MESSAGES];
};

static void
write_plan(unsigned bits)
{
	struct plan plan = { .magic = "LBBURY0" };
	struct stat st;

	ck_assert_int_eq(stat(store_file(&store, "mbox"), &st), 0);
	plan.magic[7] = '1';
	plan.inode = st.st_ino;
	for (size_t i = 0; i < MESSAGES; i++) {
		size_t at = mark_at(i), behind = at + MBOX_MARK;
		if ((bits >> i & 1) == 0)
			continue;
		plan.graves[plan.count].at = at;
		plan.graves[plan.count].end = offset[i + 1];
		plan.graves[plan.count].sum = adler32(1, all.data + behind, offset[i + 1] - behind);
		memcpy(plan.graves[plan.count++].old, all.data + at, MBOX_MARK);
	}
	size_t n = plan.count * sizeof(plan.graves[0]);
	plan.graves_sum = adler32(1, plan.graves, n);
	plan.plan_sum = adler32(1, &plan, offsetof(struct plan, plan_sum));
	store_write(
	    &store, "mbox.redo", (struct span){ (const char *)&plan, offsetof(struct plan, graves) + n });
}

/* Every state of the table in bury.c, with the index of before, and each with mail that came since. */
START_TEST(resumes_from_every_state)
{
	const unsigned bits = 2 | 8 | 16;

	for (int appended = 0; appended < 3; appended++) {
		for (size_t bytes = 0; bytes <= 3 * MBOX_MARK; bytes += 7) {
			struct buf mixed = marked(bits, bytes), expected = marked(bits, all.len);
			char uidls[1000];
			put_all();
			write_plan(bits);
			store_write(&store, "mbox", buf_span(&mixed));
			if (appended == 1)
				store_deliver_text(&store, "new", "Subject: new\r\n\r\n");
			else if (appended == 2)
				store_append(&store, span_of(foreign));
			struct buf now = store_read(&store, "mbox");
			buf_add(&expected, now.data + all.len, now.len - all.len);
			ck_assert(store_has(&store, "mbox.redo"));
			if (appended < 2)
				maildrop_recover_all(store.root);
			snprintf(uidls, sizeof(uidls), "%s%s", names_without(bits),
			    appended == 1   ? "new "
			    : appended == 2 ? names[1]
					    : "");
			ck_assert_str_eq(store_uidls(&store), uidls);
			store_expect(&store, "mbox", buf_span(&expected));
			ck_assert(!store_has(&store, "mbox.redo") && !store_has(&store, "mbox.torn"));
			buf_free(&now);
			buf_free(&mixed);
			buf_free(&expected);
		}
	}
}
END_TEST

START_TEST(ignores_a_plan_that_was_never_finished)
{
	put_all();
	write_plan(1 | 2);
	struct buf plan = store_read(&store, "mbox.redo");
	for (size_t n = 0; n < plan.len; n++) {
		store_write(&store, "mbox.redo", (struct span){ plan.data, n });
		maildrop_recover_all(store.root);
		store_expect(&store, "mbox", buf_span(&all));
		ck_assert(!store_has(&store, "mbox.redo"));
	}
	for (size_t i = 0; i < plan.len; i++) {
		plan.data[i] ^= 4;
		store_write(&store, "mbox.redo", buf_span(&plan));
		plan.data[i] ^= 4;
		maildrop_recover_all(store.root);
		store_expect(&store, "mbox", buf_span(&all));
	}
	buf_free(&plan);
}
END_TEST

/* What another program has changed, moved or cut off since then is not what was to go; the others are. */
START_TEST(leaves_what_was_rewritten)
{
	const size_t changed[] = { mark_at(2), mark_at(2) + MBOX_MARK - 1, mark_at(2) + MBOX_MARK,
		offset[3] - 3 };

	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		struct buf expected = marked(1, all.len), now = marked(1, 9);
		expected.data[changed[i]] ^= 1;
		now.data[changed[i]] ^= 1;
		expected.len = now.len = offset[4];
		put_all();
		write_plan(1 | 4 | 16);
		store_write(&store, "mbox", buf_span(&now));
		maildrop_recover_all(store.root);
		store_expect(&store, "mbox", buf_span(&expected));
		ck_assert(!store_has(&store, "mbox.redo") && !store_has(&store, "mbox.index"));
		buf_free(&now);
		buf_free(&expected);
	}
}
END_TEST

/* Without an index the last message is looked at: a dead one is not what a crash tore, whatever it holds. */
START_TEST(is_not_torn_as_the_last)
{
	static const char whole[] = "From x\nX-Status: D expunged; y\0z 10000 10000 0badcafe\n\nx\n\n";

	for (size_t n = strlen("From x\n") + MBOX_MARK; n < sizeof(whole); n++) {
		store_write(&store, "mbox", buf_span(&all));
		store_append(&store, (struct span){ whole, n });
		unlink(store_file(&store, "mbox.index"));
		ck_assert_str_eq(store_uidls(&store), names_without(0));
		ck_assert(!store_has(&store, "mbox.torn"));
		struct buf now = store_read(&store, "mbox");
		ck_assert_uint_eq(now.len, all.len + n);
		buf_free(&now);
	}
}
END_TEST

/* Its size is right, but it says that the last message lives. */
START_TEST(are_not_shown_by_an_index_of_before)
{
	put_all();
	struct buf index = store_read(&store, "mbox.index");
	ck_assert(bury_these(1 | 16));
	store_write(&store, "mbox.index", buf_span(&index));
	ck_assert_str_eq(store_uidls(&store), names_without(1 | 16));
	buf_free(&index);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, hides_any_of_them);
	tcase_add_test(t, are_cut_out_by_the_next_expunge);
	tcase_add_test(t, refuses_what_has_no_room);
	tcase_add_test(t, refuses_what_would_be_two);
	tcase_add_test(t, outlives_an_append_by_who_knew_it_before);
	tcase_add_test(t, are_not_counted_in_the_quota);
	tcase_add_test(t, resumes_from_every_state);
	tcase_add_test(t, ignores_a_plan_that_was_never_finished);
	tcase_add_test(t, leaves_what_was_rewritten);
	tcase_add_test(t, is_not_torn_as_the_last);
	tcase_add_test(t, are_not_shown_by_an_index_of_before);
}

int
main(void)
{
	return run_suite("bury", add);
}
