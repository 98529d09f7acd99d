/* What may be left by who died: a row of the table at the head of queue.c each. */
#include "queue_entry.h"

#include <sys/stat.h>

#include <errno.h>

static int ready[2];

/* E.new as its writer has it in the middle of his work. */
static void
begin_to_write(void)
{
	char path[QUEUE_PATH];

	queue_path(e, "new", path);
	ck_assert(mkdirat(root, "queue", 0700) == 0 || errno == EEXIST);
	int fd = openat(root, path, O_RDWR | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "queue 1 0000", 12), 12);
	ck_assert(queue_lock(fd, QUEUE_LOCK_WRITER, F_WRLCK, F_SETLK));
}

static void
begin_a_notice(void)
{
	(void)draft_notice(n1);
}

/* What is to be left, and its writer still lives while `look` looks. */
static void
while_alive(void (*make)(void), void (*look)(void))
{
	int release[2];
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(release), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(release[1]);
		make();
		ck_assert_int_eq(write(ready[1], "", 1), 1);
		ssize_t n = read(release[0], &byte, 1);
		_exit(n == 0 ? 0 : 1);
	}
	close(release[0]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	look();
	close(release[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void
count_one(const char *id, void *context)
{
	++*(int *)context;
	ck_assert(queue_is_id(id));
}

static void
clean(void)
{
	int n = 0;

	ck_assert_int_eq(queue_list(root, true, count_one, &n), 0);
}

START_TEST(leaves_a_living_writer)
{
	while_alive(begin_to_write, clean);
	ck_assert_str_eq(names(), "0.n");
}
END_TEST

START_TEST(clears_away_a_dead_writer)
{
	in_child(begin_to_write);
	ck_assert_str_eq(names(), "0.n");
	clean();
	ck_assert_str_eq(names(), "");
}
END_TEST

START_TEST(passes_over_a_torn_line)
{
	char path[100];
	struct stat st;

	add_entry(e, "x\r\n");
	struct queue_entry entry = open_entry(e);
	ck_assert_int_eq(queue_record(&entry, &done, both, 1, NULL), 0);
	snprintf(path, sizeof path, "%s/queue/%s", dir, e);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(truncate(path, st.st_size - 5), 0);
	ck_assert_int_eq(queue_record(&entry, &busy, second, 1, NULL), 0);
	ck_assert_int_eq(queue_refresh(&entry), QUEUE_OK);
	ck_assert_int_eq(entry.message.recipients[0].state, QUEUE_WAITING);
	ck_assert_int_eq(entry.message.recipients[1].tries, 1);
	queue_close(&entry);
}
END_TEST

START_TEST(leaves_a_living_draft)
{
	add_entry(e, "x\r\n");
	while_alive(begin_a_notice, clean);
	ck_assert_str_eq(names(), "0 1.0");
}
END_TEST

START_TEST(drops_an_undecided_notice)
{
	add_entry(e, "x\r\n");
	in_child(begin_a_notice);
	ck_assert_str_eq(names(), "0 1.0");
	clean();
	ck_assert_str_eq(names(), "0");
}
END_TEST

/* Dies between the record and the new name: the draft comes back under its first one. */
static void
decide(const char *notice, const size_t *which, size_t n)
{
	struct queue_outcome failed = failed_with(notice);
	struct queue_entry entry = open_entry(e);
	struct buf line;
	char path[100];

	(void)draft_notice(notice);
	buf_init(&line, 1000);
	ck_assert_int_eq(queue_journal_write(e, &failed, which, n, &line), 0);
	snprintf(path, sizeof path, "%s/queue/%s", dir, e);
	int fd = open(path, O_WRONLY | O_APPEND);
	ck_assert_int_eq(write(fd, line.data, line.len), (ssize_t)line.len);
	close(fd);
	buf_free(&line);
	queue_close(&entry);
}

static void
decide_one(void)
{
	decide(n1, both, 1);
}

static void
decide_all(void)
{
	decide(n1, both, 2);
}

START_TEST(puts_a_decided_notice_in_force)
{
	add_entry(e, "x\r\n");
	in_child(decide_one);
	ck_assert_str_eq(names(), "0 1.0");
	clean();
	ck_assert_str_eq(names(), "0 1");
	clean();
	ck_assert_str_eq(names(), "0 1");
	expect_content(n1, "Received: from x\r\n\tby y; z\r\nit failed\r\n");
}
END_TEST

START_TEST(finishes_for_a_dead_writer)
{
	add_entry(e, "x\r\n");
	in_child(decide_all);
	struct queue_entry entry = open_entry(e);
	ck_assert_int_eq(queue_record(&entry, &done, NULL, 0, NULL), 1);
	queue_close(&entry);
	ck_assert_str_eq(names(), "1");
}
END_TEST

/* Who delivers the last recipient of an entry must see to the notice about another, too. */
START_TEST(loses_no_notice_with_the_last_delivery)
{
	add_entry(e, "x\r\n");
	in_child(decide_one);
	struct queue_entry entry = open_entry(e);
	ck_assert_int_eq(queue_record(&entry, &done, second, 1, NULL), 1);
	queue_close(&entry);
	ck_assert_str_eq(names(), "1");
}
END_TEST

START_TEST(drops_a_notice_about_nothing)
{
	add_entry(e, "x\r\n");
	in_child(begin_a_notice);
	ck_assert_int_eq(queue_remove(root, e), 0);
	clean();
	ck_assert_str_eq(names(), "");
}
END_TEST

/* What can't be read now may be readable tomorrow. */
START_TEST(keeps_a_notice_about_what_is_broken)
{
	char path[100];

	add_entry(e, "x\r\n");
	in_child(begin_a_notice);
	snprintf(path, sizeof path, "%s/queue/%s", dir, e);
	ck_assert_int_eq(truncate(path, 10), 0);
	clean();
	ck_assert_str_eq(names(), "0 1.0");
}
END_TEST

/* After a power cut a file may have its old name and its new one. */
START_TEST(takes_both_names_for_one)
{
	char old[QUEUE_PATH], new[QUEUE_PATH];

	add_entry(e, "x\r\n");
	queue_path(e, NULL, old);
	queue_path(e, "new", new);
	ck_assert_int_eq(linkat(root, old, root, new, 0), 0);
	struct queue_entry entry = open_entry(e);
	queue_close(&entry);
	ck_assert_str_eq(names(), "0");
	queue_path(e, n1, new);
	ck_assert_int_eq(linkat(root, old, root, new, 0), 0);
	clean();
	ck_assert_str_eq(names(), "0");
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, quiet_setup, teardown);
	tcase_add_test(t, leaves_a_living_writer);
	tcase_add_test(t, clears_away_a_dead_writer);
	tcase_add_test(t, passes_over_a_torn_line);
	tcase_add_test(t, leaves_a_living_draft);
	tcase_add_test(t, drops_an_undecided_notice);
	tcase_add_test(t, puts_a_decided_notice_in_force);
	tcase_add_test(t, finishes_for_a_dead_writer);
	tcase_add_test(t, loses_no_notice_with_the_last_delivery);
	tcase_add_test(t, drops_a_notice_about_nothing);
	tcase_add_test(t, keeps_a_notice_about_what_is_broken);
	tcase_add_test(t, takes_both_names_for_one);
}

int
main(void)
{
	return run_suite("queue_crash", add);
}
