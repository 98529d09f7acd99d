/*
 * Our dotlock reads "PID\nINODE\n": the first line as liblockfile writes it, the second says which file's fcntl lock its holder has.
 * So a dotlock of ours is stale as soon as that fcntl lock is granted to somebody else, whatever became of the pid, the host or the boot.
 * It carries the x bit, by which it is known for ours where its maker died, or had no room, before it said so.
 */
#include "lock.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "conn.h"
#include "unique.h"

int
lock_init(struct lock *lock, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	*lock = (struct lock){ .device = st.st_dev, .inode = st.st_ino, .mode = st.st_mode };
	return 0;
}

/* Again and again: one that comes just before the wait must not be the last. */
static void
on_alarm(int signal)
{
	(void)signal;
	alarm(1);
}

/* The kernel's queue is fair and wakes at once, but knows no time-out: the alarm does nothing but interrupt the wait. */
static enum lock_status
wait_for_fcntl(int fd, struct flock *range, int seconds)
{
	struct sigaction action = { .sa_handler = on_alarm }, before;
	int64_t deadline = conn_now() + (int64_t)seconds * 1000;
	enum lock_status status = LOCK_BUSY;

	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, &before);
	while (conn_now() < deadline) {
		alarm((unsigned)((deadline - conn_now()) / 1000) + 1);
		if (fcntl(fd, F_SETLKW, range) == 0) {
			status = LOCK_OK;
			break;
		}
		if (errno != EINTR) {
			status = LOCK_FAILED;
			break;
		}
	}
	int error = errno;
	alarm(0);
	sigaction(SIGALRM, &before, NULL);
	errno = error;
	return status;
}

static enum lock_status
take_fcntl(int fd, short type, int seconds)
{
	struct flock range = { .l_type = type, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &range) == 0)
		return LOCK_OK;
	if (errno != EAGAIN && errno != EACCES)
		return LOCK_FAILED;
	return seconds > 0 ? wait_for_fcntl(fd, &range, seconds) : LOCK_BUSY;
}

enum lock_status
lock_fcntl(int fd, int seconds)
{
	return take_fcntl(fd, F_WRLCK, seconds);
}

enum lock_status
lock_fcntl_shared(int fd, int seconds)
{
	return take_fcntl(fd, F_RDLCK, seconds);
}

void
lock_fcntl_release(int fd)
{
	struct flock range = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	int error = errno;

	fcntl(fd, F_SETLK, &range);
	errno = error;
}

/* "mbox" -> "mbox.lock". */
static bool
dotlock_name(const char *name, char out[NAME_MAX + 1])
{
	int n = snprintf(out, NAME_MAX + 1, "%s.lock", name);

	return n > 0 && n <= NAME_MAX;
}

/* What stands in the dotlock. What may not be read names nobody. False where there is none, or no file. */
static bool
read_dotlock(int dir, const char *name, struct stat *st, char text[128])
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		memcpy(text, "0", sizeof("0"));
		return errno == EACCES && fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0 &&
		       S_ISREG(st->st_mode);
	}
	ssize_t n = fstat(fd, st) == 0 && S_ISREG(st->st_mode) ? read(fd, text, 127) : -1;
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n >= 0;
}

/* Does it say all that ours say? */
static bool
is_complete(const char *text)
{
	const char *second = strchr(text, '\n');

	return second != NULL && strchr(second + 1, '\n') != NULL;
}

