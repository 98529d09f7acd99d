#include "wake.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "io.h"
#include "queue.h"
#include "unique.h"

static const char flush_file[] = "queue/flush";

void
wake_runner(int wake, const char *id)
{
	char line[UNIQUE_ID + 2];
	int n = snprintf(line, sizeof line, "%s\n", id);

	/* So little is written as a whole, or, where the pipe is full, not at all. */
	if (wake >= 0 && n > 0 && write(wake, line, (size_t)n) < 0)
		return;
}

int
wake_flush(int root)
{
	struct timespec now[2] = { { .tv_sec = (time_t)queue_now() }, { .tv_sec = (time_t)queue_now() } };
	int fd = io_open(root, flush_file, O_WRONLY | O_CREAT);

	if (fd < 0) /* nothing has ever been there */
		return errno == ENOENT ? 0 : -1;
	int result = futimens(fd, now);
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

int64_t
wake_flushed(int root)
{
	struct stat st;

	return fstatat(root, flush_file, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : (int64_t)st.st_mtime;
}
