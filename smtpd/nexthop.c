#include "nexthop.h"

#include <netinet/in.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "unique.h"

void
nexthop_result(
    struct relay_result *result, enum relay_verdict verdict, const char *status, const char *format, ...)
{
	char text[REPLY_LINE];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	result->verdict = verdict;
	result->told = false;
	result->host[0] = '\0';
	snprintf(result->status, sizeof result->status, "%s", status);
	buf_free(&result->reply);
	buf_init(&result->reply, sizeof text);
	buf_add_string(&result->reply, text);
}

/* "DOMAIN what": false, for who has no next hop. */
static bool
fail(const struct nexthop *hop, struct relay_result *result, const char *status, const char *what)
{
	nexthop_result(
	    result, status[0] == '4' ? RELAY_LATER : RELAY_FAILED, status, "%s %s", hop->domain, what);
	return false;
}

static void
tell(const struct nexthop *hop, const char *what, const char *is, const char *whom)
{
	const struct relay_target *target = hop->target;

	if (target->tell != NULL)
		target->tell(target->context, span_of(what), is, span_of(whom));
}

static struct server_name
server_of(const char *host)
{
	struct server_name name = { .port = "25" };

	snprintf(name.host, sizeof name.host, "%s", host);
	return name;
}

static bool
is_self(const struct config *config, const char *host)
{
	return span_equal_nocase(span_of(config->hostname), span_of(host)) ||
	       config_is_local(config, span_of(host));
}

/* RFC 5321 5.1: equal ones share the load. */
static void
shuffle(struct server_name *hosts, size_t n)
{
	uint32_t random = 0;

	for (size_t i = n; i > 1; i--) {
		(void)random_bytes(&random, sizeof random);
		struct server_name last = hosts[i - 1];
		hosts[i - 1] = hosts[random % i];
		hosts[random % i] = last;
	}
}

size_t
nexthop_order(const struct resolve_hosts *mx, const struct config *config,
    struct server_name hosts[RESOLVE_HOSTS], bool *loop)
{
	size_t n = 0, first = 0, limit = 0;

	while (limit < mx->n && !is_self(config, mx->list[limit].host))
		limit++;
	*loop = limit < mx->n;
	for (size_t i = 0; i < limit; i++) {
		unsigned preference = mx->list[i].preference;
		if (*loop && preference == mx->list[limit].preference)
			break;
		if (i > 0 && preference != mx->list[i - 1].preference) {
			shuffle(hosts + first, n - first);
			first = n;
		}
		if (dns_is_name(span_of(mx->list[i].host)))
			hosts[n++] = server_of(mx->list[i].host);
	}
	shuffle(hosts + first, n - first);
	return n;
}

static void
tell_mx(const struct nexthop *hop, const struct resolve_hosts *mx)
{
	char is[32];

	for (size_t i = 0; i < mx->n; i++) {
		snprintf(is, sizeof is, "has the MX %u", mx->list[i].preference);
		tell(hop, hop->domain, is, mx->list[i].host[0] == '\0' ? "." : mx->list[i].host);
	}
}

static bool
take_mx(struct nexthop *hop, const struct resolve_hosts *mx, struct relay_result *result)
{
	bool loop;

	tell_mx(hop, mx);
	if (mx->n == 1 && mx->list[0].host[0] == '\0')
		return fail(hop, result, "5.1.10", "takes no mail (null MX)");
	hop->n = nexthop_order(mx, hop->target->config, hop->hosts, &loop);
	if (hop->n == 0 && loop)
		return fail(hop, result, "5.4.6", "would come back here: this server is its best MX");
	return hop->n > 0 || fail(hop, result, "5.4.4", "has no MX that is the name of a host");
}

/* RFC 5321 5.1: without MX the domain is the host, if it is one. */
static bool
take_domain(struct nexthop *hop, struct relay_result *result)
{
	tell(hop, hop->domain, "has no MX", "");
	if (is_self(hop->target->config, hop->domain))
		return fail(hop, result, "5.4.6", "would come back here: it is this server");
	hop->hosts[hop->n++] = server_of(hop->domain);
	return true;
}

/* "ADDRESS:PORT" of a host that is an address, or false. */
static bool
parse_address(const struct server_name *server, struct sockaddr_storage *address)
{
	char text[sizeof server->host + sizeof server->port + 4];
	socklen_t n;

	snprintf(text, sizeof text, strchr(server->host, ':') == NULL ? "%s:%s" : "[%s]:%s", server->host,
	    server->port);
	return net_parse(text, address, &n) == 0;
}

/* RFC 5321 4.1.3. */
static bool
take_literal(struct nexthop *hop, struct relay_result *result)
{
	struct span inner = span_of(hop->domain);
	struct sockaddr_storage address;
	char host[sizeof hop->domain];

	inner = span_slice(inner, 1, inner.n - 1);
	bool v6 = span_is_nocase(span_slice(inner, 0, 5), "IPv6:");
	if (v6)
		span_skip(&inner, 5);
	snprintf(host, sizeof host, "%.*s", (int)inner.n, inner.at);
	hop->hosts[hop->n++] = server_of(host);
	return (parse_address(&hop->hosts[0], &address) && (address.ss_family == AF_INET6) == v6) ||
	       fail(hop, result, "5.1.2", "is not the literal of an address");
}

