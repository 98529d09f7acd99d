#include "io.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
io_write(int fd, struct span bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.at, bytes.n);
		if (n < 0 && errno != EINTR)
			return -1;
		bytes = n < 0 ? bytes : span_slice(bytes, (size_t)n, bytes.n);
	}
	return 0;
}

int
io_write_at(int fd, struct span bytes, off_t at)
{
	while (bytes.n > 0) {
		ssize_t n = pwrite(fd, bytes.at, bytes.n, at);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			bytes = span_slice(bytes, (size_t)n, bytes.n);
			at += n;
		}
	}
	return 0;
}

ssize_t
io_read_at(int fd, void *bytes, size_t n, off_t at)
{
	size_t got = 0;

	while (got < n) {
		ssize_t part = pread(fd, (char *)bytes + got, n - got, at + (off_t)got);
		if (part < 0 && errno != EINTR)
			return -1;
		if (part == 0)
			break;
		got += part > 0 ? (size_t)part : 0;
	}
	return (ssize_t)got;
}

int
io_read_regular(int fd, struct stat *seen, struct buf *out)
{
	if (fstat(fd, seen) < 0)
		return -1;
	/* A FIFO or a device could be read for ever. */
	if (!S_ISREG(seen->st_mode) || (size_t)seen->st_size > out->max - out->len) {
		errno = S_ISREG(seen->st_mode) ? EFBIG : EINVAL;
		return -1;
	}
	size_t size = (size_t)seen->st_size;
	char *room = buf_reserve(out, size);
	ssize_t n = room == NULL ? -1 : io_read_at(fd, room, size, 0);
	out->len += n > 0 ? (size_t)n : 0;
	return n < 0 ? -1 : 0;
}

int
io_read_file(int dir, const char *name, int flags, struct stat *seen, struct buf *out)
{
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);
	int result = fd < 0 ? -1 : io_read_regular(fd, seen, out);

	io_close(fd);
	return result;
}

void
io_close(int fd)
{
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
}

int
io_open(int dir, const char *name, int flags)
{
	struct stat st;
	int fd = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	int error = fstat(fd, &st) < 0 ? errno : !S_ISREG(st.st_mode) || st.st_nlink > 1 ? EBADMSG : 0;
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

int
io_open_renamed(int dir, const char *name, const char *old, int flags)
{
	int fd = io_open(dir, name, flags);

	if (fd >= 0 || errno != EBADMSG)
		return fd;
	if (unlinkat(dir, old, 0) == 0)
		return io_open(dir, name, flags);
	errno = EBADMSG;
	return -1;
}

int
io_copy(int from, off_t at, off_t end, int to)
{
	char piece[64 * 1024];

	while (at < end) {
		size_t want = end - at < (off_t)sizeof(piece) ? (size_t)(end - at) : sizeof(piece);
		ssize_t n = io_read_at(from, piece, want, at);
		if (n <= 0 || io_write(to, (struct span){ piece, (size_t)n }) < 0) {
			errno = n == 0 ? EIO : errno;
			return -1;
		}
		at += n;
	}
	return 0;
}

int
io_set_append(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, on ? flags | O_APPEND : flags & ~O_APPEND);
}

int
io_pipe(int ends[2])
{
	if (pipe(ends) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) < 0 || fcntl(ends[i], F_SETFL, O_NONBLOCK) < 0)
			return -1;
	return 0;
}

int
io_sync_directory(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	int result = fsync(fd);
	io_close(fd);
	return result;
}
