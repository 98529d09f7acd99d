/*
 * io: read(2) and write(2) to the end, through EINTR and short counts. For files; a peer's descriptor belongs to conn.
 */
#ifndef IO_H
#define IO_H

#include <sys/stat.h>
#include <sys/types.h>

#include "buf.h"

/* All of it, at the descriptor's own offset. 0, or -1 with errno. */
int io_write(int fd, struct span);

/* All of it, at an offset. 0, or -1 with errno. */
int io_write_at(int fd, struct span, off_t at);

/* Up to n bytes from an offset; fewer only at the end of the file. -1 with errno. */
ssize_t io_read_at(int fd, void *bytes, size_t n, off_t at);

/* All of an open regular file behind what out holds; seen: the file's. 0, or -1 with errno (EFBIG: out does not hold so much). */
int io_read_regular(int fd, struct stat *seen, struct buf *out);

/* The same of a file in dir that is still to be opened, with these flags, too. */
int io_read_file(int dir, const char *name, int flags, struct stat *seen, struct buf *out);

/*
 * open(2) in dir, with mode 0600 where it makes the file: close-on-exec, and only a regular file with no other name: never through a
 * link, a FIFO, a device. A descriptor, or -1 with errno (EBADMSG, ELOOP, ENXIO, EISDIR: it is no such file).
 */
int io_open(int dir, const char *name, int flags);

/* As io_open. `old`: where it was renamed from; after a power cut some file systems have both names, and the old one goes. */
int io_open_renamed(int dir, const char *name, const char *old, int flags);

/*
 * pwrite(2) on a descriptor with O_APPEND appends (Linux): who is to write elsewhere turns it off for that long. A second descriptor could not
 * be closed without losing the fcntl lock. 0, or -1 with errno.
 */
int io_set_append(int fd, bool on);

/* Bytes at..end of one file to the other's own offset. 0, or -1 with errno. */
int io_copy(int from, off_t at, off_t end, int to);

/* pipe(2) whose ends are close-on-exec, and do not block. 0, or -1 with errno. */
int io_pipe(int ends[2]);

/* close(2), where there is anything to close. errno stays: who gives up keeps why. */
void io_close(int fd);

/* fsync(2) of a directory, named relative to dir. 0, or -1 with errno. */
int io_sync_directory(int dir, const char *name);

#endif
