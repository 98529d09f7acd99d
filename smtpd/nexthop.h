/*
 * nexthop: the hosts that take the mail for a domain, and their addresses: by `routes`, else by the DNS (RFC 5321 5.1, RFC 7505).
 */
#ifndef NEXTHOP_H
#define NEXTHOP_H

#include "relay.h"
#include "resolve.h"
#include "routes.h"

struct nexthop {
	const struct relay_target *target;
	char domain[256];
	size_t n;
	struct server_name hosts[RESOLVE_HOSTS]; /* in the order in which they are to be tried */
	struct route route;			 /* where `routes` named the one host: its login. Wipe it */
	bool routed;
	enum resolve_status mx; /* RESOLVE_OK: the hosts are MX */

	/* How far nexthop_next is. */
	size_t host, at;
	struct resolve_addresses addresses;
	bool found, later; /* an address; one that cannot be found out now */
};

/* Where the mail for the target's domain goes. True, or *result says what that means for its recipients. */
bool nexthop_find(struct nexthop *, const struct relay_target *, struct relay_result *);

/*
 * The next address to try, and whose it is. False: there are no more; where there was none at all *result says what that means.
 */
bool
nexthop_next(struct nexthop *, struct sockaddr_storage *, const struct server_name **, struct relay_result *);

/*
 * Hosts in the order in which they are to be tried, of which there are none or more: those of equal preference in any. *loop: one is ourselves;
 * it and those that are no better are left out.
 */
size_t nexthop_order(
    const struct resolve_hosts *, const struct config *, struct server_name hosts[RESOLVE_HOSTS], bool *loop);

/* Find it, tell the steps to all its addresses, and send nothing. RELAY_DONE: they would be tried. */
void nexthop_explain(const struct relay_target *, struct relay_result *);

/* What we say ourselves. */
void nexthop_result(struct relay_result *, enum relay_verdict, const char *status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
