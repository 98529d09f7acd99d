#include "store.h"

#include <sys/wait.h>
#include <time.h>

static const char foreign[] =
    "From a Tue Nov 24 05:31:18 2026\r\nSubject: 1\r\n\r\n.dot\r\n>From x\r\n\r\n"
    "From b Tue Nov 24 05:31:18 2026\nSubject: 2\n\nand\nFrom here on: no separator\n\n"
    "From c Tue Nov 24 05:31:18 2026\nSubject: 3\n\nlast line";

static const char *const foreign_sent[] = {
	"Subject: 1\r\n\r\n..dot\r\nFrom x\r\n",
	"Subject: 2\r\n\r\nand\r\nFrom here on: no separator\r\n",
	"Subject: 3\r\n\r\nlast line\r\n",
};

START_TEST(reads_other_programs_mail)
{
	struct snapshot snapshot;
	uint64_t total = 0;

	store_write(&store, "mbox", span_of(foreign));
	/* The second time from the index. */
	for (int time = 0; time < 2; time++) {
		store_open(&store, &snapshot);
		ck_assert_uint_eq(snapshot.count, 3);
		total = 0;
		for (size_t i = 0; i < 3; i++) {
			struct buf out = store_retr(&snapshot, i, -1);
			expect_span(buf_span(&out), foreign_sent[i]);
			/* The stuffed dot is not counted. */
			ck_assert_uint_eq(snapshot_octets(&snapshot, i), out.len - (i == 0));
			total += snapshot_octets(&snapshot, i);
			buf_free(&out);
		}
		ck_assert_uint_eq(snapshot.total, total);
		snapshot_close(&snapshot);
	}
	store_expect(&store, "mbox", span_of(foreign));
}
END_TEST

START_TEST(keeps_uidls)
{
	char before[1000];

	store_write(&store, "mbox", span_of(foreign));
	store_deliver_text(&store, "ours", "x\r\n");
	snprintf(before, sizeof(before), "%s", store_uidls(&store));
	ck_assert_str_eq(store_uidls(&store), before);
	unlink(store_file(&store, "mbox.index"));
	ck_assert_str_eq(store_uidls(&store), before);
	ck_assert_int_eq(store_expunge(&store, 1), MAILDROP_OK);
	ck_assert_str_eq(store_uidls(&store), strchr(before, ' ') + 1);
}
END_TEST

/* Another program made a message of ours longer: where it ended stands "From " now, but not behind an empty line. */
START_TEST(jumps_to_no_quoted_from_line)
{
	store_deliver_text(&store, "id1", "Subject: x\r\n\r\none\r\nFrom here\r\n");
	struct buf mbox = store_read(&store, "mbox"), longer;
	size_t quoted = mbox.len - strlen(">From here\n\n");

	buf_init(&longer, mbox.len + 100);
	buf_add(&longer, mbox.data, quoted);
	buf_add_string(&longer, "0123456789\n>From here\n\nFrom x\nS: y\n\n");
	store_write(&store, "mbox", buf_span(&longer));
	struct snapshot snapshot;
	store_open(&store, &snapshot);
	ck_assert_uint_eq(snapshot.count, 2);
	struct buf out = store_retr(&snapshot, 0, -1);
	expect_span(buf_span(&out),
	    "Return-Path: <bob@example.org>\r\nSubject: x\r\n\r\none\r\n0123456789\r\nFrom here\r\n");
	ck_assert_uint_eq(out.len, snapshot_octets(&snapshot, 0));
	snapshot_close(&snapshot);
	buf_free(&out);
	buf_free(&longer);
	buf_free(&mbox);
}
END_TEST

START_TEST(tells_twins_apart)
{
	struct buf one;

	store_deliver_text(&store, "id", "x\r\n");
	one = store_read(&store, "mbox");
	store_append(&store, buf_span(&one));
	store_append(&store, buf_span(&one));
	ck_assert_str_eq(store_uidls(&store), "id id-2 id-3 ");
	struct snapshot snapshot;
	store_open(&store, &snapshot);
	struct buf out = store_retr(&snapshot, 2, -1);
	ck_assert_uint_gt(out.len, 0);
	buf_free(&out);
	snapshot_close(&snapshot);
	ck_assert_int_eq(store_expunge(&store, 4), MAILDROP_OK);
	ck_assert_str_eq(store_uidls(&store), "id id-2 ");
	buf_free(&one);
}
END_TEST

