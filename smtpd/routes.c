#include "routes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io.h"

static struct span
without_dot(struct span domain)
{
	bool dot = domain.n > 1 && domain.at[domain.n - 1] == '.';

	return span_slice(domain, 0, dot ? domain.n - 1 : domain.n);
}

/* The next line that says something: its first word, and the rest. */
static bool
next_line(struct span *text, int *line, struct span *word, struct span *rest)
{
	do {
		if (text->n == 0)
			return false;
		*rest = span_until(*text, '\n', text);
		*word = span_word(rest);
		++*line;
	} while (word->n == 0 || word->at[0] == '#');
	return true;
}

int
routes_line(struct span text, struct span domain, struct span *server)
{
	struct span word, rest;
	int line = 0, star = 0;

	domain = without_dot(domain);
	while (next_line(&text, &line, &word, &rest)) {
		bool same = span_equal_nocase(without_dot(word), domain);
		if (!same && (star != 0 || !span_is(word, "*")))
			continue;
		*server = span_trim(span_until(rest, '#', &rest));
		if (same)
			return line;
		star = line;
	}
	return star;
}

static bool
parse_server(struct span text, struct server_name *name)
{
	char server[sizeof name->host + sizeof name->port + 4];

	if (!span_is_word(text) || text.n >= sizeof server)
		return false;
	snprintf(server, sizeof server, "%.*s", (int)text.n, text.at);
	return net_server_name(server, "25", name);
}

int
routes_login(struct span text, const struct server_name *server, struct span *user, struct span *password)
{
	struct server_name name;
	struct span word;
	int line = 0;

	while (next_line(&text, &line, &word, password)) {
		*user = span_word(password);
		if (parse_server(word, &name) && strcmp(name.port, server->port) == 0 &&
		    span_equal_nocase(span_of(name.host), span_of(server->host)))
			return line;
	}
	return 0;
}

static int
unreadable(const char *name, int error, struct buf *reason)
{
	buf_printf(reason, "%s cannot be read: %s", name, strerror(error));
	return -1;
}

static bool
take_credential(struct span s, char to[ROUTES_WORD])
{
	if (s.n == 0 || s.n >= ROUTES_WORD || span_has(s, '\0'))
		return false;
	snprintf(to, ROUTES_WORD, "%.*s", (int)s.n, s.at);
	return true;
}

/* The login of the route's server, from the text of a file that nobody else may read. */
static int
take_login(struct route *route, const struct stat *seen, struct span text, struct buf *reason)
{
	struct span user, password;

	if ((seen->st_mode & 077) != 0) {
		buf_printf(reason, "routes.auth may be read by others: its mode must be 600");
		return -1;
	}
	int line = routes_login(text, &route->server, &user, &password);
	route->login = line > 0;
	if (line == 0 || (take_credential(user, route->user) && take_credential(password, route->password)))
		return 0;
	buf_printf(reason, "routes.auth:%d: not a host, a user and a password", line);
	return -1;
}

static int
find_login(int root, struct route *route, struct buf *reason)
{
	static const char name[] = "routes.auth";
	struct stat seen;
	struct buf text;

	buf_init(&text, ROUTES_TEXT);
	int result = io_read_file(root, name, 0, &seen, &text);
	if (result == 0)
		result = take_login(route, &seen, buf_span(&text), reason);
	else
		result = errno == ENOENT ? 0 : unreadable(name, errno, reason);
	buf_free(&text);
	return result;
}

int
routes_find(int root, const struct kept *routes, struct span domain, struct route *route, struct buf *reason)
{
	struct span server;

	*route = (struct route){ .login = false };
	if (routes->error != 0)
		return unreadable("routes", routes->error, reason);
	int line = routes_line(buf_span(&routes->text), domain, &server);
	if (line == 0)
		return 0;
	if (parse_server(server, &route->server))
		return find_login(root, route, reason) < 0 ? -1 : 1;
	buf_printf(reason, "routes:%d: not a domain and host[:port]", line);
	return -1;
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = ascii_lower(*text);
}

void
routes_domain(const struct config *config, const struct queue_recipient *r, char domain[SMTP_DOMAIN + 1])
{
	struct span at = r->address;
	size_t local = at.n;

	while (local > 0 && at.at[local - 1] != '@')
		local--;
	at = without_dot(span_slice(at, local, at.n));
	domain[0] = '\0';
	/* Where there is no domain it is for local to say that. */
	if (r->mailbox || local == 0 || at.n > SMTP_DOMAIN ||
	    config_receives(config, span_slice(r->address, 0, local - 1), at))
		return;
	snprintf(domain, SMTP_DOMAIN + 1, "%.*s", (int)at.n, at.at);
	lower(domain);
}

void
routes_destination(const struct config *config, const struct kept *routes, const struct queue_recipient *r,
    char destination[ROUTES_DESTINATION])
{
	struct server_name name;
	struct span server;

	routes_domain(config, r, destination);
	if (destination[0] != '\0' &&
	    routes_line(buf_span(&routes->text), span_of(destination), &server) > 0 &&
	    parse_server(server, &name))
		routes_write(&name, destination);
}

void
routes_write(const struct server_name *server, char destination[ROUTES_DESTINATION])
{
	bool v6 = strchr(server->host, ':') != NULL;

	snprintf(destination, ROUTES_DESTINATION, v6 ? "[%s]:%s" : "%s:%s", server->host, server->port);
	lower(destination);
}
