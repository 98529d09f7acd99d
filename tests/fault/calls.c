/*
 * The wrappers: each asks the shim, then calls the next definition of its name, which is libc's or a sanitizer's.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"
#include "trace.h"

#define REAL(name)                              \
	static __typeof__(&(name)) real_##name; \
	if (real_##name == NULL)                \
	*(void **)&real_##name = dlsym(RTLD_NEXT, #name)

enum { FIXED_PID = 2147483000 }; /* nobody's */

/* A new file, perhaps. */
static int
opened(int fd, int flags, int dir, const char *path)
{
	if (fd >= 0 && flags & O_CREAT)
		trace_entry("create", dir, path, NULL);
	return (int)shim_done(fd);
}

int
open(const char *path, int flags, ...)
{
	va_list list;
	REAL(open);

	va_start(list, flags);
	mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	if (shim_fails(flags & O_CREAT ? "create" : "open", flags & O_CREAT ? CREATES : OPENS, -1, path))
		return -1;
	return opened(real_open(path, flags, mode), flags, AT_FDCWD, path);
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list list;
	REAL(openat);

	va_start(list, flags);
	mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	if (shim_fails(flags & O_CREAT ? "create" : "open", flags & O_CREAT ? CREATES : OPENS, dir, path))
		return -1;
	return opened(real_openat(dir, path, flags, mode), flags, dir, path);
}

ssize_t
read(int fd, void *bytes, size_t n)
{
	REAL(read);
	return shim_fails("read", READS, fd, NULL) ? -1 : shim_done(real_read(fd, bytes, shim_shortened(n)));
}

ssize_t
pread(int fd, void *bytes, size_t n, off_t from)
{
	REAL(pread);
	return shim_fails("read", READS, fd, NULL)
		   ? -1
		   : shim_done(real_pread(fd, bytes, shim_shortened(n), from));
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	REAL(write);
	if (shim_fails("write", WRITES, fd, NULL))
		return -1;
	ssize_t done = real_write(fd, bytes, shim_shortened(n));
	trace_write(fd, bytes, done, -1);
	return shim_done(done);
}

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t to)
{
	REAL(pwrite);
	if (shim_fails("write", WRITES, fd, NULL))
		return -1;
	ssize_t done = real_pwrite(fd, bytes, shim_shortened(n), to);
	trace_write(fd, bytes, done, to);
	return shim_done(done);
}

ssize_t
recv(int fd, void *bytes, size_t n, int flags)
{
	REAL(recv);
	return shim_fails("recv", 0, fd, NULL) ? -1
					       : shim_done(real_recv(fd, bytes, shim_shortened(n), flags));
}

ssize_t
send(int fd, const void *bytes, size_t n, int flags)
{
	REAL(send);
	if (shim_fails("send", 0, fd, NULL))
		return -1;
	ssize_t done = real_send(fd, bytes, shim_shortened(n), flags);
	trace_said(bytes, done);
	return shim_done(done);
}

static int
sync_with(const char *trace, int (*sync)(int), int fd)
{
	if (shim_fails("sync", SYNCS, fd, NULL))
		return -1;
	int result = sync(fd);
	if (result == 0)
		trace_file(trace, fd, 0);
	return (int)shim_done(result);
}

int
fsync(int fd)
{
	REAL(fsync);
	return sync_with("sync", real_fsync, fd);
}

int
fdatasync(int fd)
{
	REAL(fdatasync);
	return sync_with("datasync", real_fdatasync, fd);
}

int
ftruncate(int fd, off_t size)
{
	REAL(ftruncate);
	if (shim_fails("truncate", OTHER, fd, NULL))
		return -1;
	int result = real_ftruncate(fd, size);
	if (result == 0)
		trace_file("truncate", fd, size);
	return (int)shim_done(result);
}