/* We hold the fcntl lock of the file with this inode; may the dotlock that stands there be removed? */
static bool
is_stale(int dir, const char *name, ino_t inode)
{
	char text[128], *end;
	struct stat st;

	if (!read_dotlock(dir, name, &st, text))
		return false;
	time_t age = time(NULL) - st.st_mtime;
	long long pid = strtoll(text, &end, 10);
	/* A power cut may leave the first digits of a pid, which are another's, who always lives. */
	if ((st.st_mode & S_IXUSR) != 0 && !is_complete(text))
		return true;
	if (end == text || pid < 0 || pid > INT_MAX)
		return age > DOTLOCK_UNREADABLE;
	if (pid == 0)
		return age > DOTLOCK_NAMELESS;
	if (*end == '\n' && end[1] != '\0' && strtoull(end + 1, NULL, 10) == (unsigned long long)inode)
		return true;
	return age > DOTLOCK_LIVING || (kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

enum dotlock
lock_look(int dir, const char *name, ino_t inode)
{
	char dotlock[NAME_MAX + 1];
	struct stat st;

	if (!dotlock_name(name, dotlock) || fstatat(dir, dotlock, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DOTLOCK_NONE;
	return is_stale(dir, dotlock, inode) ? DOTLOCK_STALE : DOTLOCK_HELD;
}

/* It is empty where there is no room to write into it; it holds all the same. */
static void
write_holder(int fd, ino_t inode)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%ld\n%llu\n", pid_own(), (unsigned long long)inode);

	if (write(fd, text, (size_t)n) != n)
		(void)ftruncate(fd, 0);
	close(fd);
}

static enum lock_status
take_dotlock(int dir, const char *name, struct lock *lock)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	for (int attempt = 0; attempt < 3; attempt++) {
		int fd = openat(dir, name, flags, 0600 | S_IXUSR);
		lock->dotted = fd >= 0;
		if (lock->dotted) {
			write_holder(fd, lock->inode);
			return LOCK_OK;
		}
		if (errno != EEXIST)
			return LOCK_FAILED;
		if (!is_stale(dir, name, lock->inode))
			return LOCK_BUSY;
		unlinkat(dir, name, 0);
	}
	return LOCK_BUSY;
}

static bool
is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EROFS;
}

void
lock_mbox_release(int dir, const char *name, int fd, struct lock *lock)
{
	char dotlock[NAME_MAX + 1];

	if (lock->dotted && dotlock_name(name, dotlock))
		unlinkat(dir, dotlock, 0);
	lock->dotted = false;
	lock_fcntl_release(fd);
}

/* Does the name still stand for the file that is locked? Its size is worth knowing only now. */
static enum lock_status
look_again(int dir, const char *name, struct lock *lock)
{
	struct stat st;

	if (fstatat(dir, name, &st, 0) < 0)
		return errno == ENOENT ? LOCK_MOVED : LOCK_FAILED;
	if (st.st_ino != lock->inode || st.st_dev != lock->device)
		return LOCK_MOVED;
	lock->size = st.st_size;
	return LOCK_OK;
}

/* All or nothing. */
static enum lock_status
lock_once(int dir, const char *name, int fd, int seconds, bool lax, struct lock *lock)
{
	char dotlock[NAME_MAX + 1];

	if (!dotlock_name(name, dotlock)) {
		errno = ENAMETOOLONG;
		return LOCK_FAILED;
	}
	enum lock_status status = lock_fcntl(fd, seconds);
	if (status != LOCK_OK)
		return status;
	status = take_dotlock(dir, dotlock, lock);
	if (status == LOCK_OK || (status == LOCK_FAILED && lax && is_full(errno)))
		status = look_again(dir, name, lock);
	if (status != LOCK_OK) {
		int error = errno;
		lock_mbox_release(dir, name, fd, lock);
		errno = error;
	}
	return status;
}

enum lock_status
lock_mbox(int dir, const char *name, int fd, int seconds, bool lax, struct lock *lock)
{
	int64_t deadline = conn_now() + (int64_t)seconds * 1000;
	long pause = 2;

	for (;;) {
		int left = (int)((deadline - conn_now() + 999) / 1000);
		enum lock_status status = lock_once(dir, name, fd, left > 0 ? left : 0, lax, lock);
		if (status != LOCK_BUSY || conn_now() >= deadline)
			return status;
		/* Somebody has the dotlock. The fcntl lock is free meanwhile: he may be one who takes it second. */
		struct timespec nap = { 0, pause * 1000000 };
		nanosleep(&nap, NULL);
		if (pause < 100)
			pause *= 2;
	}
}
