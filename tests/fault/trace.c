/*
 * trace: one record a call, a line and then the bytes it speaks of:
 *
 *	start				a program begins
 *	write INODE AT N		and N bytes
 *	truncate INODE SIZE
 *	mode INODE MODE
 *	sync INODE 0, datasync INODE 0	a file or a directory
 *	create INODE MODE PATH, mkdir INODE MODE PATH, link INODE MODE PATH FROM, unlink 0 0 PATH
 *	rename INODE MODE PATH FROM	FROM without its directory, which is PATH's
 *	said N				and N bytes to the peer
 *
 * Of a file that was opened with O_CREAT, create is recorded even where it was there before.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int trace_fd = -1;
static const char *trace_root;

void
trace_begin(const char *file, const char *root)
{
	if (file == NULL)
		return;
	trace_root = root;
	trace_fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	syscall(SYS_write, trace_fd, "start\n", 6);
}

static void
record(const char *line, int length, const void *bytes, size_t n)
{
	struct iovec parts[] = { { (void *)(size_t)line, (size_t)length }, { (void *)(size_t)bytes, n } };

	syscall(SYS_writev, trace_fd, parts, 2);
}

void
trace_path(int fd, char path[PATH_MAX])
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = syscall(SYS_readlink, link, path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = '\0';
}

/* The path of a descriptor, if it is below the mail root. */
static bool
is_ours(int fd, char path[PATH_MAX])
{
	trace_path(fd, path);
	return strncmp(path, trace_root, strlen(trace_root)) == 0;
}

void
trace_write(int fd, const void *bytes, ssize_t n, off_t at)
{
	char path[PATH_MAX], line[128];
	struct stat st;
	int error = errno;

	if (trace_fd < 0 || n <= 0 || !is_ours(fd, path) ||
	    syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) < 0)
		return;
	if (at < 0)
		at = (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR) - n;
	int length = snprintf(
	    line, sizeof(line), "write %llu %lld %zd\n", (unsigned long long)st.st_ino, (long long)at, n);
	record(line, length, bytes, (size_t)n);
	errno = error;
}

void
trace_file(const char *what, int fd, off_t number)
{
	char path[PATH_MAX], line[128];
	struct stat st;
	int error = errno;

	if (trace_fd < 0 || !is_ours(fd, path) || syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) < 0)
		return;
	int length = snprintf(
	    line, sizeof(line), "%s %llu %lld\n", what, (unsigned long long)st.st_ino, (long long)number);
	record(line, length, "", 0);
	errno = error;
}

void
trace_entry(const char *what, int dir, const char *name, const char *from)
{
	char path[PATH_MAX], line[PATH_MAX + 512];
	struct stat st = { .st_ino = 0 };
	int error = errno;

	if (trace_fd < 0 || !is_ours(dir, path))
		return;
	syscall(SYS_newfstatat, dir, name, &st, AT_SYMLINK_NOFOLLOW);
	int length =
	    snprintf(line, sizeof(line), "%s %llu %o %s/%s%s%s\n", what, (unsigned long long)st.st_ino,
		(unsigned)st.st_mode & 0777, path, name, from == NULL ? "" : " ", from == NULL ? "" : from);
	record(line, length, "", 0);
	errno = error;
}

void
trace_said(const void *bytes, ssize_t n)
{
	char line[64];

	if (trace_fd < 0 || n <= 0)
		return;
	int error = errno, length = snprintf(line, sizeof(line), "said %zd\n", n);
	record(line, length, bytes, (size_t)n);
	errno = error;
}
