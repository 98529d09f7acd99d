#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "buf.h"
#include "net.h"

enum { EXPECTED = 96 }; /* bytes of a phrase that says what a value should have been */

struct key {
	const char *name;
	/* 0, or -1 with what the value should have been in expected. NULL: a key of the interface that this version does not have. */
	int (*set)(struct config *, const struct key *, struct span value, char expected[EXPECTED]);
	size_t offset; /* of the member */
	long long min, max;
};

static int
expect(char expected[EXPECTED], const char *phrase)
{
	snprintf(expected, EXPECTED, "%s", phrase);
	return -1;
}

static void *
member(struct config *c, const struct key *key)
{
	return (char *)c + key->offset;
}

static int
replace(char **at, struct span value, char expected[EXPECTED])
{
	char *copy = strndup(value.at, value.n);

	if (copy == NULL)
		return expect(expected, "accepted: no memory");
	free(*at);
	*at = copy;
	return 0;
}

/* A name or, in brackets, an address literal. UTF-8 passes: RFC 6531. */
static bool
is_domain(struct span s)
{
	bool literal = s.n > 2 && s.at[0] == '[' && s.at[s.n - 1] == ']';
	struct span inner = literal ? span_slice(s, 1, s.n - 1) : s;

	for (size_t i = 0; i < inner.n; i++) {
		char c = inner.at[i];
		bool other = (unsigned char)c >= 0x80 || c == '-' || c == '.' || c == '_';
		if (!ascii_is_alnum(c) && !other && !(literal && c == ':'))
			return false;
	}
	return s.n > 0 && s.n <= SMTP_DOMAIN && s.at[0] != '.' && s.at[0] != '-';
}

/* Until it is set, domain follows hostname. */
static int
default_domain(struct config *c)
{
	size_t n = strlen(c->hostname) + sizeof " localhost";
	char *both = malloc(n);

	if (both == NULL)
		return -1;
	snprintf(both, n, "%s localhost", c->hostname);
	free(c->domain);
	c->domain = both;
	return 0;
}

static int
set_hostname(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	if (!is_domain(value))
		return expect(expected, "a domain name");
	if (replace(member(c, key), value, expected) < 0)
		return -1;
	if (!c->domain_given && default_domain(c) < 0)
		return expect(expected, "accepted: no memory");
	return 0;
}

/* Words of a kind, whatever blanks stand between them. */
static int
set_list(struct config *c, const struct key *key, struct span value, bool (*is_one)(struct span),
    const char *phrase, char expected[EXPECTED])
{
	struct buf list;
	struct span word;
	int status = 0;

	buf_init(&list, value.n);
	while (status == 0 && (word = span_word(&value)).n > 0) {
		if (!is_one(word))
			status = expect(expected, phrase);
		if (list.len > 0)
			buf_add_char(&list, ' ');
		buf_add_span(&list, word);
	}
	if (status == 0)
		status = replace(member(c, key), buf_span(&list), expected);
	buf_free(&list);
	return status;
}

static int
set_domains(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	int status = set_list(c, key, value, is_domain, "a list of domain names", expected);

	c->domain_given = status == 0;
	return status;
}

/* "none" is in no network. */
static bool
is_network(struct span s)
{
	return span_is(s, "none") || net_is_network(s);
}

static int
set_networks(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	return set_list(
	    c, key, value, is_network, "a list of networks (ADDR or ADDR/BITS), or none", expected);
}

static int
set_listen(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	struct sockaddr_storage address;
	struct span word;
	socklen_t n;

	while ((word = span_word(&value)).n > 0) {
		if (c->listens == CONFIG_LISTEN)
			return expect(expected, "possible: that are more than 16 addresses");
		char **at = &c->listen[c->listens];
		if (replace(at, word, expected) < 0)
			return -1;
		if (strlen(*at) != word.n || net_parse(*at, &address, &n) < 0)
			return expect(expected, "ADDR:PORT or [ADDR6]:PORT");
		c->listener[c->listens++] = (enum listener)key->min;
	}
	return 0;
}

static int
set_resolver(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	struct sockaddr_storage address;
	socklen_t n;

	if (replace(member(c, key), value, expected) < 0)
		return -1;
	if (!span_is_word(value) || net_parse(c->resolver, &address, &n) < 0)
		return expect(expected, "ADDR:PORT or [ADDR6]:PORT");
	return 0;
}

