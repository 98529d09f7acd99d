/*
 * floor_smtpd DIR: the least that a durable SMTP server can do. A child a connection, canned replies, the message appended to DIR/LOCAL-PART
 * with one write as it came, one fdatasync before its 250. No lock, no header, no check: a figure to compare with, not a mail server.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "floor.h"

enum { MESSAGE = 1024 * 1024 };

static const char from_line[] = "From floor@localhost Thu Jan  1 00:00:00 2026\n";

static char mailbox[256], message[MESSAGE];

/* The data up to CRLF.CRLF into message[], behind a From_ line; its length, or 0 where the connection ended or it is too long. */
static size_t
receive(struct peer *p)
{
	size_t n = sizeof from_line - 1;

	memcpy(message, from_line, n);
	for (;;) {
		size_t part = p->have - p->used;
		if (part > sizeof message - n - 1)
			return 0;
		size_t look = n < sizeof from_line + 4 ? sizeof from_line - 1 : n - 4;
		memcpy(message + n, p->in + p->used, part);
		n += part;
		p->used = p->have;
		char *end = memmem(message + look, n - look, "\r\n.\r\n", 5);
		if (end != NULL) {
			size_t whole = (size_t)(end + 5 - message);
			p->used -= n - whole;
			end[2] = '\n'; /* the empty line behind a message */
			return whole - 2;
		}
		if (!floor_read(p))
			return 0;
	}
}

static const char *
store(size_t n)
{
	int fd = open(mailbox, O_WRONLY | O_APPEND | O_CREAT, 0600);

	if (fd < 0 || write(fd, message, n) != (ssize_t)n || fdatasync(fd) < 0)
		return "451 4.3.0 not stored\r\n";
	close(fd);
	return "250 2.0.0 stored\r\n";
}

/* The local part of <LOCAL-PART@DOMAIN> is the mailbox. */
static void
rcpt(char *line)
{
	char *path = strchr(line, '<');

	snprintf(mailbox, sizeof mailbox, "%.*s", path == NULL ? 0 : (int)strcspn(path + 1, "@>"),
	    path == NULL ? "" : path + 1);
}

static void
session(struct peer *p)
{
	char *line;

	floor_say(p, "220 localhost ESMTP\r\n");
	while ((line = floor_line(p)) != NULL) {
		if (strncasecmp(line, "QUIT", 4) == 0) {
			floor_say(p, "221 2.0.0 bye\r\n");
			return;
		}
		if (strncasecmp(line, "RCPT", 4) == 0)
			rcpt(line);
		if (strncasecmp(line, "DATA", 4) == 0) {
			floor_say(p, "354 go on\r\n");
			floor_flush(p);
			size_t n = receive(p);
			if (n == 0)
				return;
			floor_say(p, store(n));
		} else
			floor_say(p, "250 2.0.0 ok\r\n");
	}
}

int
main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: floor_smtpd DIR\n");
		return 64;
	}
	floor_serve(session);
}
