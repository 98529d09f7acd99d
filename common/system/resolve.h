/*
 * resolve: mail exchangers and addresses of a name. Blocks for RESOLVE_SECONDS at most.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <sys/socket.h>

#include "dns.h"

enum {
	RESOLVE_SECONDS = 30, /* more than resolv.conf(5) allows two name servers by default */
	RESOLVE_HOSTS = 20,   /* the best ones; nobody needs more */
	RESOLVE_ADDRESSES = 6 /* of one host: the next one shall have its turn */
};

enum resolve_status {
	RESOLVE_OK,
	RESOLVE_NO_DOMAIN, /* NXDOMAIN */
	RESOLVE_NO_RECORD, /* the name is there, but no such record */
	RESOLVE_LATER	   /* the name servers are silent, fail, refuse, or say what makes no sense */
};

struct resolve_mx {
	unsigned preference;
	char host[DNS_NAME + 1]; /* empty: the root, RFC 7505; "?": what no host is called */
};

struct resolve_hosts {
	size_t n;
	struct resolve_mx list[RESOLVE_HOSTS]; /* the best first */
};

struct resolve_addresses {
	size_t n;
	struct sockaddr_storage list[RESOLVE_ADDRESSES]; /* without a port */
};

/*
 * name: as dns_is_name has it; what it would not take is RESOLVE_NO_DOMAIN. server: ADDR:PORT of a name server, "" for those of resolv.conf(5);
 * without it the addresses are those that the whole system goes by, hosts(5) included.
 */
enum resolve_status resolve_mx(const char *server, const char *name, struct resolve_hosts *);
enum resolve_status resolve_host(const char *server, const char *name, struct resolve_addresses *);

#endif
