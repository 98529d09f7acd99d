#include "store.h"

#include <sys/wait.h>
#include <time.h>

#include "lock.h"

static int dir, mbox;

static void
setup(void)
{
	store_make(&store);
	store_append(&store, span_of(""));
	dir = openat(store.root, "users/anna", O_RDONLY | O_DIRECTORY);
	mbox = open(store_file(&store, "mbox"), O_RDWR);
	ck_assert_int_ge(dir, 0);
	ck_assert_int_ge(mbox, 0);
}

static void
teardown(void)
{
	close(mbox);
	close(dir);
	store_remove(&store);
}

static enum lock_status
lock_now(struct lock *lock)
{
	ck_assert_int_eq(lock_init(lock, mbox), 0);
	return lock_mbox(dir, "mbox", mbox, 0, false, lock);
}

static void
expect_free(void)
{
	struct lock lock;

	ck_assert_int_eq(lock_now(&lock), LOCK_OK);
	lock_mbox_release(dir, "mbox", mbox, &lock);
	ck_assert(!store_has(&store, "mbox.lock"));
}

START_TEST(takes_both_and_gives_them_back)
{
	struct lock lock;
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	ck_assert_int_eq(lock_now(&lock), LOCK_OK);
	struct buf text = store_read(&store, "mbox.lock");
	ck_assert_int_eq(strtol(buf_string(&text), NULL, 10), getpid());
	ck_assert_ptr_nonnull(strchr(buf_string(&text), '\n'));
	buf_free(&text);
	pid_t child = fork();
	if (child == 0) {
		int other = open(store_file(&store, "mbox"), O_RDWR);
		_exit(fcntl(other, F_SETLK, &range) < 0 ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	lock_mbox_release(dir, "mbox", mbox, &lock);
	expect_free();
}
END_TEST

/* A process that is no more. */
static pid_t
dead_pid(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	return child;
}

static void
write_dotlock(long pid, const char *rest)
{
	char text[100];

	snprintf(text, sizeof(text), "%ld\n%s", pid, rest);
	store_write(&store, "mbox.lock", span_of(text));
}

START_TEST(respects_a_living_dotlock)
{
	struct lock lock;

	write_dotlock((long)getppid(), "");
	ck_assert_int_eq(lock_now(&lock), LOCK_BUSY);
	ck_assert(store_has(&store, "mbox.lock"));
	/* And holds nothing itself meanwhile. */
	unlink(store_file(&store, "mbox.lock"));
	expect_free();
}
END_TEST

START_TEST(breaks_the_dotlock_of_a_dead_process)
{
	write_dotlock((long)dead_pid(), "");
	expect_free();
}
END_TEST

START_TEST(breaks_ours_when_the_fcntl_lock_is_free)
{
	struct stat st;
	char inode[40];

	/* As after a power cut: the pid belongs to somebody else by now. */
	ck_assert_int_eq(fstat(mbox, &st), 0);
	snprintf(inode, sizeof(inode), "%llu\n", (unsigned long long)st.st_ino);
	write_dotlock((long)getppid(), inode);
	expect_free();
	write_dotlock((long)getppid(), "1\n");
	struct lock lock;
	ck_assert_int_eq(lock_now(&lock), LOCK_BUSY);
}
END_TEST

static void
age_dotlock(time_t seconds)
{
	struct timespec old[2] = { { .tv_sec = time(NULL) - seconds }, { .tv_sec = time(NULL) - seconds } };

	ck_assert_int_eq(utimensat(AT_FDCWD, store_file(&store, "mbox.lock"), old, 0), 0);
}

START_TEST(breaks_an_unreadable_one_when_it_is_old)
{
	struct lock lock;

	store_write(&store, "mbox.lock", span_of(""));
	ck_assert_int_eq(lock_now(&lock), LOCK_BUSY);
	age_dotlock(10);
	expect_free();
}
END_TEST

/* Killed between the two. */
START_TEST(breaks_ours_when_nothing_is_in_it_yet)
{
	struct lock lock;

	store_write(&store, "mbox.lock", span_of(""));
	ck_assert_int_eq(chmod(store_file(&store, "mbox.lock"), 0700), 0);
	expect_free();
	ck_assert_int_eq(lock_now(&lock), LOCK_OK);
	struct stat st;
	ck_assert_int_eq(stat(store_file(&store, "mbox.lock"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	lock_mbox_release(dir, "mbox", mbox, &lock);
}
END_TEST

/* What a power cut may leave of "1234\n56\n": a pid that is always somebody's. */
START_TEST(breaks_ours_when_a_part_is_in_it)
{
	for (size_t n = 1; n < strlen("1\n56\n"); n++) {
		store_write(&store, "mbox.lock", (struct span){ "1\n56\n", n });
		ck_assert_int_eq(chmod(store_file(&store, "mbox.lock"), 0700), 0);
		expect_free();
	}
}
END_TEST

/* As procmail and a plain dotlockfile write it: a script may work on the mailbox for a while under this lock alone. */
START_TEST(gives_a_nameless_one_time)
{
	struct lock lock;

	store_write(&store, "mbox.lock", span_of("0\n"));
	age_dotlock(100);
	ck_assert_int_eq(lock_now(&lock), LOCK_BUSY);
	ck_assert(store_has(&store, "mbox.lock"));
	age_dotlock(400);
	expect_free();
}
END_TEST

/* The pid may be another process's by now, and nothing else would ever end it. */
START_TEST(gives_a_living_one_more_time)
{
	struct lock lock;

	write_dotlock((long)getppid(), "");
	age_dotlock(900);
	ck_assert_int_eq(lock_now(&lock), LOCK_BUSY);
	age_dotlock(1100);
	expect_free();
}
END_TEST

/* Of root, say; who is root here may read it all the same, and sees that it is empty. */
START_TEST(breaks_one_that_may_not_be_read_when_it_is_old)
{
	struct lock lock;

	store_write(&store, "mbox.lock", span_of(""));
	ck_assert_int_eq(chmod(store_file(&store, "mbox.lock"), 0), 0);
	ck_assert_int_eq(lock_now(&lock), LOCK_BUSY);
	age_dotlock(400);
	expect_free();
}
END_TEST

START_TEST(sees_that_the_name_moved)
{
	struct lock lock;

	ck_assert_int_eq(lock_init(&lock, mbox), 0);
	store_write(&store, "other", span_of("x"));
	ck_assert_int_eq(renameat(dir, "other", dir, "mbox"), 0);
	ck_assert_int_eq(lock_mbox(dir, "mbox", mbox, 1, false, &lock), LOCK_MOVED);
	ck_assert(!store_has(&store, "mbox.lock"));
}
END_TEST

START_TEST(waits_for_the_holder)
{
	int ready[2], go[2];
	char byte;
	struct lock lock;

	ck_assert_int_eq(pipe(ready) | pipe(go), 0);
	pid_t child = fork();
	if (child == 0) {
		int other = open(store_file(&store, "mbox"), O_RDWR);
		if (lock_fcntl(other, 0) != LOCK_OK || write(ready[1], "", 1) != 1 ||
		    read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(0); /* and the lock is free */
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(lock_now(&lock), LOCK_BUSY);
	ck_assert_int_eq(write(go[1], "", 1), 1);
	ck_assert_int_eq(lock_mbox(dir, "mbox", mbox, 10, false, &lock), LOCK_OK);
	lock_mbox_release(dir, "mbox", mbox, &lock);
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, takes_both_and_gives_them_back);
	tcase_add_test(t, respects_a_living_dotlock);
	tcase_add_test(t, breaks_the_dotlock_of_a_dead_process);
	tcase_add_test(t, breaks_ours_when_the_fcntl_lock_is_free);
	tcase_add_test(t, breaks_an_unreadable_one_when_it_is_old);
	tcase_add_test(t, breaks_ours_when_nothing_is_in_it_yet);
	tcase_add_test(t, breaks_ours_when_a_part_is_in_it);
	tcase_add_test(t, gives_a_nameless_one_time);
	tcase_add_test(t, gives_a_living_one_more_time);
	tcase_add_test(t, breaks_one_that_may_not_be_read_when_it_is_old);
	tcase_add_test(t, sees_that_the_name_moved);
	tcase_add_test(t, waits_for_the_holder);
}

int
main(void)
{
	return run_suite("lock", add);
}
