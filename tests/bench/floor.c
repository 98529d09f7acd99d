#include "floor.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 511 }; /* as ours */

static void
serve_child(int fd, void (*session)(struct peer *))
{
	static struct peer peer;
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	peer.fd = fd;
	session(&peer);
	floor_flush(&peer);
	_exit(0);
}

_Noreturn void
floor_serve(void (*session)(struct peer *))
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof address;
	int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(listener, (struct sockaddr *)&address, n) < 0 || listen(listener, BACKLOG) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &n) < 0) {
		perror("floor");
		exit(1);
	}
	fprintf(stderr, "listening on 127.0.0.1:%u\n", (unsigned)ntohs(address.sin_port));
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		if (fork() == 0) {
			close(listener);
			serve_child(fd, session);
		}
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

void
floor_flush(struct peer *p)
{
	for (size_t done = 0; done < p->pending;) {
		ssize_t n = send(p->fd, p->out + done, p->pending - done, MSG_NOSIGNAL);
		if (n < 0)
			_exit(1);
		done += (size_t)n;
	}
	p->pending = 0;
}

void
floor_reply(struct peer *p, const char *bytes, size_t n)
{
	while (n > 0) {
		size_t part = sizeof p->out - p->pending < n ? sizeof p->out - p->pending : n;
		memcpy(p->out + p->pending, bytes, part);
		p->pending += part;
		bytes += part;
		n -= part;
		if (p->pending == sizeof p->out)
			floor_flush(p);
	}
}

void
floor_say(struct peer *p, const char *text)
{
	floor_reply(p, text, strlen(text));
}

int
floor_read(struct peer *p)
{
	floor_flush(p);
	memmove(p->in, p->in + p->used, p->have - p->used);
	p->have -= p->used;
	p->used = 0;
	ssize_t n = read(p->fd, p->in + p->have, sizeof p->in - p->have);
	if (n <= 0)
		return 0;
	p->have += (size_t)n;
	return 1;
}

char *
floor_line(struct peer *p)
{
	for (;;) {
		char *line = p->in + p->used, *end = memchr(line, '\n', p->have - p->used);
		if (end != NULL) {
			p->used = (size_t)(end + 1 - p->in);
			end[end > line && end[-1] == '\r' ? -1 : 0] = '\0';
			return line;
		}
		if (!floor_read(p))
			return NULL;
	}
}
