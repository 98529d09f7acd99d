#include "store.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <signal.h>

#include "bounds.h"
#include "mbox.h"

static void
setup(void)
{
	store_make(&store);
	signal(SIGXFSZ, SIG_IGN);
}

START_TEST(writes_an_entry_that_certifies_itself)
{
	store_deliver_text(&store, "id1", "Subject: x\r\n\r\nFrom here\r\n");
	store_expect(&store, "mbox",
	    span_of("From bob@example.org Thu Jan  1 00:00:00 1970\n"
		    "X-UIDL: id1 129 57 7b5e23f4\n"
		    "Return-Path: <bob@example.org>\n"
		    "Subject: x\n"
		    "\n"
		    ">From here\n"
		    "\n"));
	struct stat st;
	ck_assert_int_eq(stat(store_file(&store, "mbox"), &st), 0);
	ck_assert_int_eq(st.st_size, 129);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert(!store_has(&store, "mbox.lock"));
	ck_assert(!store_has(&store, "mbox.index"));
}
END_TEST

START_TEST(keeps_the_order)
{
	store_deliver_text(&store, "id1", "a\r\n");
	store_deliver_text(&store, "id2", "b\r\n");
	ck_assert_str_eq(store_uidls(&store), "id1 id2 ");
	store_deliver_text(&store, "id3", "c\r\n");
	ck_assert_str_eq(store_uidls(&store), "id1 id2 id3 ");
}
END_TEST

