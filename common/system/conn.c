#include "conn.h"

#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"

#ifndef PIPE_BUF
#define PIPE_BUF _POSIX_PIPE_BUF
#endif

volatile sig_atomic_t conn_stop;

static bool
is_socket(int fd)
{
	int type;
	socklen_t n = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0;
}

int
conn_init(struct conn *c, int in, int out, int stop_fd)
{
	char *input = malloc(CONN_INPUT);

	if (input == NULL) {
		errno = ENOMEM;
		return -1;
	}
	*c = (struct conn){ .in = in, .out = out, .stop_fd = stop_fd, .denied_fd = -1, .input = input };
	c->socket = is_socket(in) && (in == out || is_socket(out));
	buf_init(&c->output, CONN_OUTPUT);
	return 0;
}

void
conn_free(struct conn *c)
{
	close(c->in);
	if (c->out != c->in)
		close(c->out);
	wipe(c->input, c->touched);
	free(c->input);
	buf_free(&c->output);
	*c = (struct conn){ .in = -1, .out = -1, .stop_fd = -1 };
}

int64_t
conn_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct span
conn_bytes(const struct conn *c)
{
	return (struct span){ c->input + c->start, c->end - c->start };
}

void
conn_consume(struct conn *c, size_t n)
{
	c->start += n < c->end - c->start ? n : c->end - c->start;
	if (c->start == c->end)
		c->start = c->end = 0;
}

/* Milliseconds as poll takes them: -1 for ever, 0 when the deadline is past. */
static int
time_left(int64_t deadline)
{
	if (deadline < 0)
		return -1;
	int64_t left = deadline - conn_now();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* Of two deadlines the one that comes first. */
static int64_t
earlier(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static bool
ready(int fd, short events)
{
	struct pollfd look = { .fd = fd, .events = events };

	return fd >= 0 && poll(&look, 1, 0) == 1 && look.revents != 0;
}

bool
conn_stopping(struct conn *c)
{
	return c->stopped || conn_stop || ready(c->stop_fd, POLLIN);
}

/* Wait until fd (-1: none) is ready. CONN_STOPPED only where a stop may interrupt it. */
static enum conn_status
wait_for(struct conn *c, int fd, short events, int64_t deadline, bool stoppable)
{
	struct pollfd fds[2] = { { .fd = fd, .events = events }, { .fd = -1, .events = POLLIN } };

	stoppable = stoppable && !c->stopped;
	if (stoppable)
		fds[1].fd = c->stop_fd;
	for (;;) {
		int left = time_left(deadline);
		if (left == 0)
			return CONN_TIMEOUT;
		if (stoppable && conn_stop)
			break;
		int n = poll(fds, 2, left);
		if (n < 0 && errno != EINTR)
			return CONN_ERROR;
		if (n > 0 && fds[1].revents != 0)
			break;
		if (n > 0)
			return CONN_OK;
	}
	c->stopped = true;
	return CONN_STOPPED;
}

/* Read what is there. With O_NONBLOCK, or when another process was faster, that may be nothing: CONN_TIMEOUT. */
static enum conn_status
take_in(struct conn *c)
{
	if (c->end == CONN_INPUT && c->start > 0) {
		memmove(c->input, c->input + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	if (c->end == CONN_INPUT) {
		errno = ENOBUFS;
		return CONN_ERROR;
	}
	char *at = c->input + c->end;
	size_t room = CONN_INPUT - c->end;
	ssize_t n = c->socket ? recv(c->in, at, room, MSG_DONTWAIT) : read(c->in, at, room);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? CONN_TIMEOUT : CONN_ERROR;
	c->end += (size_t)n;
	c->received += (size_t)n;
	if (c->end > c->touched)
		c->touched = c->end;
	return n == 0 ? CONN_EOF : CONN_OK;
}

enum conn_status
conn_fill(struct conn *c, int64_t deadline)
{
	for (;;) {
		enum conn_status status = wait_for(c, c->in, POLLIN, deadline, true);
		if (status != CONN_OK)
			return status;
		status = take_in(c);
		if (status != CONN_TIMEOUT)
			return status;
	}
}

enum conn_status
conn_pause(struct conn *c, int64_t deadline)
{
	return wait_for(c, -1, 0, deadline, true);
}

bool
conn_pending(struct conn *c)
{
	if (c->start == c->end && ready(c->in, POLLIN))
		(void)take_in(c);
	return c->start < c->end;
}

/* Write some, without waiting. A pipe that is ready takes PIPE_BUF bytes; more might block. */
static ssize_t
put(struct conn *c, const char *bytes, size_t n)
{
	if (c->socket)
		return send(c->out, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (!ready(c->out, POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	return write(c->out, bytes, n < PIPE_BUF ? n : PIPE_BUF);
}

enum conn_status
conn_flush(struct conn *c, int64_t patience, int64_t deadline)
{
	size_t at = 0, progress = 0;
	int64_t until = -1;
	enum conn_status status = CONN_OK;

	while (status == CONN_OK && at < c->output.len) {
		ssize_t n = put(c, c->output.data + at, c->output.len - at);
		if (n >= 0) {
			at += (size_t)n;
			c->sent += (size_t)n;
			if (at - progress >= SERVE_PROGRESS) {
				progress = at;
				until = -1;
			}
		} else if (errno == EAGAIN) {
			if (until < 0 && patience >= 0)
				until = conn_now() + patience;
			status = wait_for(c, c->out, POLLOUT, earlier(until, deadline), false);
		} else if (errno != EINTR) {
			status = CONN_ERROR;
		}
	}
	int error = errno;
	buf_drop(&c->output, at);
	errno = error;
	return status;
}

void
conn_linger(struct conn *c)
{
	int64_t deadline = conn_now() + CONN_LINGER;
	uint64_t before = c->received;

	if (!c->socket || shutdown(c->out, SHUT_WR) < 0)
		return;
	do
		c->start = c->end = 0;
	while (c->received - before < CONN_LINGER_BYTES && conn_fill(c, deadline) == CONN_OK);
}
