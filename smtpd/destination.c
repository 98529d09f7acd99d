#include "destination.h"

#include <stdio.h>
#include <string.h>

#include "routes.h"

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = ascii_lower(*text);
}

void
destination_domain(const struct config *config, const struct queue_recipient *r, char domain[SMTP_DOMAIN + 1])
{
	struct span at = r->address;
	size_t n = 0;

	for (size_t i = at.n; i > 0 && at.at[i - 1] != '@'; i--)
		n++;
	at = span_slice(at, at.n - n, at.n);
	if (n > 1 && at.at[n - 1] == '.')
		at.n--;
	domain[0] = '\0';
	/* Where there is no domain it is for local to say that. */
	if (r->mailbox || n == r->address.n || at.n > SMTP_DOMAIN ||
	    config_receives(config, span_slice(r->address, 0, r->address.n - n - 1), at))
		return;
	snprintf(domain, SMTP_DOMAIN + 1, "%.*s", (int)at.n, at.at);
	lower(domain);
}

void
destination_of(const struct config *config, struct span routes, const struct queue_recipient *r,
    char destination[DESTINATION])
{
	struct server_name server;

	destination_domain(config, r, destination);
	if (destination[0] != '\0' && routes_server(routes, span_of(destination), &server) > 0)
		destination_write(&server, destination);
}

void
destination_write(const struct server_name *server, char destination[DESTINATION])
{
	bool v6 = strchr(server->host, ':') != NULL;

	snprintf(destination, DESTINATION, v6 ? "[%s]:%s" : "%s:%s", server->host, server->port);
	lower(destination);
}

/* A domain has no colon but in the literal of an address, which ends with a bracket. */
bool
destination_server(struct span destination, struct server_name *server)
{
	char text[DESTINATION];

	if (destination.n >= sizeof text || destination.n == 0 || destination.at[destination.n - 1] == ']' ||
	    memchr(destination.at, ':', destination.n) == NULL)
		return false;
	snprintf(text, sizeof text, "%.*s", (int)destination.n, destination.at);
	return net_server_name(text, "", server);
}
