#include "account_file.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"

int
account_file_open(struct account_file *f, int root)
{
	struct stat st;

	f->fd = openat(root, "accounts", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	f->offset = f->size = 0;
	f->at = f->n = 0;
	f->ends = true;
	if (f->fd < 0)
		return -1;
	int error = fstat(f->fd, &st) < 0     ? errno
		    : !S_ISREG(st.st_mode)    ? EINVAL
		    : (st.st_mode & 022) != 0 ? EPERM
					      : 0;
	if (error == 0) {
		f->size = st.st_size;
		return 0;
	}
	close(f->fd);
	errno = error;
	return -1;
}

void
account_file_close(struct account_file *f)
{
	int error = errno;

	wipe(f->block, f->offset < ACCOUNT_BLOCK ? (size_t)f->offset : ACCOUNT_BLOCK);
	close(f->fd);
	errno = error;
}

/* More of the file behind what is left in the block. How many bytes: 0 at the end, -1 with errno. */
static ssize_t
fill(struct account_file *f)
{
	memmove(f->block, f->block + f->at, f->n - f->at);
	f->n -= f->at;
	f->at = 0;
	size_t room = ACCOUNT_BLOCK - f->n, left = (size_t)(f->size - f->offset);
	ssize_t got = io_read_at(f->fd, f->block + f->n, left < room ? left : room, f->offset);
	if (got > 0) {
		f->n += (size_t)got;
		f->offset += got;
	}
	return got;
}

int
account_file_next(struct account_file *f, struct span *line)
{
	const char *end;
	ssize_t got = 1;

	while ((end = memchr(f->block + f->at, '\n', f->n - f->at)) == NULL && f->n - f->at < ACCOUNT_BLOCK &&
	       got > 0)
		got = fill(f);
	if (got < 0)
		return -1;
	line->at = f->block + f->at;
	line->n = end != NULL ? (size_t)(end + 1 - line->at) : f->n - f->at;
	f->goes_on = !f->ends;
	f->ends = end != NULL;
	f->at += line->n;
	return line->n > 0;
}

static struct span
without_end(struct span s)
{
	if (s.n > 0 && s.at[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.at[s.n - 1] == '\r')
		s.n--;
	return s;
}

bool
account_file_is(const struct account_file *f, struct span line, const char *name, struct span *credential)
{
	size_t n = strlen(name);

	if (f->goes_on || line.n <= n || line.at[n] != ':' || !span_is_nocase(span_slice(line, 0, n), name))
		return false;
	*credential = without_end(span_slice(line, n + 1, line.n));
	return true;
}

bool
account_file_name(
    const struct account_file *f, struct span line, char name[ACCOUNT_NAME + 1], struct span *credential)
{
	struct span user = span_until(line, ':', credential);

	*credential = without_end(*credential);
	return !f->goes_on && credential->at != NULL && account_name(user, name) && strlen(name) == user.n;
}