START_TEST(top_stops_behind_its_lines)
{
	static const char *const tops[] = {
		"Subject: x\r\n\r\n",
		"Subject: x\r\n\r\none\r\n",
		"Subject: x\r\n\r\none\r\n\r\n",
		"Subject: x\r\n\r\none\r\n\r\nthree\r\n",
		"Subject: x\r\n\r\none\r\n\r\nthree\r\n",
	};
	struct snapshot snapshot;

	store_write(&store, "mbox", span_of("From a\nSubject: x\n\none\n\nthree\n\n"));
	store_open(&store, &snapshot);
	for (size_t lines = 0; lines < sizeof(tops) / sizeof(tops[0]); lines++) {
		for (size_t limit = 1; limit < 40; limit++) {
			struct snapshot_reader reader;
			struct buf out;
			buf_init(&out, 1000);
			ck_assert_int_eq(
			    snapshot_read_begin(&snapshot, 0, (long)lines, true, &reader), MAILDROP_OK);
			while (!reader.done)
				ck_assert_int_eq(snapshot_read(&reader, limit, &out), MAILDROP_OK);
			expect_span(buf_span(&out), tops[lines]);
			buf_free(&out);
		}
	}
	snapshot_close(&snapshot);
}
END_TEST

START_TEST(sees_that_a_message_moved)
{
	struct snapshot snapshot;
	struct snapshot_reader reader;

	store_deliver_text(&store, "id1", "x\r\n");
	struct buf one = store_read(&store, "mbox");
	store_deliver_text(&store, "id2", "y\r\n");
	struct buf both = store_read(&store, "mbox");
	store_open(&store, &snapshot);
	store_write(&store, "mbox", span_slice(buf_span(&both), one.len, both.len));
	store_append(&store, buf_span(&one));
	ck_assert_int_eq(snapshot_read_begin(&snapshot, 0, -1, true, &reader), MAILDROP_CHANGED);
	snapshot_close(&snapshot);
	buf_free(&one);
	buf_free(&both);
}
END_TEST

/* As a mail reader does it: the header of the last message grows, and all behind it moves. */
static void
add_status(void)
{
	struct buf old = store_read(&store, "mbox"), changed;
	size_t at = 0;

	for (size_t i = 0; i + 6 < old.len; i++)
		if (memcmp(old.data + i, "\nFrom ", 6) == 0)
			at = i + 1;
	at += (size_t)((char *)memchr(old.data + at, '\n', old.len - at) - (old.data + at)) + 1;
	buf_init(&changed, old.len + 100);
	buf_add(&changed, old.data, at);
	buf_add_string(&changed, "Status: RO\n");
	buf_add(&changed, old.data + at, old.len - at);
	store_write(&store, "mbox", buf_span(&changed));
	buf_free(&changed);
	buf_free(&old);
}

/* Of the last message: nobody can tell by its place that it has grown. */
START_TEST(sees_that_a_message_grew)
{
	struct snapshot snapshot;
	struct snapshot_reader reader;
	struct buf out;

	store_write(&store, "mbox", span_of(foreign));
	store_append(&store, span_of("\n\nFrom d\nSubject: 4\n\nbody\n\n"));
	store_open(&store, &snapshot);
	add_status();
	ck_assert_int_eq(snapshot_read_begin(&snapshot, 3, -1, true, &reader), MAILDROP_CHANGED);
	unsigned last = 8;
	ck_assert_int_eq(snapshot_expunge(&snapshot, store_bits, &last), MAILDROP_CHANGED);
	snapshot_close(&snapshot);
	struct buf line;
	buf_init(&line, 1000000);
	buf_add_string(&line, "From e\nSubject: 5\n\n");
	for (int i = 0; i < 10000; i++)
		buf_add_string(&line, "a line that is one of many, and long enough for a window\n");
	buf_add_string(&line, "\n");
	store_append(&store, buf_span(&line));
	buf_free(&line);
	store_open(&store, &snapshot);
	buf_init(&out, 1000000);
	ck_assert_int_eq(snapshot_read_begin(&snapshot, 4, -1, true, &reader), MAILDROP_OK);
	ck_assert_int_eq(snapshot_read(&reader, 1000, &out), MAILDROP_OK);
	add_status();
	enum maildrop_status status = MAILDROP_OK;
	while (status == MAILDROP_OK && !reader.done)
		status = snapshot_read(&reader, 1000, &out);
	ck_assert_int_eq(status, MAILDROP_CHANGED);
	buf_free(&out);
	snapshot_close(&snapshot);
}
END_TEST

