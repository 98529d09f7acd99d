#include "queue_entry.h"

#include <sys/stat.h>

#include <errno.h>

#include "bounds.h"

START_TEST(adds)
{
	struct stat st;

	add_entry(e, "Subject: x\r\n\r\nFrom here\r\n>From\r\n.\r\n");
	ck_assert_str_eq(names(), "0");
	ck_assert_int_eq(fstatat(root, "queue", &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	struct queue_entry entry = open_entry(e);
	ck_assert_str_eq(entry.message.id, e);
	expect_span(entry.message.sender, "anna@example.org");
	ck_assert_uint_eq(entry.message.recipients_n, 2);
	expect_span(entry.message.recipients[1].address, "eve@example.com");
	ck_assert_int_eq(entry.message.recipients[0].tries, 0);
	queue_close(&entry);
	expect_content(e, "Received: from x\r\n\tby y; z\r\nSubject: x\r\n\r\nFrom here\r\n>From\r\n.\r\n");
}
END_TEST

/* Past SPOOL_MEMORY it comes out of a file; and it is read in pieces. */
START_TEST(adds_a_large_one)
{
	size_t n = 2 * SPOOL_MEMORY, got = 0;
	char *content = malloc(n + 1);
	struct buf out;
	int result;

	ck_assert_ptr_nonnull(content);
	for (size_t i = 0; i < n; i++)
		content[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : (char)('a' + i % 7);
	content[n] = '\0';
	add_entry(e, content);
	struct queue_entry entry = open_entry(e);
	off_t at = entry.content;
	buf_init(&out, 100000);
	while ((result = queue_read(&entry, &at, &out)) > 0) {
		got += out.len;
		buf_clear(&out);
	}
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(got, n + strlen(trace) + 2);
	buf_free(&out);
	queue_close(&entry);
	free(content);
}
END_TEST

START_TEST(knows_what_is_not_there)
{
	struct queue_entry entry;

	ck_assert_int_eq(queue_open(root, e, &entry), QUEUE_GONE);
	queue_close(&entry);
	ck_assert_int_eq(queue_open(root, "../accounts", &entry), QUEUE_GONE);
	queue_close(&entry);
	ck_assert_int_eq(queue_remove(root, e), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(queue_remove(root, "../accounts"), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

static void
expect_broken(void)
{
	struct queue_entry entry;

	ck_assert_int_eq(queue_open(root, e, &entry), QUEUE_BROKEN);
	queue_close(&entry);
}

START_TEST(knows_what_is_broken)
{
	char path[100];
	struct stat st;

	add_entry(e, "x\r\n");
	snprintf(path, sizeof path, "%s/queue/%s", dir, e);
	ck_assert_int_eq(stat(path, &st), 0);
	for (off_t size = st.st_size - 2; size >= 0; size--) {
		ck_assert_int_eq(truncate(path, size), 0);
		expect_broken();
	}
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect_broken();
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	expect_broken();
}
END_TEST

static void
claim_second(void)
{
	struct queue_entry entry = open_entry(e);

	ck_assert(!queue_claim(&entry, 0));
	ck_assert(queue_claim(&entry, 1));
}

START_TEST(claims_a_recipient_once)
{
	add_entry(e, "x\r\n");
	struct queue_entry entry = open_entry(e);
	ck_assert(queue_claim(&entry, 0));
	in_child(claim_second);
	ck_assert(queue_claim(&entry, 1));
	queue_close(&entry);
}
END_TEST

START_TEST(records_a_retry)
{
	add_entry(e, "x\r\n");
	struct queue_entry entry = open_entry(e), other = open_entry(e);
	ck_assert_int_eq(queue_record(&entry, &busy, second, 1, NULL), 0);
	ck_assert_int_eq(other.message.recipients[1].tries, 0);
	ck_assert_int_eq(queue_refresh(&other), QUEUE_OK);
	ck_assert_int_eq(other.message.recipients[0].tries, 0);
	ck_assert_int_eq(other.message.recipients[1].tries, 1);
	ck_assert_int_eq(other.message.recipients[1].next, 1070);
	expect_span(other.message.recipients[1].reply, "mx: 450 busy");
	queue_close(&entry);
	queue_close(&other);
	expect_content(e, "Received: from x\r\n\tby y; z\r\nx\r\n");
}
END_TEST

START_TEST(finishes)
{
	add_entry(e, "x\r\n");
	struct queue_entry entry = open_entry(e), other = open_entry(e);
	ck_assert_int_eq(queue_record(&entry, &done, both, 1, NULL), 0);
	ck_assert_int_eq(queue_record(&entry, &done, NULL, 0, NULL), 0);
	ck_assert_str_eq(names(), "0");
	/* The other one does not know of that yet, and is the last all the same. */
	ck_assert_int_eq(queue_record(&other, &done, second, 1, NULL), 1);
	ck_assert_str_eq(names(), "");
	ck_assert_int_eq(queue_refresh(&entry), QUEUE_GONE);
	ck_assert_int_eq(queue_record(&entry, &busy, both, 1, NULL), 1);
	ck_assert_int_eq(queue_record(&entry, &done, NULL, 0, NULL), 1);
	queue_close(&entry);
	queue_close(&other);
}
END_TEST

START_TEST(records_a_failure)
{
	struct queue_outcome failed = failed_with(n1), last = failed_with(n2);

	add_entry(e, "x\r\n");
	struct queue_entry entry = open_entry(e);
	struct queue_draft draft = draft_notice(n1);
	ck_assert_str_eq(names(), "0 1.0");
	ck_assert_int_eq(queue_record(&entry, &failed, both, 1, &draft), 0);
	ck_assert_str_eq(names(), "0 1");
	draft = draft_notice(n2);
	ck_assert_int_eq(queue_record(&entry, &last, second, 1, &draft), 1);
	ck_assert_str_eq(names(), "1 2");
	queue_close(&entry);
	expect_content(n2, "Received: from x\r\n\tby y; z\r\nit failed\r\n");
}
END_TEST

START_TEST(records_a_delay)
{
	struct queue_outcome late = busy;

	add_entry(e, "x\r\n");
	struct queue_entry entry = open_entry(e);
	struct queue_draft draft = draft_notice(n1);
	late.delayed = true;
	late.notice = n1;
	ck_assert_int_eq(queue_record(&entry, &late, both, 2, &draft), 0);
	ck_assert_str_eq(names(), "0 1");
	ck_assert_int_eq(queue_record(&entry, &busy, both, 2, NULL), 0);
	ck_assert_int_eq(queue_refresh(&entry), QUEUE_OK);
	ck_assert(entry.message.recipients[1].delayed);
	queue_close(&entry);
}
END_TEST

static void
gather(const char *id, void *context)
{
	strcat(context, (char[]){ id[0], '\0' });
}

START_TEST(lists)
{
	char ids[100] = "";

	ck_assert_int_eq(queue_list(root, false, gather, ids), 0);
	ck_assert_str_eq(ids, "");
	add_entry(e, "x\r\n");
	add_entry(n1, "x\r\n");
	(void)draft_notice(n2);
	ck_assert_int_eq(queue_list(root, false, gather, ids), 0);
	ck_assert(strcmp(ids, "01") == 0 || strcmp(ids, "10") == 0);
}
END_TEST

START_TEST(stores_nothing_where_it_cannot)
{
	struct queue_message message = message_of(e);
	struct spool body;

	fill(&body, "x\r\n");
	ck_assert_int_eq(symlinkat("/nowhere", root, "queue"), 0);
	ck_assert_int_eq(queue_add(root, &message, span_of(trace), &body), -1);
	ck_assert_int_eq(unlinkat(root, "queue", 0), 0);
	ck_assert_int_eq(queue_add(root, &message, span_of(trace), &body), 0);
	ck_assert_str_eq(names(), "0");
	spool_free(&body);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, quiet_setup, teardown);
	tcase_add_test(t, adds);
	tcase_add_test(t, adds_a_large_one);
	tcase_add_test(t, knows_what_is_not_there);
	tcase_add_test(t, knows_what_is_broken);
	tcase_add_test(t, claims_a_recipient_once);
	tcase_add_test(t, records_a_retry);
	tcase_add_test(t, finishes);
	tcase_add_test(t, records_a_failure);
	tcase_add_test(t, records_a_delay);
	tcase_add_test(t, lists);
	tcase_add_test(t, stores_nothing_where_it_cannot);
}

int
main(void)
{
	return run_suite("queue", add);
}
