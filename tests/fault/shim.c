/*
 * shim: preloaded into a program under test. Counts its system calls, and at the n-th does what the environment says. Test only; Linux.
 *
 *	FAULT_ROOT	the mail root: faults that go on, and what is recorded, concern only what is below it
 *	FAULT_LOG	a file: one line a call, "number name kind path", for the driver to see what there is to fail
 *	FAULT_AT	the number of the call, from 1; without it nothing happens but counting
 *	FAULT_DO	an errno's name; "short": half of the bytes; "kill": SIGKILL before the call; "killed": behind it;
 *			"append": another program appends FAULT_FOREIGN to FAULT_MBOX under both locks, if it gets them,
 *			and makes FAULT_DONE
 *	FAULT_ON	an errno's name: that error for every later call below the mail root that may have it
 *	FAULT_TRACE	a file: what changes the disk, or is said to the peer, is recorded there (trace.c)
 *	FAULT_CLOCK	seconds since 1970: the only time there is, and the pid is always the same
 *	FAULT_FORKED	only processes that came of so many forks count: a daemon's child is 1, its child's child 2
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"
#include "trace.h"

static const struct {
	const char *name;
	int error;
	unsigned of; /* where it goes on */
} errors[] = {
	{ "EIO", EIO, READS | WRITES | CREATES | SYNCS },
	{ "ENOSPC", ENOSPC, WRITES | CREATES },
	{ "EDQUOT", EDQUOT, WRITES | CREATES },
	{ "EROFS", EROFS, WRITES | CREATES },
	{ "EINTR", EINTR, 0 },
	{ "EMFILE", EMFILE, OPENS | CREATES },
	{ "EAGAIN", EAGAIN, 0 },
	{ "ENOMEM", ENOMEM, 0 },
	{ "ENOLCK", ENOLCK, 0 },
	{ "EPIPE", EPIPE, 0 },
};

static const char *root, *what;
static long at, number, clock_at;
static long *last; /* number, of all processes where FAULT_FORKED is set */
static int forks, counted = -1;
static bool begun, cut;
static int log_fd = -1, error_at, error_on;
static unsigned error_of;

__attribute__((constructor)) static void
begin(void)
{
	const char *value = getenv("FAULT_LOG");

	root = getenv("FAULT_ROOT");
	if (root == NULL)
		return;
	if (value != NULL)
		log_fd = (int)syscall(
		    SYS_openat, AT_FDCWD, value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	value = getenv("FAULT_CLOCK");
	clock_at = value == NULL ? 0 : atol(value);
	value = getenv("FAULT_AT");
	at = value == NULL ? 0 : atol(value);
	what = getenv("FAULT_DO");
	what = what == NULL ? "" : what;
	value = getenv("FAULT_ON");
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (strcmp(errors[i].name, what) == 0)
			error_at = errors[i].error;
		if (value != NULL && strcmp(errors[i].name, value) == 0) {
			error_on = errors[i].error;
			error_of = errors[i].of;
		}
	}
	value = getenv("FAULT_FORKED");
	counted = value == NULL ? -1 : atoi(value);
	int shared = counted < 0 ? MAP_PRIVATE : MAP_SHARED;
	last = mmap(NULL, sizeof(*last), PROT_READ | PROT_WRITE, shared | MAP_ANONYMOUS, -1, 0);
	trace_begin(getenv("FAULT_TRACE"), root);
	begun = last != MAP_FAILED;
}

void
shim_forked(void)
{
	forks++;
	number = 0;
}

/* "file", "dir", "sock" or "other"; file and dir only below the mail root. */
static const char *
kind_of(int fd, const char *name, char path[PATH_MAX])
{
	path[0] = '\0';
	if (name != NULL && name[0] == '/')
		snprintf(path, PATH_MAX, "%s", name);
	else if (fd >= 0)
		trace_path(fd, path);
	size_t n = strlen(path);
	if (name != NULL && name[0] != '/')
		snprintf(path + n, PATH_MAX - n, "/%s", name);
	if (strncmp(path, "socket:", 7) == 0)
		return "sock";
	if (strncmp(path, root, strlen(root)) != 0)
		return "other";
	struct stat st;
	return syscall(SYS_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)
		   ? "dir"
		   : "file";
}

/* Another program's child: a message at the end of the mailbox, under the locks as Debian wants them. */
static void
append(void)
{
	const char *mbox = getenv("FAULT_MBOX"), *text = getenv("FAULT_FOREIGN");
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char dotlock[PATH_MAX];
	pid_t child = (pid_t)syscall(SYS_fork);

	if (child == 0) {
		begun = false;
		int fd = open(mbox, O_RDWR | O_APPEND);
		snprintf(dotlock, sizeof(dotlock), "%s.lock", mbox);
		if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0)
			_exit(1);
		int dot = open(dotlock, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (dot < 0 || write(fd, text, strlen(text)) < 0)
			_exit(1);
		unlink(dotlock);
		_exit(open(getenv("FAULT_DONE"), O_WRONLY | O_CREAT, 0600) < 0);
	}
	waitpid(child, NULL, 0);
}

/* A call begins: true where it is to fail, with errno. */
bool
shim_fails(const char *name, unsigned may, int fd, const char *file)
{
	char path[PATH_MAX];

	if (!begun || (counted >= 0 && forks != counted))
		return false;
	number = __atomic_add_fetch(last, 1, __ATOMIC_RELAXED);
	cut = false;
	if (log_fd >= 0) {
		char line[PATH_MAX + 100];
		const char *kind = kind_of(fd, file, path);
		int n = snprintf(line, sizeof(line), "%ld %s %s %s\n", number, name, kind, path);
		syscall(SYS_write, log_fd, line, (size_t)n);
	}
	if (at == 0 || number < at)
		return false;
	if (number == at) {
		if (strcmp(what, "kill") == 0)
			syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
		if (strcmp(what, "append") == 0)
			append();
		cut = strcmp(what, "short") == 0;
		/* Of a program with several processes another call may come at this number than in the run that was counted. */
		if (error_at == EINTR && strstr("read write recv send", name) == NULL)
			return false;
		errno = error_at;
		return error_at != 0;
	}
	if ((error_of & may) == 0 || strcmp(kind_of(fd, file, path), "other") == 0 ||
	    strncmp(path, "socket", 6) == 0)
		return false;
	errno = error_on;
	return true;
}

ssize_t
shim_done(ssize_t result)
{
	if (begun && number == at && strcmp(what, "killed") == 0)
		syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	return result;
}

size_t
shim_shortened(size_t n)
{
	return cut && n > 1 ? n / 2 : n;
}

long
shim_clock(void)
{
	return begun ? clock_at : 0;
}