/* What is read first fits into less memory than what is read later. */
START_TEST(deletes_from_what_has_grown)
{
	struct snapshot snapshot;
	struct snapshot_reader reader;
	char body[30000];
	unsigned first = 1;

	memset(body, 'x', sizeof(body));
	store_deliver_text(&store, "id1", "x\r\n");
	store_open(&store, &snapshot);
	ck_assert_int_eq(snapshot_read_begin(&snapshot, 0, -1, true, &reader), MAILDROP_OK);
	ck_assert_int_eq(store_deliver(&store, "id2", (struct span){ body, sizeof(body) }, 0), MAILDROP_OK);
	ck_assert_int_eq(snapshot_expunge(&snapshot, store_bits, &first), MAILDROP_OK);
	snapshot_close(&snapshot);
}
END_TEST

/* What is to be seen of a mailbox in the middle of being rewritten. */
START_TEST(waits_for_who_rewrites)
{
	struct snapshot snapshot;
	int ready[2];
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	store_write(&store, "mbox", span_of("From a\nSubject: 1\n\nbody\n\n"));
	store_open(&store, &snapshot);
	pid_t child = fork();
	if (child == 0) {
		const struct timespec while_writing = { 0, 100000000 };
		int mbox = open(store_file(&store, "mbox"), O_RDWR);
		if (lock_fcntl(mbox, 0) != LOCK_OK || pwrite(mbox, "XXXX", 4, 19) != 4 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		nanosleep(&while_writing, NULL);
		_exit(pwrite(mbox, "body", 4, 19) == 4 ? 0 : 1);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	struct buf out = store_retr(&snapshot, 0, -1);
	expect_span(buf_span(&out), "Subject: 1\r\n\r\nbody\r\n");
	buf_free(&out);
	snapshot_close(&snapshot);
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(shuts_a_second_session_out)
{
	struct snapshot snapshot, other;
	struct buf holder;
	int go[2], ready[2];
	char byte;

	ck_assert_int_eq(pipe(go) | pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct buf nobody;
		buf_init(&nobody, 1000);
		if (snapshot_open(&snapshot, store.root, "anna", "192.0.2.7", &nobody) != MAILDROP_OK ||
		    write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	buf_init(&holder, 1000);
	ck_assert_int_eq(snapshot_open(&other, store.root, "anna", "198.51.100.1", &holder), MAILDROP_IN_USE);
	ck_assert_ptr_nonnull(strstr(buf_string(&holder), " UTC from 192.0.2.7"));
	snapshot_close(&other);
	ck_assert_int_eq(write(go[1], "", 1), 1);
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	buf_clear(&holder);
	ck_assert_int_eq(snapshot_open(&other, store.root, "anna", "198.51.100.1", &holder), MAILDROP_OK);
	snapshot_close(&other);
	buf_free(&holder);
}
END_TEST

START_TEST(survives_any_index)
{
	char before[1000];

	store_write(&store, "mbox", span_of(foreign));
	store_deliver_text(&store, "ours", "x\r\n");
	snprintf(before, sizeof(before), "%s", store_uidls(&store));
	struct buf index = store_read(&store, "mbox.index");
	for (size_t i = 0; i < index.len; i += 3) {
		/* What follows the NUL of a UIDL means nothing, nor do lengths that fit each other by chance. */
		index.data[i] ^= 0x11;
		store_write(&store, "mbox.index", buf_span(&index));
		index.data[i] ^= 0x11;
		struct snapshot snapshot;
		store_open(&store, &snapshot);
		ck_assert_uint_eq(snapshot.count, 4);
		for (size_t message = 0; message < 4; message++) {
			struct snapshot_reader reader;
			enum maildrop_status status =
			    snapshot_read_begin(&snapshot, message, -1, true, &reader);
			ck_assert(status == MAILDROP_OK || status == MAILDROP_CHANGED);
		}
		snapshot_close(&snapshot);
	}
	for (size_t n = 0; n < index.len; n += 5) {
		store_write(&store, "mbox.index", (struct span){ index.data, n });
		ck_assert_str_eq(store_uidls(&store), before);
	}
	buf_free(&index);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, store_setup, store_teardown);
	tcase_add_test(t, reads_other_programs_mail);
	tcase_add_test(t, keeps_uidls);
	tcase_add_test(t, jumps_to_no_quoted_from_line);
	tcase_add_test(t, tells_twins_apart);
	tcase_add_test(t, top_stops_behind_its_lines);
	tcase_add_test(t, sees_that_a_message_moved);
	tcase_add_test(t, sees_that_a_message_grew);
	tcase_add_test(t, deletes_from_what_has_grown);
	tcase_add_test(t, waits_for_who_rewrites);
	tcase_add_test(t, shuts_a_second_session_out);
	tcase_add_test(t, survives_any_index);
}

int
main(void)
{
	return run_suite("snapshot", add);
}