static int
set_word(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	if (!span_is_word(value))
		return expect(expected, "one word");
	return replace(member(c, key), value, expected);
}

static int
set_cleartext(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	(void)key;
	if (span_is(value, "no"))
		c->cleartext = CLEARTEXT_NO;
	else if (span_is(value, "loopback"))
		c->cleartext = CLEARTEXT_LOOPBACK;
	else if (span_is(value, "yes"))
		c->cleartext = CLEARTEXT_YES;
	else
		return expect(expected, "no, loopback or yes");
	return 0;
}

static int
set_size(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	struct span last = span_slice(value, value.n - 1, value.n);
	long long unit = 1;

	if (span_is_nocase(last, "K"))
		unit = 1LL << 10;
	else if (span_is_nocase(last, "M"))
		unit = 1LL << 20;
	else if (span_is_nocase(last, "G"))
		unit = 1LL << 30;
	long long n = span_number(span_slice(value, 0, unit > 1 ? value.n - 1 : value.n), key->max / unit);

	if (n < 0 || n * unit < key->min) {
		snprintf(expected, EXPECTED, "a size (bytes, or with K, M, G) of %lld to %lldG", key->min,
		    key->max >> 30);
		return -1;
	}
	*(int64_t *)member(c, key) = n * unit;
	return 0;
}

static int
set_number(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	long long n = span_number(value, key->max);

	if (n < key->min) {
		snprintf(expected, EXPECTED, "a number of %lld to %lld", key->min, key->max);
		return -1;
	}
	*(int *)member(c, key) = (int)n;
	return 0;
}

/* Seconds, or a number with s, m, h or d. */
static int
set_duration(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	static const char units[] = "smhd";
	static const int seconds[] = { 1, 60, 3600, 86400 };
	const char *unit = strchr(units, value.at[value.n - 1]);
	long long each = unit == NULL || *unit == '\0' ? 1 : seconds[unit - units];
	long long n =
	    span_number(span_slice(value, 0, unit == NULL ? value.n : value.n - 1), key->max / each);

	if (n < 0 || n * each < key->min)
		return expect(expected, "a time (seconds, or with m, h, d) of 1 second to 365 days");
	*(int *)member(c, key) = (int)(n * each);
	return 0;
}

static int
set_log(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	(void)key;
	c->log_syslog = span_is(value, "syslog");
	if (!c->log_syslog && !span_is(value, "stderr"))
		return expect(expected, "stderr or syslog");
	return 0;
}

static int
set_flag(struct config *c, const struct key *key, struct span value, char expected[EXPECTED])
{
	*(bool *)member(c, key) = span_is(value, "yes");
	return span_is(value, "yes") || span_is(value, "no") ? 0 : expect(expected, "yes or no");
}

#define AT(name) offsetof(struct config, name)
#define PETABYTE (1LL << 50)

static const struct key keys[] = {
	{ "hostname", set_hostname, AT(hostname), 0, 0 },
	{ "domain", set_domains, AT(domain), 0, 0 },
	{ "listen", set_listen, AT(listen), LISTENER_PLAIN, 0 },
	{ "listen-submission", set_listen, AT(listen), LISTENER_SUBMISSION, 0 },
	{ "user", set_word, AT(user), 0, 0 },
	{ "auth-cleartext", set_cleartext, AT(cleartext), 0, 0 },
	{ "relay-from", set_networks, AT(relay_from), 0, 0 },
	{ "sender-check", set_flag, AT(sender_check), 0, 0 },
	{ "message-size", set_size, AT(message_size), 1, PETABYTE },
	{ "mailbox-size", set_size, AT(mailbox_size), 0, PETABYTE },
	{ "recipients", set_number, AT(recipients), 1, 100000 },
	{ "max-sessions", set_number, AT(max_sessions), 1, 100000 },
	{ "max-per-source", set_number, AT(max_per_source), 1, 100000 },
	{ "timeout", set_number, AT(timeout), 1, 86400 },
	{ "log", set_log, AT(log_syslog), 0, 0 },
	{ "listen-tls", NULL, 0, 0, 0 },
	{ "tls-cert", NULL, 0, 0, 0 },
	{ "tls-key", NULL, 0, 0, 0 },
	{ "queue-lifetime", set_duration, AT(queue_lifetime), 1, 365 * 86400 },
	{ "resolver", set_resolver, AT(resolver), 0, 0 },
	{ "proxy-from", NULL, 0, 0, 0 },
};