/* The x bit of a mailbox whose maker may have died before its name was durable. */
START_TEST(makes_a_new_mailbox_durable_once)
{
	struct stat st;

	store_write(&store, "mbox", (struct span){ "", 0 });
	ck_assert_int_eq(chmod(store_file(&store, "mbox"), 0700), 0);
	store_deliver_text(&store, "id1", "a\r\n");
	ck_assert_int_eq(stat(store_file(&store, "mbox"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(unlink(store_file(&store, "mbox")), 0);
	store_deliver_text(&store, "id2", "a\r\n");
	ck_assert_int_eq(stat(store_file(&store, "mbox"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
}
END_TEST

/* Past SPOOL_MEMORY it goes through a file. */
START_TEST(stores_a_large_message)
{
	size_t n = 3 << 20;
	char *content = malloc(n);
	struct snapshot snapshot;

	ck_assert_ptr_nonnull(content);
	for (size_t i = 0; i < n; i++)
		content[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : (char)('a' + i % 26);
	/* What somebody left who was killed. */
	store_write(&store, "../../spool", span_of("x"));
	ck_assert_int_eq(store_deliver(&store, "big", (struct span){ content, n }, 0), MAILDROP_OK);
	ck_assert(!store_has(&store, "../../spool"));
	store_open(&store, &snapshot);
	struct buf out = store_retr(&snapshot, 0, -1);
	size_t trace = strlen("Return-Path: <bob@example.org>\r\n");
	ck_assert_uint_eq(out.len, trace + n);
	ck_assert_int_eq(memcmp(out.data + trace, content, n), 0);
	ck_assert_uint_eq(snapshot_octets(&snapshot, 0), out.len);
	buf_free(&out);
	snapshot_close(&snapshot);
	free(content);
}
END_TEST

/* Of a queue entry for many recipients it is longer than what a spool may have in memory. */
START_TEST(writes_a_head_of_any_length)
{
	static const size_t heads[] = { 10, 5, 0, SPOOL_MEMORY, 6 * SPOOL_MEMORY, 100 };
	char *text = malloc(6 * SPOOL_MEMORY);
	struct spool body;

	ck_assert_ptr_nonnull(text);
	memset(text, 'h', 6 * SPOOL_MEMORY);
	for (size_t n = 3; n < 3 * SPOOL_MEMORY; n *= 300) {
		spool_init(&body, store.root);
		spool_add(&body, (struct span){ text, n });
		ck_assert_int_eq(spool_finish(&body), 0);
		for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
			int fd = open(store_file(&store, "out"), O_RDWR | O_CREAT | O_TRUNC, 0600);
			ck_assert_int_ge(fd, 0);
			ck_assert_int_eq(spool_write(&body, (struct span){ text, heads[i] }, fd), 0);
			close(fd);
			struct buf out = store_read(&store, "out");
			ck_assert_uint_eq(out.len, heads[i] + spool_stored(&body));
			for (size_t k = 0; k < heads[i] + n; k += 1000)
				ck_assert_int_eq(out.data[k], 'h');
			buf_free(&out);
		}
		spool_free(&body);
	}
	free(text);
}
END_TEST

START_TEST(finishes_another_programs_last_line)
{
	static const struct {
		const char *foreign, *added;
	} ends[] = {
		{ "From x\nS: y\n\nbody", "\n\n" },
		{ "From x\nS: y\n\nbody\n", "\n" },
		{ "From x\nS: y\n\nbody\n\n", "" },
		{ "From x\r\nS: y\r\n\r\nbody\r\n\r\n", "" },
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		for (int indexed = 0; indexed < 2; indexed++) {
			store_write(&store, "mbox", span_of(ends[i].foreign));
			unlink(store_file(&store, "mbox.index"));
			if (indexed)
				store_uidls(&store);
			store_deliver_text(&store, "id1", "a\r\n");
			struct buf mbox = store_read(&store, "mbox");
			size_t n = strlen(ends[i].foreign), more = strlen(ends[i].added);
			ck_assert_int_eq(strncmp(buf_string(&mbox), ends[i].foreign, n), 0);
			ck_assert_int_eq(strncmp(buf_string(&mbox) + n, ends[i].added, more), 0);
			ck_assert_int_eq(strncmp(buf_string(&mbox) + n + more, "From bob", 8), 0);
			buf_free(&mbox);
			struct snapshot snapshot;
			store_open(&store, &snapshot);
			ck_assert_uint_eq(snapshot.count, 2);
			ck_assert_str_eq(snapshot_uidl(&snapshot, 1), "id1");
			ck_assert_uint_eq(snapshot_octets(&snapshot, 0), strlen("S: y\r\n\r\nbody\r\n"));
			snapshot_close(&snapshot);
		}
	}
}
END_TEST

START_TEST(rolls_back_what_does_not_fit)
{
	struct rlimit limit, full;
	char content[2000];

	store_deliver_text(&store, "id1", "a\r\n");
	struct buf before = store_read(&store, "mbox");
	memset(content, 'x', sizeof(content));
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	full = limit;
	full.rlim_cur = before.len + 500;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
	ck_assert_int_eq(
	    store_deliver(&store, "id2", (struct span){ content, sizeof(content) }, 0), MAILDROP_TOO_BIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	store_expect(&store, "mbox", buf_span(&before));
	buf_free(&before);
	ck_assert(!store_has(&store, "mbox.lock"));
	store_deliver_text(&store, "id3", "b\r\n");
	ck_assert_str_eq(store_uidls(&store), "id1 id3 ");
}
END_TEST

START_TEST(heeds_the_quota)
{
	ck_assert_int_eq(store_deliver(&store, "id1", span_of("a\r\n"), 1000), MAILDROP_OK);
	ck_assert_int_eq(store_deliver(&store, "id2", span_of("b\r\n"), 150), MAILDROP_QUOTA);
	ck_assert_str_eq(store_uidls(&store), "id1 ");
	struct maildrop m;
	ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
	ck_assert_int_eq(maildrop_room(&m, 10, 150), MAILDROP_OK);
	ck_assert_int_eq(maildrop_room(&m, 100, 150), MAILDROP_QUOTA);
	ck_assert_int_eq(maildrop_room(&m, 100, 0), MAILDROP_OK);
	maildrop_close(&m);
}
END_TEST

START_TEST(takes_back_the_last_alone)
{
	struct maildrop m;
	struct spool body;
	struct letter letter = { .id = "id2", .sender = "", .body = &body, .trace = { "", 0 } };

	store_deliver_text(&store, "id1", "a\r\n");
	for (int indexed = 0; indexed < 2; indexed++) {
		if (indexed)
			store_uidls(&store);
		spool_init(&body, store.root);
		spool_add(&body, span_of("b\r\n"));
		ck_assert_int_eq(spool_finish(&body), 0);
		ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
		ck_assert_int_eq(maildrop_append(&m, &letter, 0), MAILDROP_OK);
		maildrop_take_back(&m);
		ck_assert_str_eq(store_uidls(&store), "id1 ");
		maildrop_close(&m);
		spool_free(&body);
	}
	spool_init(&body, store.root);
	ck_assert_int_eq(spool_finish(&body), 0);
	ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
	ck_assert_int_eq(maildrop_append(&m, &letter, 0), MAILDROP_OK);
	store_append(&store, span_of("From other\nS: x\n\n"));
	maildrop_take_back(&m);
	maildrop_close(&m);
	spool_free(&body);
	struct snapshot snapshot;
	store_open(&store, &snapshot);
	ck_assert_uint_eq(snapshot.count, 3);
	snapshot_close(&snapshot);
}
END_TEST

/* Ours was expunged meanwhile, and one of its length came. */
START_TEST(takes_no_other_back_that_ends_where_ours_did)
{
	struct maildrop m;
	struct spool body;
	struct letter letter = { .id = "id2", .sender = "bob@example.org", .body = &body };

	store_deliver_text(&store, "id1", "a\r\n");
	spool_init(&body, store.root);
	spool_add(&body, span_of("b\r\n"));
	ck_assert_int_eq(spool_finish(&body), 0);
	letter.trace = span_of("Return-Path: <bob@example.org>\n");
	ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
	ck_assert_int_eq(maildrop_append(&m, &letter, 0), MAILDROP_OK);
	ck_assert_int_eq(store_expunge(&store, 2), MAILDROP_OK);
	store_deliver_text(&store, "id3", "c\r\n");
	maildrop_take_back(&m);
	maildrop_close(&m);
	spool_free(&body);
	ck_assert_str_eq(store_uidls(&store), "id1 id3 ");
}
END_TEST

/* Another message through a mailbox that was open before. */
static void
append_again(struct maildrop *m, const char *id)
{
	struct spool body;
	struct letter letter = { .id = id, .sender = "", .body = &body, .trace = { "", 0 } };

	spool_init(&body, store.root);
	spool_add(&body, span_of("b\r\n"));
	ck_assert_int_eq(spool_finish(&body), 0);
	ck_assert(maildrop_reuse(m, store.root));
	ck_assert_int_eq(maildrop_append(m, &letter, 0), MAILDROP_OK);
	spool_free(&body);
}

/* The index that has the name now. */
static void
expect_index_of_all(void)
{
	struct index_header header;
	struct stat st;
	int fd = open(store_file(&store, "mbox.index"), O_RDONLY);

	ck_assert_int_eq(stat(store_file(&store, "mbox"), &st), 0);
	ck_assert(index_read_header(fd, st.st_ino, &header));
	ck_assert_uint_eq(header.clean, (uint64_t)st.st_size);
	close(fd);
}

/* Whatever others do to the mailbox and its index between two messages. */
START_TEST(serves_again)
{
	static const char one[] = "From x\nS: 1\n\nbody\n\n", other[] = "From x\nS: 2\n\nbody\n\n";
	struct maildrop m;

	ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
	append_again(&m, "id1");
	ck_assert_str_eq(store_uidls(&store), "id1 ");
	append_again(&m, "id2");
	expect_index_of_all();
	store_deliver_text(&store, "id3", "c\r\n");
	append_again(&m, "id4");
	expect_index_of_all();
	ck_assert_int_eq(store_expunge(&store, 1), MAILDROP_OK);
	append_again(&m, "id5");
	expect_index_of_all();
	ck_assert_str_eq(store_uidls(&store), "id2 id3 id4 id5 ");
	store_write(&store, "mbox", span_of(one));
	store_uidls(&store);
	maildrop_close(&m);
	ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
	store_write(&store, "mbox", span_of(other));
	store_uidls(&store);
	append_again(&m, "id6");
	expect_index_of_all();
	maildrop_close(&m);
}
END_TEST

START_TEST(serves_no_more_when_its_place_is_taken)
{
	struct maildrop m;
	char *aside = strdup(store_file(&store, "aside"));

	ck_assert_int_eq(maildrop_open(&m, store.root, "anna"), MAILDROP_OK);
	append_again(&m, "id1");
	ck_assert_int_eq(rename(store_file(&store, "mbox"), aside), 0);
	ck_assert(!maildrop_reuse(&m, store.root));
	store_deliver_text(&store, "id2", "c\r\n");
	ck_assert(!maildrop_reuse(&m, store.root));
	ck_assert_int_eq(rename(aside, store_file(&store, "mbox")), 0);
	ck_assert(maildrop_reuse(&m, store.root));
	maildrop_close(&m);
	free(aside);
}
END_TEST

static void
expect_refused(enum maildrop_status expected)
{
	ck_assert_int_eq(store_deliver(&store, "id1", span_of("a\r\n"), 0), expected);
	struct snapshot snapshot;
	struct buf holder;
	buf_init(&holder, 1000);
	ck_assert_int_eq(snapshot_open(&snapshot, store.root, "anna", "test", &holder), expected);
	snapshot_close(&snapshot);
	buf_free(&holder);
	ck_assert(!store_has(&store, "mbox.lock"));
}

START_TEST(follows_no_link_and_opens_no_fifo)
{
	char *mbox = strdup(store_file(&store, "mbox"));

	ck_assert_ptr_nonnull(mbox);
	store_write(&store, "target", span_of("From x\nS: y\n\n"));
	ck_assert_int_eq(symlink("target", mbox), 0);
	expect_refused(MAILDROP_BROKEN);
	unlink(mbox);
	ck_assert_int_eq(link(store_file(&store, "target"), mbox), 0);
	expect_refused(MAILDROP_BROKEN);
	store_expect(&store, "target", span_of("From x\nS: y\n\n"));
	unlink(mbox);
	ck_assert_int_eq(mkfifo(mbox, 0600), 0);
	expect_refused(MAILDROP_BROKEN);
	unlink(mbox);
	ck_assert_int_eq(mkdir(mbox, 0700), 0);
	expect_refused(MAILDROP_BROKEN);
	free(mbox);
}
END_TEST

START_TEST(leaves_what_is_no_mbox)
{
	store_write(&store, "mbox", span_of("Dear diary,\n\nFrom now on\n"));
	expect_refused(MAILDROP_BROKEN);
	store_expect(&store, "mbox", span_of("Dear diary,\n\nFrom now on\n"));
	/* Its end looks like what a crash leaves of a From_ line. */
	store_write(&store, "mbox", span_of("Dear diary,\n\nF"));
	expect_refused(MAILDROP_BROKEN);
	store_expect(&store, "mbox", span_of("Dear diary,\n\nF"));
	ck_assert(!store_has(&store, "mbox.torn"));
}
END_TEST

/* Many processes, each by its own descriptors, to one mailbox. */
START_TEST(serves_many_at_once)
{
	enum { SENDERS = 20, MESSAGES = 10 };
	pid_t children[SENDERS];

	store_uidls(&store);
	for (int i = 0; i < SENDERS; i++) {
		children[i] = fork();
		if (children[i] != 0)
			continue;
		for (int j = 0; j < MESSAGES; j++) {
			char id[20];
			snprintf(id, sizeof(id), "s%dm%d", i, j);
			if (store_deliver(&store, id, span_of("Subject: x\r\n\r\ny\r\n"), 0) != MAILDROP_OK)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < SENDERS; i++) {
		int status;
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	struct snapshot snapshot;
	store_open(&store, &snapshot);
	ck_assert_uint_eq(snapshot.count, SENDERS * MESSAGES);
	ck_assert(snapshot.maildrop.indexed);
	snapshot_close(&snapshot);
	unlink(store_file(&store, "mbox.index"));
	store_open(&store, &snapshot);
	ck_assert_uint_eq(snapshot.count, SENDERS * MESSAGES);
	snapshot_close(&snapshot);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, store_teardown);
	tcase_add_test(t, writes_an_entry_that_certifies_itself);
	tcase_add_test(t, keeps_the_order);
	tcase_add_test(t, makes_a_new_mailbox_durable_once);
	tcase_add_test(t, stores_a_large_message);
	tcase_add_test(t, writes_a_head_of_any_length);
	tcase_add_test(t, finishes_another_programs_last_line);
	tcase_add_test(t, rolls_back_what_does_not_fit);
	tcase_add_test(t, heeds_the_quota);
	tcase_add_test(t, takes_back_the_last_alone);
	tcase_add_test(t, takes_no_other_back_that_ends_where_ours_did);
	tcase_add_test(t, serves_again);
	tcase_add_test(t, serves_no_more_when_its_place_is_taken);
	tcase_add_test(t, follows_no_link_and_opens_no_fifo);
	tcase_add_test(t, leaves_what_is_no_mbox);
	tcase_add_test(t, serves_many_at_once);
}

int
main(void)
{
	return run_suite("maildrop", add);
}
