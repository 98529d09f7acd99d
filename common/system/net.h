/*
 * net: addresses, listening and dialling. No name is ever looked up for a peer's address.
 */
#ifndef NET_H
#define NET_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

enum { NET_ADDRESS = 64 }; /* "[ADDRESS]:PORT" with its NUL */

/* One end of a connection. */
struct peer {
	struct sockaddr_storage address; /* ss_family AF_UNSPEC where there is none (a pipe, -i) */
	char text[NET_ADDRESS];		 /* numeric, without port: 127.0.0.1, ::1; "local" without a socket.
							   IPv4 mapped into IPv6 is written as IPv4 */
	uint16_t port;			 /* host order */
};

void net_peer(struct peer *, const struct sockaddr *, socklen_t);

/* The other end of a connected descriptor; "local" when that is not an Internet socket. */
void net_peer_of(int fd, struct peer *);

/* Our end of it. */
void net_here(int fd, struct peer *);

/* ADDR:PORT or [ADDR6]:PORT. */
void net_name(const struct peer *, char name[NET_ADDRESS]);

/* 127.0.0.0/8, ::1, or no network at all. */
bool net_is_loopback(const struct peer *);

/* An address as a number: the whole of IPv4, and the /64 of IPv6, which is what one customer has. */
uint64_t net_source(const struct peer *);

/* NETWORK[/BITS], of either family. */
bool net_is_network(struct span);

/* Is the address within NETWORK[/BITS]? A malformed network contains nothing. */
bool net_contains(struct span network, const struct peer *);

/* 127.0.0.1 -> [127.0.0.1]; ::1 -> [IPv6:::1], RFC 5321 4.1.3; "local" -> localhost. out: NET_ADDRESS bytes. */
void net_literal(const struct peer *, char *out);

/* "ADDR:PORT", "[ADDR6]:PORT". 0, or -1 where it is malformed. */
int net_parse(const char *text, struct sockaddr_storage *, socklen_t *);

/*
 * A listening, close-on-exec socket (SO_REUSEADDR, IPV6_V6ONLY); its real address, as ADDR:PORT or [ADDR6]:PORT, goes to name.
 * The descriptor, or -1 with errno (EINVAL: malformed).
 */
int net_listen(const char *address, char name[NET_ADDRESS]);

/* Where a server is, as a person says it. */
struct server_name {
	char host[256]; /* an IPv6 address without its brackets */
	char port[8];	/* a number from 1 to 65535 */
};

/* HOST, HOST:PORT, ADDR6, [ADDR6], [ADDR6]:PORT. False: it is malformed. */
bool net_server_name(const char *server, const char *default_port, struct server_name *);

/* Connect until a deadline, as conn_now. A blocking, close-on-exec socket; or -1 with errno. */
int net_connect(const struct sockaddr *, socklen_t, int64_t deadline);

/*
 * Connect to a server's name, each address of the host in turn, within `seconds` in all. The descriptor; or -1, with a sentence without a
 * newline in reason.
 */
int net_dial(const char *server, const char *default_port, int seconds, char *reason, size_t reason_n);

#endif
