#include "redo_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "io.h"

const char redo_file_name[] = "mbox.redo";
static const char fresh_name[] = "mbox.redo.new";

int
redo_file_open(const struct maildrop *m)
{
	return io_open_renamed(m->dir, redo_file_name, fresh_name, O_RDWR);
}

int
redo_file_create(const struct maildrop *m)
{
	unlinkat(m->dir, fresh_name, 0);
	return openat(m->dir, fresh_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int
redo_file_publish(const struct maildrop *m, int fd)
{
	if (fsync(fd) < 0 || renameat(m->dir, fresh_name, m->dir, redo_file_name) < 0)
		return -1;
	return fsync(m->dir);
}

/* After a power cut an unlinked file may be back: it is emptied first. */
int
redo_file_void(const struct maildrop *m, int fd)
{
	unlinkat(m->dir, fresh_name, 0);
	if (ftruncate(fd, 0) < 0 || fsync(fd) < 0)
		return -1;
	return unlinkat(m->dir, redo_file_name, 0);
}