static bool
ask_dns(struct nexthop *hop, struct relay_result *result)
{
	struct span domain = span_of(hop->domain);
	struct resolve_hosts mx;

	if (domain.at[0] == '[')
		return take_literal(hop, result);
	/* Punycode alone would not do: before it names are mapped (RFC 5895) by tables that libc does not have. */
	if (!span_is_ascii(domain))
		return fail(hop, result, "5.1.2", "must be written as the DNS has it, with xn--");
	if (!dns_is_name(domain))
		return fail(hop, result, "5.1.2", "is not a name that the DNS could have");
	hop->mx = resolve_mx(hop->target->config->resolver, hop->domain, &mx);
	switch (hop->mx) {
	case RESOLVE_OK:
		return take_mx(hop, &mx, result);
	case RESOLVE_NO_DOMAIN: /* hosts(5) may know it */
	case RESOLVE_NO_RECORD:
		return take_domain(hop, result);
	case RESOLVE_LATER:
		break;
	}
	return fail(hop, result, "4.4.3", "cannot be looked up now: the name server has no answer");
}

static bool
take_route(struct nexthop *hop, struct relay_result *result)
{
	const struct server_name *server = &hop->route.server;
	char is[32];

	snprintf(is, sizeof is, "has a route, port %s of", server->port);
	tell(hop, hop->domain, is, server->host);
	if (is_self(hop->target->config, server->host))
		return fail(hop, result, "5.4.6", "would come back here: the route leads to this server");
	hop->hosts[hop->n++] = *server;
	return true;
}

bool
nexthop_find(struct nexthop *hop, const struct relay_target *target, struct relay_result *result)
{
	struct span domain = target->domain;
	struct buf reason;

	if (domain.n > 1 && domain.at[domain.n - 1] == '.')
		domain.n--;
	*hop = (struct nexthop){ .target = target };
	snprintf(hop->domain, sizeof hop->domain, "%.*s", (int)domain.n, domain.n > 0 ? domain.at : "");
	if (domain.n == 0 || strlen(hop->domain) != domain.n)
		return fail(hop, result, "5.1.2", "is no domain");
	buf_init(&reason, REPLY_LINE);
	int found = routes_find(target->root, target->routes, domain, &hop->route, &reason);
	if (found < 0)
		nexthop_result(result, RELAY_LATER, "4.3.5", "%s", buf_string(&reason));
	buf_free(&reason);
	hop->routed = found > 0;
	if (found != 0)
		return found > 0 && take_route(hop, result);
	tell(hop, hop->domain, "has no route", "");
	return ask_dns(hop, result);
}

/* There was not one address to try. */
static void
give_up(const struct nexthop *hop, struct relay_result *result)
{
	if (hop->later)
		fail(hop, result, "4.4.3", "cannot be reached now: the name server has no answer");
	else if (hop->routed)
		fail(hop, result, "4.3.5", "cannot be reached: the host of the route has no address");
	else if (hop->mx == RESOLVE_OK)
		fail(hop, result, "5.4.4", "has no MX that has an address");
	else if (hop->mx == RESOLVE_NO_DOMAIN)
		fail(hop, result, "5.1.2", "does not exist in the DNS");
	else
		fail(hop, result, "5.4.4", "has neither an MX nor an address in the DNS");
}

static void
set_port(struct sockaddr_storage *address, const char *port)
{
	in_port_t number = htons((uint16_t)span_number(span_of(port), UINT16_MAX));

	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = number;
	else
		((struct sockaddr_in *)address)->sin_port = number;
}

/* The addresses of the next host, which may be none. */
static void
look_up(struct nexthop *hop)
{
	const struct server_name *host = &hop->hosts[hop->host++];
	struct resolve_addresses *to = &hop->addresses;
	struct peer peer;

	hop->at = 0;
	to->n = parse_address(host, &to->list[0]);
	if (to->n == 0)
		hop->later |= resolve_host(hop->target->config->resolver, host->host, to) == RESOLVE_LATER;
	for (size_t i = 0; i < to->n; i++) {
		set_port(&to->list[i], host->port);
		net_peer(&peer, (struct sockaddr *)&to->list[i], sizeof to->list[i]);
		tell(hop, host->host, "has the address", peer.text);
	}
	if (to->n == 0)
		tell(hop, host->host, "has no address", "");
}

bool
nexthop_next(struct nexthop *hop, struct sockaddr_storage *address, const struct server_name **host,
    struct relay_result *result)
{
	while (hop->at == hop->addresses.n && hop->host < hop->n)
		look_up(hop);
	if (hop->at == hop->addresses.n) {
		if (!hop->found)
			give_up(hop, result);
		return false;
	}
	hop->found = true;
	*host = &hop->hosts[hop->host - 1];
	*address = hop->addresses.list[hop->at++];
	return true;
}

void
nexthop_explain(const struct relay_target *target, struct relay_result *result)
{
	struct sockaddr_storage address;
	struct nexthop hop;
	const struct server_name *host;

	if (nexthop_find(&hop, target, result)) {
		while (nexthop_next(&hop, &address, &host, result))
			continue;
		if (hop.found)
			nexthop_result(result, RELAY_DONE, "2.0.0", "%s can be tried", hop.domain);
	}
	wipe(&hop.route, sizeof hop.route);
}