int
fchmod(int fd, mode_t mode)
{
	REAL(fchmod);
	if (shim_fails("chmod", OTHER, fd, NULL))
		return -1;
	int result = real_fchmod(fd, mode);
	if (result == 0)
		trace_file("mode", fd, (off_t)mode);
	return (int)shim_done(result);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	REAL(renameat);
	if (shim_fails("rename", CREATES, from_dir, from))
		return -1;
	int result = real_renameat(from_dir, from, to_dir, to);
	if (result == 0)
		trace_entry("rename", to_dir, to, from);
	return (int)shim_done(result);
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	REAL(linkat);
	if (shim_fails("link", CREATES, to_dir, to))
		return -1;
	int result = real_linkat(from_dir, from, to_dir, to, flags);
	if (result == 0)
		trace_entry("link", to_dir, to, from);
	return (int)shim_done(result);
}

int
unlinkat(int dir, const char *path, int flags)
{
	REAL(unlinkat);
	if (shim_fails("unlink", OTHER, dir, path))
		return -1;
	int result = real_unlinkat(dir, path, flags);
	if (result == 0)
		trace_entry("unlink", dir, path, NULL);
	return (int)shim_done(result);
}

int
mkdir(const char *path, mode_t mode)
{
	REAL(mkdir);
	return shim_fails("mkdir", CREATES, -1, path) ? -1 : (int)shim_done(real_mkdir(path, mode));
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	REAL(mkdirat);
	if (shim_fails("mkdir", CREATES, dir, path))
		return -1;
	int result = real_mkdirat(dir, path, mode);
	if (result == 0)
		trace_entry("mkdir", dir, path, NULL);
	return (int)shim_done(result);
}

int
fcntl(int fd, int command, ...)
{
	va_list list;
	REAL(fcntl);

	va_start(list, command);
	void *argument = va_arg(list, void *);
	va_end(list);
	const char *name = command == F_SETLK || command == F_SETLKW ? "lock" : "fcntl";
	return shim_fails(name, OTHER, fd, NULL) ? -1 : (int)shim_done(real_fcntl(fd, command, argument));
}

int
fstat(int fd, struct stat *st)
{
	REAL(fstat);
	return shim_fails("stat", OTHER, fd, NULL) ? -1 : (int)shim_done(real_fstat(fd, st));
}

int
fstatat(int dir, const char *path, struct stat *st, int flags)
{
	REAL(fstatat);
	return shim_fails("stat", OTHER, dir, path) ? -1 : (int)shim_done(real_fstatat(dir, path, st, flags));
}

/* The descriptor is gone in any case, as in Linux. */
int
close(int fd)
{
	REAL(close);
	bool failed = shim_fails("close", OTHER, fd, NULL);
	int error = errno, result = real_close(fd);

	if (!failed)
		return (int)shim_done(result);
	errno = error;
	return -1;
}

void *
mmap(void *where, size_t n, int protection, int flags, int fd, off_t from)
{
	REAL(mmap);
	if (fd >= 0 && shim_fails("mmap", OTHER, fd, NULL))
		return MAP_FAILED;
	return real_mmap(where, n, protection, flags, fd, from);
}

pid_t
fork(void)
{
	REAL(fork);
	if (shim_fails("fork", OTHER, -1, NULL))
		return -1;
	pid_t pid = real_fork();
	if (pid == 0)
		shim_forked();
	return (pid_t)shim_done(pid);
}

off_t
lseek(int fd, off_t to, int whence)
{
	REAL(lseek);
	return shim_fails("seek", OTHER, fd, NULL) ? -1 : (off_t)shim_done(real_lseek(fd, to, whence));
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	REAL(clock_gettime);
	int result = real_clock_gettime(clock, now);

	if (shim_clock() != 0 && clock == CLOCK_REALTIME)
		*now = (struct timespec){ shim_clock(), 0 };
	return result;
}

time_t
time(time_t *now)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (now != NULL)
		*now = ts.tv_sec;
	return ts.tv_sec;
}

pid_t
getpid(void)
{
	return shim_clock() != 0 ? FIXED_PID : (pid_t)syscall(SYS_getpid);
}
