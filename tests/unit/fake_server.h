/*
 * A server that follows a script, in a child at the other end of a socket. A step is a line of the script:
 *
 *	"> text"	send the text and CRLF
 *	"< text"	read a line: it must be exactly the text
 *	"<<text"	the same, without waiting for it to have been asked: it must be there already (pipelining)
 *	"."		read up to and with CRLF.CRLF
 *	". text"	read up to and with CRLF.CRLF: it must be the text, in which | is CRLF, and the dot
 *	"~ text"	send the text for ever, until the client has gone
 *	"?"		read until the client has gone
 *	"!"		close at once
 *
 * Behind the last step the client must close, without another byte.
 */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <sys/socket.h>
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "unit.h"

static inline int
fake_complain(const char *step, const char *got)
{
	fprintf(stderr, "fake server: step \"%s\", but \"%s\"\n", step, got);
	return 1;
}

/* One byte at a time, so that nothing is read that belongs to the next step. -1 at the end. */
static inline int
fake_byte(int fd)
{
	unsigned char c;

	return read(fd, &c, 1) == 1 ? c : -1;
}

static inline int
fake_read_line(int fd, const char *step)
{
	char line[8192];
	size_t n = 0;
	int c;

	struct pollfd ready = { .fd = fd, .events = POLLIN };
	if (step[1] == '<' && poll(&ready, 1, 0) != 1)
		return fake_complain(step, "(nothing)");
	while (n + 1 < sizeof(line) && (c = fake_byte(fd)) >= 0 && c != '\n')
		line[n++] = (char)c;
	line[n] = '\0';
	if (n == 0 || line[n - 1] != '\r')
		return fake_complain(step, line);
	line[n - 1] = '\0';
	return strcmp(line, step + 2) == 0 ? 0 : fake_complain(step, line);
}

/* In large pieces: behind the dot the client has to wait for the reply. Only the end is kept of what is large. */
static inline int
fake_read_content(int fd, const char *step)
{
	static char got[65536];
	char expected[8192];
	size_t n = 0, m = 0;

	while (!(n == 3 && memcmp(got, ".\r\n", 3) == 0) &&
	       (n < 5 || memcmp(got + n - 5, "\r\n.\r\n", 5) != 0)) {
		if (n == sizeof(got) - 1) {
			memmove(got, got + n - 5, 5);
			n = 5;
		}
		ssize_t part = read(fd, got + n, sizeof(got) - 1 - n);
		if (part <= 0)
			return fake_complain(step, "(end)");
		n += (size_t)part;
	}
	got[n] = '\0';
	if (step[1] == '\0')
		return 0;
	for (const char *s = step + 2; *s != '\0'; s++)
		if (*s == '|') {
			expected[m++] = '\r';
			expected[m++] = '\n';
		} else
			expected[m++] = *s;
	strcpy(expected + m, ".\r\n");
	return strcmp(got, expected) == 0 ? 0 : fake_complain(step, got);
}

static inline void
fake_drain(int fd)
{
	static char bytes[65536];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static inline int
fake_send(int fd, const char *text, bool line)
{
	char bytes[8192];
	size_t n = (size_t)snprintf(bytes, sizeof(bytes), "%s%s", text, line ? "\r\n" : "");

	return send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -1;
}

static inline int
fake_step(int fd, const char *step)
{
	switch (step[0]) {
	case '>':
		return fake_send(fd, step + 2, true) == 0 ? 0 : fake_complain(step, "(cannot send)");
	case '<':
		return fake_read_line(fd, step);
	case '.':
		return fake_read_content(fd, step);
	case '~':
		while (fake_send(fd, step + 2, false) == 0)
			;
		return 0;
	default:
		fake_drain(fd);
		return 0;
	}
}

/* What the child does; its exit status. */
static inline int
fake_serve(int fd, const char *const *script)
{
	int last = 0;

	for (; *script != NULL; script++) {
		last = (*script)[0];
		if (last == '!')
			return 0;
		if (fake_step(fd, *script) != 0)
			return 1;
	}
	return last == '~' || fake_byte(fd) < 0 ? 0 : fake_complain("(end)", "(more)");
}

/* The client's end of the socket; *pid is the child's. */
static inline int
fake_start(const char *const *script, pid_t *pid)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	*pid = fork();
	ck_assert_int_ge(*pid, 0);
	if (*pid == 0) {
		close(ends[0]);
		alarm(30);
		_exit(fake_serve(ends[1], script));
	}
	close(ends[1]);
	return ends[0];
}

static inline void
fake_end(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the script was not followed");
}

#endif
