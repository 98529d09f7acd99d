/*
 * floor_popd FILE: the least that a POP3 server can do. A child a connection, canned replies, any user and password; FILE holds the messages
 * as RETR sends them, each with its lone dot. They are found once, before the first connection. A figure to compare with, not a mail server.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "floor.h"

static off_t *starts; /* of each message, and the end of the last */
static size_t messages;
static int file;

static void
find_messages(void)
{
	struct stat st;

	starts = malloc(sizeof *starts);
	if (starts == NULL || fstat(file, &st) < 0)
		exit(1);
	starts[0] = 0;
	if (st.st_size == 0)
		return;
	char *all = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (all == MAP_FAILED)
		exit(1);
	for (char *at = all, *end;
	     (end = memmem(at, (size_t)(all + st.st_size - at), "\r\n.\r\n", 5)) != NULL;) {
		off_t *more = realloc(starts, (messages + 2) * sizeof *starts);
		if (more == NULL)
			exit(1);
		starts = more;
		at = end + 5;
		starts[++messages] = at - all;
	}
	munmap(all, (size_t)st.st_size);
}

/* Straight into the buffer of what is to be sent. */
static void
retr(struct peer *p, const char *argument)
{
	size_t n = strtoul(argument, NULL, 10);

	if (n == 0 || n > messages) {
		floor_say(p, "-ERR no such message\r\n");
		return;
	}
	floor_say(p, "+OK\r\n");
	for (off_t at = starts[n - 1]; at < starts[n];) {
		size_t left = (size_t)(starts[n] - at), room = sizeof p->out - p->pending;
		ssize_t got = pread(file, p->out + p->pending, left < room ? left : room, at);
		if (got <= 0)
			_exit(1);
		p->pending += (size_t)got;
		at += got;
		if (p->pending == sizeof p->out)
			floor_flush(p);
	}
}

static void
stat_reply(struct peer *p)
{
	char line[64];

	snprintf(line, sizeof line, "+OK %zu %lld\r\n", messages,
	    (long long)starts[messages] - 3 * (long long)messages);
	floor_say(p, line);
}

static void
session(struct peer *p)
{
	char *line;

	floor_say(p, "+OK\r\n");
	while ((line = floor_line(p)) != NULL) {
		if (strncasecmp(line, "RETR ", 5) == 0)
			retr(p, line + 5);
		else if (strncasecmp(line, "STAT", 4) == 0)
			stat_reply(p);
		else
			floor_say(p, "+OK\r\n");
		if (strncasecmp(line, "QUIT", 4) == 0)
			return;
	}
}

int
main(int argc, char **argv)
{
	if (argc != 2 || (file = open(argv[1], O_RDONLY)) < 0) {
		fprintf(stderr, "usage: floor_popd FILE\n");
		return 64;
	}
	find_messages();
	floor_serve(session);
}
