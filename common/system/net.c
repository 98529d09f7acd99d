#include "net.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <arpa/inet.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "io.h"

void
net_peer(struct peer *peer, const struct sockaddr *address, socklen_t n)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&peer->address;
	struct sockaddr_in6 v6;

	memset(peer, 0, sizeof *peer);
	peer->address.ss_family = AF_UNSPEC;
	snprintf(peer->text, sizeof peer->text, "local");
	if (n >= sizeof *v4 && address->sa_family == AF_INET) {
		memcpy(v4, address, sizeof *v4);
	} else if (n >= sizeof v6 && address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof v6);
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
			v4->sin_family = AF_INET;
			v4->sin_port = v6.sin6_port;
			memcpy(&v4->sin_addr, v6.sin6_addr.s6_addr + 12, 4);
		} else {
			memcpy(&peer->address, &v6, sizeof v6);
			peer->port = ntohs(v6.sin6_port);
			inet_ntop(AF_INET6, &v6.sin6_addr, peer->text, sizeof peer->text);
		}
	}
	if (peer->address.ss_family == AF_INET) {
		peer->port = ntohs(v4->sin_port);
		inet_ntop(AF_INET, &v4->sin_addr, peer->text, sizeof peer->text);
	}
}

void
net_peer_of(int fd, struct peer *peer)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof address;

	net_peer(
	    peer, (struct sockaddr *)&address, getpeername(fd, (struct sockaddr *)&address, &n) < 0 ? 0 : n);
}

void
net_here(int fd, struct peer *peer)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof address;

	net_peer(
	    peer, (struct sockaddr *)&address, getsockname(fd, (struct sockaddr *)&address, &n) < 0 ? 0 : n);
}

void
net_name(const struct peer *peer, char name[NET_ADDRESS])
{
	snprintf(name, NET_ADDRESS, peer->address.ss_family == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u",
	    peer->text, (unsigned)peer->port);
}

/* The address as it stands on the wire: its bits, 0 where there is none. */
static size_t
wire_address(const struct peer *peer, unsigned char out[16])
{
	if (peer->address.ss_family == AF_INET) {
		memcpy(out, &((const struct sockaddr_in *)&peer->address)->sin_addr, 4);
		return 32;
	}
	if (peer->address.ss_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)&peer->address)->sin6_addr, 16);
		return 128;
	}
	return 0;
}

bool
net_is_loopback(const struct peer *peer)
{
	unsigned char address[16];

	switch (wire_address(peer, address)) {
	case 32:
		return address[0] == 127;
	case 128:
		return IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)address);
	default:
		return true;
	}
}

/* The address of NETWORK[/BITS] and how many of its bits count; -1 where it is malformed. size: 32 or 128, for the family. */
static long long
read_network(struct span network, size_t size, unsigned char base[16])
{
	char text[NET_ADDRESS];
	struct span bits;
	struct span host = span_until(network, '/', &bits);

	if (host.n == 0 || host.n >= sizeof text || memchr(host.at, '\0', host.n) != NULL)
		return -1;
	memcpy(text, host.at, host.n);
	text[host.n] = '\0';
	if (inet_pton(size == 32 ? AF_INET : AF_INET6, text, base) != 1)
		return -1;
	return bits.at == NULL ? (long long)size : span_number(bits, (long long)size);
}

bool
net_is_network(struct span network)
{
	unsigned char base[16];

	return read_network(network, 32, base) >= 0 || read_network(network, 128, base) >= 0;
}

bool
net_contains(struct span network, const struct peer *peer)
{
	unsigned char base[16], address[16];
	size_t size = wire_address(peer, address);
	long long bits = size == 0 ? -1 : read_network(network, size, base);

	if (bits < 0)
		return false;
	size_t whole = (size_t)bits / 8, rest = (size_t)bits % 8;
	if (memcmp(base, address, whole) != 0)
		return false;
	return rest == 0 || ((base[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

uint64_t
net_source(const struct peer *peer)
{
	unsigned char address[16];
	size_t bits = wire_address(peer, address), n = bits == 128 ? 8 : bits / 8;
	/* No IPv6 source begins with 32 ones: that would be multicast. */
	uint64_t source = bits == 32 ? UINT32_MAX : 0;

	for (size_t i = 0; i < n; i++)
		source = source << 8 | address[i];
	return source;
}

void
net_literal(const struct peer *peer, char *out)
{
	if (peer->address.ss_family == AF_UNSPEC)
		snprintf(out, NET_ADDRESS, "localhost");
	else
		snprintf(out, NET_ADDRESS, peer->address.ss_family == AF_INET6 ? "[IPv6:%.45s]" : "[%.45s]",
		    peer->text);
}

int
net_parse(const char *text, struct sockaddr_storage *address, socklen_t *n)
{
	const char *colon = strrchr(text, ':');
	char host[NET_ADDRESS];

	memset(address, 0, sizeof *address);
	if (colon == NULL)
		return -1;
	long long port = span_number(span_of(colon + 1), UINT16_MAX);
	size_t length = (size_t)(colon - text);
	if (port < 0 || length < 2 || length >= sizeof host)
		return -1;
	bool brackets = text[0] == '[' && colon[-1] == ']';
	snprintf(
	    host, sizeof host, "%.*s", (int)(brackets ? length - 2 : length), brackets ? text + 1 : text);
	if (brackets) {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*n = sizeof *v6;
		return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 ? 0 : -1;
	}
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	*n = sizeof *v4;
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1 ? 0 : -1;
}

int
net_listen(const char *address, char name[NET_ADDRESS])
{
	struct sockaddr_storage parsed;
	struct peer here;
	socklen_t n;
	int on = 1;

	if (net_parse(address, &parsed, &n) < 0) {
		errno = EINVAL;
		return -1;
	}
	bool v6 = parsed.ss_family == AF_INET6;
	int fd = socket(parsed.ss_family, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
	    bind(fd, (struct sockaddr *)&parsed, n) < 0 || listen(fd, SERVER_BACKLOG) < 0) {
		io_close(fd);
		return -1;
	}
	net_here(fd, &here);
	net_name(&here, name);
	return fd;
}
