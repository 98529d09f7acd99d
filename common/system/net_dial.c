/*
 * The calling side. The only file that asks for names. getaddrinfo(3) cannot be given a deadline; the resolver's own (resolv.conf(5)) count there.
 */
#include "net.h"

#include <sys/socket.h>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"

/* A name that can go into a message for a terminal or a log as it is. */
static bool
copy_host(struct server_name *name, struct span host)
{
	if (!span_is_word(host) || host.n >= sizeof name->host)
		return false;
	memcpy(name->host, host.at, host.n);
	name->host[host.n] = '\0';
	return true;
}

bool
net_server_name(const char *server, const char *default_port, struct server_name *name)
{
	struct span host, port, all = span_of(server);

	if (server[0] == '[') {
		host = span_until(span_slice(all, 1, all.n), ']', &port);
		if (port.at == NULL || (port.n > 0 && port.at[0] != ':'))
			return false;
		port = port.n > 0 ? span_slice(port, 1, port.n) : span_of(default_port);
	} else if (strchr(server, ':') != strrchr(server, ':')) {
		host = all;
		port = span_of(default_port);
	} else {
		host = span_until(all, ':', &port);
		if (port.at == NULL)
			port = span_of(default_port);
	}
	long long number = span_number(port, UINT16_MAX);
	if (number <= 0 || !copy_host(name, host))
		return false;
	snprintf(name->port, sizeof name->port, "%u", (unsigned)(uint16_t)number);
	return true;
}

/* 0, or an errno. */
static int
finish_connect(int fd, int64_t deadline)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	int error = 0, n;
	socklen_t size = sizeof error;

	do {
		int64_t left = deadline - conn_now();
		left = left < 0 ? 0 : left;
		n = poll(&wait, 1, left > INT_MAX ? INT_MAX : (int)left);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return ETIMEDOUT;
	if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return errno;
	return error;
}

int
net_connect(const struct sockaddr *address, socklen_t size, int64_t deadline)
{
	int fd = socket(address->sa_family, SOCK_STREAM, 0);
	int on = 1, error = 0;

	if (fd < 0)
		return -1;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		error = errno;
	else if (connect(fd, address, size) < 0)
		error = errno == EINPROGRESS || errno == EINTR ? finish_connect(fd, deadline) : errno;
	if (error == 0 && fcntl(fd, F_SETFL, flags) < 0)
		error = errno;
	if (error != 0) {
		close(fd);
		errno = error;
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

/* Each address gets its share of what time is left, so that a dead one does not take it all. */
static int
connect_any(const struct addrinfo *list, int64_t deadline, struct peer *last)
{
	int left = 0, fd = -1;

	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		left++;
	for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next, left--) {
		int64_t now = conn_now();
		net_peer(last, a->ai_addr, a->ai_addrlen);
		fd = net_connect(
		    a->ai_addr, a->ai_addrlen, now + (deadline > now ? (deadline - now) / left : 0));
	}
	return fd;
}

int
net_dial(const char *server, const char *default_port, int seconds, char *reason, size_t reason_n)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list = NULL;
	int64_t deadline = conn_now() + (int64_t)seconds * 1000;
	struct server_name name;
	struct peer last;

	if (!net_server_name(server, default_port, &name)) {
		snprintf(reason, reason_n, "not a server's name, HOST or HOST:PORT");
		return -1;
	}
	int error = getaddrinfo(name.host, name.port, &hints, &list);
	if (error != 0) {
		snprintf(reason, reason_n, "cannot find the address of %s: %s", name.host,
		    error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
		return -1;
	}
	int fd = connect_any(list, deadline, &last);
	if (fd < 0)
		snprintf(reason, reason_n, "cannot reach %s (%s) port %s: %s", name.host, last.text,
		    name.port, strerror(errno));
	freeaddrinfo(list);
	return fd;
}
