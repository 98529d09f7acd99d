#include "routes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

static const char default_port[] = "25";

static struct span
without_dot(struct span domain)
{
	bool dot = domain.n > 1 && domain.at[domain.n - 1] == '.';

	return span_slice(domain, 0, dot ? domain.n - 1 : domain.n);
}

/* The first word of *rest, which is what follows it. */
static struct span
take_word(struct span *rest)
{
	size_t n = 0;

	*rest = span_trim(*rest);
	while (n < rest->n && !ascii_is_space(rest->at[n]))
		n++;
	struct span word = span_slice(*rest, 0, n);
	*rest = span_trim(span_slice(*rest, n, rest->n));
	return word;
}

/* The next line that says something: its first word, and the rest. */
static bool
next_line(struct span *text, int *line, struct span *word, struct span *rest)
{
	do {
		if (text->n == 0)
			return false;
		*rest = span_until(*text, '\n', text);
		*word = take_word(rest);
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
	return net_server_name(server, default_port, name);
}

int
routes_login(struct span text, const struct server_name *server, struct span *user, struct span *password)
{
	struct server_name name;
	struct span word;
	int line = 0;

	while (next_line(&text, &line, &word, password)) {
		*user = take_word(password);
		if (parse_server(word, &name) && strcmp(name.port, server->port) == 0 &&
		    span_equal_nocase(span_of(name.host), span_of(server->host)))
			return line;
	}
	return 0;
}

/* All of a file; a missing one is empty. `secret`: nobody else may read it. */
static int
read_file(int root, const char *name, bool secret, struct buf *text, struct buf *reason)
{
	struct stat seen;
	int result = io_read_file(root, name, 0, &seen, text);

	if (result < 0 && errno == ENOENT)
		return 0;
	if (result < 0)
		buf_printf(reason, "%s cannot be read: %s", name, strerror(errno));
	else if (secret && (seen.st_mode & 077) != 0) {
		buf_printf(reason, "%s may be read by others: its mode must be 600", name);
		result = -1;
	}
	return result;
}

static int
malformed(const char *name, int line, const char *what, struct buf *reason)
{
	buf_printf(reason, "%s:%d: %s", name, line, what);
	return -1;
}

static bool
is_credential(struct span s)
{
	return s.n > 0 && s.n < ROUTES_WORD && memchr(s.at, '\0', s.n) == NULL;
}

int
routes_server(struct span text, struct span domain, struct server_name *name)
{
	struct span server;
	int line = routes_line(text, domain, &server);

	return line > 0 && !parse_server(server, name) ? -line : line;
}

int
routes_find_login(int root, struct route *route, struct buf *reason)
{
	static const char name[] = "routes.auth";
	struct buf text;
	struct span user, password;

	buf_init(&text, ROUTES_TEXT);
	int result = read_file(root, name, true, &text, reason);
	int line = result < 0 ? 0 : routes_login(buf_span(&text), &route->server, &user, &password);
	route->login = line > 0;
	if (line > 0 && (!is_credential(user) || !is_credential(password)))
		result = malformed(name, line, "not a host, a user and a password", reason);
	else if (line > 0) {
		snprintf(route->user, sizeof route->user, "%.*s", (int)user.n, user.at);
		snprintf(route->password, sizeof route->password, "%.*s", (int)password.n, password.at);
	}
	buf_free(&text);
	return result;
}

int
routes_find(int root, struct span domain, struct route *route, struct buf *reason)
{
	static const char name[] = "routes";
	struct buf text;

	*route = (struct route){ .login = false };
	buf_init(&text, ROUTES_TEXT);
	int result = read_file(root, name, false, &text, reason);
	int line = result < 0 ? 0 : routes_server(buf_span(&text), domain, &route->server);
	if (line < 0)
		result = malformed(name, -line, "not a domain and host[:port]", reason);
	buf_free(&text);
	if (result == 0 && line > 0)
		result = routes_find_login(root, route, reason) < 0 ? -1 : 1;
	return result;
}