enum { KEYS = sizeof keys / sizeof keys[0] };

int
config_init(struct config *c, const char *root)
{
	char host[SMTP_DOMAIN + 1] = "";

	*c = (struct config){ .cleartext = CLEARTEXT_LOOPBACK, .message_size = 50 << 20 };
	c->sender_check = true;
	c->recipients = 1000;
	c->max_sessions = 1000;
	c->max_per_source = 100;
	c->queue_lifetime = 5 * 86400;
	if (root == NULL)
		root = getenv("MAILBOXES");
	if (root == NULL || root[0] == '\0')
		root = "./mailboxes";
	gethostname(host, sizeof host - 1);
	host[sizeof host - 1] = '\0';
	c->root = strdup(root);
	c->hostname = strdup(is_domain(span_of(host)) ? host : "localhost");
	c->relay_from = strdup("127.0.0.0/8 ::1");
	if (c->root == NULL || c->hostname == NULL || c->relay_from == NULL || default_domain(c) < 0) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

void
config_free(struct config *c)
{
	free(c->root);
	free(c->hostname);
	free(c->domain);
	free(c->user);
	free(c->relay_from);
	free(c->resolver);
	for (int i = 0; i < CONFIG_LISTEN; i++)
		free(c->listen[i]);
	*c = (struct config){ .root = NULL };
}

/* A value is shown escaped, and not more than its beginning. */
static int
refuse(char reason[CONFIG_REASON], const char *subject, struct span value, const char *what)
{
	struct buf shown;

	buf_init(&shown, CONFIG_REASON);
	buf_add_escaped(&shown, span_slice(value, 0, 24));
	snprintf(reason, CONFIG_REASON, "%s \"%s%s\" %s", subject, buf_string(&shown),
	    value.n > 24 ? "..." : "", what);
	buf_free(&shown);
	return -1;
}

int
config_set(struct config *c, struct span key, struct span value, bool option, char reason[CONFIG_REASON])
{
	char expected[EXPECTED];
	size_t i = 0;

	while (i < KEYS && !span_is(key, keys[i].name))
		i++;
	if (i == KEYS)
		return refuse(reason, "key", key, "is unknown");
	if (keys[i].set == NULL)
		return refuse(reason, "key", key, "is not supported by this version");
	value = span_trim(value);
	if (value.n == 0)
		return refuse(reason, "key", key, "has no value");
	if (!option && (c->fixed & 1u << i) != 0)
		return 0;
	if (keys[i].set(c, &keys[i], value, expected) < 0) {
		char what[EXPECTED + 16];
		snprintf(what, sizeof what, "is not %s", expected);
		return refuse(reason, keys[i].name, value, what);
	}
	c->fixed |= option ? 1u << i : 0;
	return 0;
}

int
config_option(struct config *c, const char *option, char reason[CONFIG_REASON])
{
	struct span value;
	struct span name = span_until(span_of(option), '=', &value);

	if (value.at == NULL)
		return refuse(reason, "option", name, "is not KEY=VALUE");
	return config_set(c, span_trim(name), value, true, reason);
}

static struct span
without_dot(struct span domain)
{
	bool dot = domain.n > 1 && domain.at[domain.n - 1] == '.';

	return span_slice(domain, 0, dot ? domain.n - 1 : domain.n);
}

bool
config_is_local(const struct config *c, struct span domain)
{
	struct span list = span_of(c->domain), word;

	domain = without_dot(domain);
	while ((word = span_word(&list)).n > 0)
		if (span_equal_nocase(without_dot(word), domain))
			return true;
	return false;
}

bool
config_receives(const struct config *c, struct span local, struct span domain)
{
	return config_is_local(c, domain) ||
	       (span_is_nocase(local, "postmaster") && span_is_nocase(without_dot(domain), c->hostname));
}

bool
config_relays_from(const struct config *c, const struct peer *peer)
{
	struct span list = span_of(c->relay_from), word;

	while ((word = span_word(&list)).n > 0)
		if (net_contains(word, peer))
			return true;
	return false;
}
