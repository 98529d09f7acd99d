/*
 * toy_session: serve(), with the toy, in a process of its own. Over SOCK_SEQPACKET each of its writes is one read here, so writes can be
 * counted.
 */
#ifndef TOY_SESSION_H
#define TOY_SESSION_H

#include "unit.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "bounds.h"
#include "log.h"
#include "net.h"
#include "serve.h"
#include "toy.h"

static int peer;      /* our end */
static int stop;      /* a byte written here stops the server */
static pid_t process; /* exits with the enum serve_end */

static inline void
serve_on(int in, int out, int stop_fd, int timeout)
{
	struct conn conn;
	struct toy toy;
	int null = open("/dev/null", O_WRONLY);

	dup2(null, STDERR_FILENO);
	if (conn_init(&conn, in, out, stop_fd) < 0)
		_exit(99);
	enum serve_end end = serve(&conn, &toy_protocol, &toy, timeout);
	if (conn.linger)
		conn_linger(&conn);
	conn_free(&conn);
	line_free(&toy.line);
	_exit((int)end);
}

static inline void
start_on(int ours, int theirs, int timeout)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	process = fork();
	ck_assert_int_ge(process, 0);
	if (process == 0) {
		close(ours);
		close(ends[1]);
		serve_on(theirs, theirs, ends[0], timeout);
	}
	close(theirs);
	close(ends[0]);
	peer = ours;
	stop = ends[1];
}

static inline void
start(int timeout)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	start_on(ends[0], ends[1], timeout);
}

static char packet[300000];

/* One write of the server's; 0 at its end, and where it reset the connection. */
static inline struct span
receive(void)
{
	struct pollfd wait = { .fd = peer, .events = POLLIN };

	ck_assert_int_eq(poll(&wait, 1, 20000), 1);
	ssize_t n = recv(peer, packet, sizeof packet, 0);
	return (struct span){ packet, n > 0 ? (size_t)n : 0 };
}

static inline void
expect(const char *text)
{
	expect_span(receive(), text);
}

static inline void
say(const char *text)
{
	ck_assert_int_eq(send(peer, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static inline void
expect_end(enum serve_end end)
{
	int status;

	expect("");
	close(peer);
	ck_assert_int_eq(waitpid(process, &status, 0), process);
	close(stop);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), end);
}

static inline void
greeted(int timeout)
{
	start(timeout);
	expect("hello\r\n");
}

#endif
