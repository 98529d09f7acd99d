#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

enum { CONFIG_TEXT = 1 << 20 }; /* bytes of the file */

struct unit {
	char letter;
	long long each;
};

struct key {
	const char *name;
	/* NULL, or what the value is not. No function: a key of the interface that this version does not have. */
	const char *(*set)(const struct key *, struct span value, void *member, struct config *);
	const char *expected; /* what a value is like */
	size_t offset, size;  /* of the member */
	bool (*is_one)(struct span);
	enum listener listener;
	const char *const *words;
	long long min, max;
	const struct unit *units;
};

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

/* "none" is in no network. */
static bool
is_network(struct span s)
{
	return span_is(s, "none") || net_is_network(s);
}

static bool
is_endpoint(struct span s)
{
	struct sockaddr_storage address;
	char text[NET_ADDRESS];
	socklen_t n;

	if (!span_is_word(s) || s.n >= sizeof text)
		return false;
	snprintf(text, sizeof text, "%.*s", (int)s.n, s.at);
	return net_parse(text, &address, &n) == 0;
}

static const char *
set_text(const struct key *key, struct span value, void *member, struct config *c)
{
	(void)c;
	if (!key->is_one(value) || value.n >= key->size)
		return key->expected;
	memcpy(member, value.at, value.n);
	((char *)member)[value.n] = '\0';
	return NULL;
}

/* Words of a kind, whatever blanks stand between them. */
static const char *
set_list(const struct key *key, struct span value, void *member, struct config *c)
{
	char *list = member;
	struct span word;
	size_t n = 0;

	(void)c;
	if (value.n >= key->size)
		return "so short as it must be";
	while ((word = span_word(&value)).n > 0) {
		if (!key->is_one(word))
			return key->expected;
		if (n > 0)
			list[n++] = ' ';
		memcpy(list + n, word.at, word.n);
		n += word.n;
		list[n] = '\0';
	}
	return NULL;
}

static const char *
add_listen(const struct key *key, struct span value, void *member, struct config *c)
{
	struct span word;

	(void)member;
	while ((word = span_word(&value)).n > 0) {
		if (c->listens == CONFIG_LISTEN)
			return "possible: that are more than 16 addresses";
		const char *wrong = set_text(key, word, c->listen[c->listens], c);
		if (wrong != NULL)
			return wrong;
		c->listener[c->listens++] = key->listener;
	}
	return NULL;
}

/* One of some words, as a number from 0. */
static const char *
set_choice(const struct key *key, struct span value, void *member, struct config *c)
{
	(void)c;
	for (int i = 0; key->words[i] != NULL; i++)
		if (span_is(value, key->words[i])) {
			*(int *)member = i;
			return NULL;
		}
	return key->expected;
}

static const char *
set_number(const struct key *key, struct span value, void *member, struct config *c)
{
	char last = ascii_lower(value.at[value.n - 1]);
	long long each = 1;

	(void)c;
	for (const struct unit *unit = key->units; unit != NULL && unit->letter != '\0'; unit++)
		if (unit->letter == last) {
			each = unit->each;
			value.n--;
			break;
		}
	long long n = span_number(value, key->max / each);
	if (n < 0 || n * each < key->min)
		return key->expected;
	if (key->size == sizeof(int))
		*(int *)member = (int)(n * each);
	else
		*(int64_t *)member = n * each;
	return NULL;
}

static const struct unit bytes[] = { { 'k', 1 << 10 }, { 'm', 1 << 20 }, { 'g', 1 << 30 }, { '\0', 0 } };
static const struct unit seconds[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { '\0', 0 } };

#define WORDS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}
#define MEMBER(name) .offset = offsetof(struct config, name), .size = sizeof(((struct config *)NULL)->name)
#define ENDPOINT     "ADDR:PORT or [ADDR6]:PORT"
#define SIZE(least)  "a size (bytes, or with K, M, G) of " least " to 1048576G"

static const struct key keys[] = {
	/* clang-format off */
	{ "hostname", set_text, "a domain name", MEMBER(hostname), .is_one = is_domain },
	{ "domain", set_list, "a list of domain names", MEMBER(domain), .is_one = is_domain },
	{ "listen", add_listen, ENDPOINT, MEMBER(listen[0]), .is_one = is_endpoint, .listener = LISTENER_PLAIN },
	{ "listen-submission", add_listen, ENDPOINT, MEMBER(listen[0]), .is_one = is_endpoint,
	    .listener = LISTENER_SUBMISSION },
	{ "user", set_text, "one word of up to 63 bytes", MEMBER(user), .is_one = span_is_word },
	{ "auth-cleartext", set_choice, "no, loopback or yes", MEMBER(cleartext),
	    .words = WORDS("no", "loopback", "yes") },
	{ "relay-from", set_list, "a list of networks (ADDR or ADDR/BITS), or none", MEMBER(relay_from),
	    .is_one = is_network },
	{ "sender-check", set_choice, "yes or no", MEMBER(sender_check), .words = WORDS("no", "yes") },
	{ "message-size", set_number, SIZE("1"), MEMBER(message_size), .min = 1, .max = 1LL << 50, .units = bytes },
	{ "mailbox-size", set_number, SIZE("0"), MEMBER(mailbox_size), .max = 1LL << 50, .units = bytes },
	{ "recipients", set_number, "a number of 1 to 100000", MEMBER(recipients), .min = 1, .max = 100000 },
	{ "max-sessions", set_number, "a number of 1 to 100000", MEMBER(max_sessions), .min = 1, .max = CONFIG_SESSIONS },
	{ "max-per-source", set_number, "a number of 1 to 100000", MEMBER(max_per_source), .min = 1, .max = 100000 },
	{ "timeout", set_number, "a number of 1 to 86400", MEMBER(timeout), .min = 1, .max = 86400 },
	{ "log", set_choice, "stderr or syslog", MEMBER(log_syslog), .words = WORDS("stderr", "syslog") },
	{ "queue-lifetime", set_number, "a time (seconds, or with m, h, d) of 1 second to 365 days",
	    MEMBER(queue_lifetime), .min = 1, .max = 365 * 86400, .units = seconds },
	{ "resolver", set_text, ENDPOINT, MEMBER(resolver), .is_one = is_endpoint },
	{ .name = "listen-tls" },
	{ .name = "tls-cert" },
	{ .name = "tls-key" },
	{ .name = "proxy-from" },
	/* clang-format on */
};

enum { KEYS = sizeof keys / sizeof keys[0] };

void
config_init(struct config *c, const char *root)
{
	*c = (struct config){
		.root = root != NULL ? root : getenv("MAILBOXES"),
		.cleartext = CLEARTEXT_LOOPBACK,
		.relay_from = "127.0.0.0/8 ::1",
		.sender_check = 1,
		.message_size = 50 << 20,
		.recipients = 1000,
		.max_sessions = 1000,
		.max_per_source = 100,
		.queue_lifetime = 5 * 86400,
	};
	if (c->root == NULL || c->root[0] == '\0')
		c->root = "./mailboxes";
	gethostname(c->hostname, sizeof c->hostname - 1);
	if (!is_domain(span_of(c->hostname)))
		snprintf(c->hostname, sizeof c->hostname, "localhost");
}

/* A value is shown escaped, and not more than its beginning. */
static int
refuse(char reason[CONFIG_REASON], const char *subject, struct span value, const char *what, const char *more)
{
	struct buf shown;

	buf_init(&shown, CONFIG_REASON);
	buf_add_escaped(&shown, span_slice(value, 0, 24));
	snprintf(reason, CONFIG_REASON, "%s \"%s%s\" %s%s", subject, buf_string(&shown),
	    value.n > 24 ? "..." : "", what, more);
	buf_free(&shown);
	return -1;
}

int
config_set(struct config *c, struct span key, struct span value, bool option, char reason[CONFIG_REASON])
{
	size_t i = 0;

	while (i < KEYS && !span_is(key, keys[i].name))
		i++;
	if (i == KEYS)
		return refuse(reason, "key", key, "is unknown", "");
	if (keys[i].set == NULL)
		return refuse(reason, "key", key, "is not supported by this version", "");
	value = span_trim(value);
	if (value.n == 0)
		return refuse(reason, "key", key, "has no value", "");
	if (!option && (c->fixed & 1u << i) != 0)
		return 0;
	const char *wrong = keys[i].set(&keys[i], value, (char *)c + keys[i].offset, c);
	if (wrong != NULL)
		return refuse(reason, keys[i].name, value, "is not ", wrong);
	c->fixed |= option ? 1u << i : 0;
	return 0;
}

int
config_option(struct config *c, const char *option, char reason[CONFIG_REASON])
{
	struct span value;
	struct span name = span_until(span_of(option), '=', &value);

	if (value.at == NULL)
		return refuse(reason, "option", name, "is not KEY=VALUE", "");
	return config_set(c, span_trim(name), value, true, reason);
}

static int
take_line(struct config *c, struct span text, char reason[CONFIG_REASON])
{
	if (text.n > CONFIG_LINE || span_has(text, '\0')) {
		snprintf(reason, CONFIG_REASON, text.n > CONFIG_LINE ? "the line is too long" : "a NUL");
		return -1;
	}
	/* A '#' at the start of a word begins a comment. */
	for (size_t i = 0; i < text.n; i++)
		if (text.at[i] == '#' && (i == 0 || ascii_is_blank(text.at[i - 1])))
			text.n = i;
	struct span key = span_word(&text);
	return key.n == 0 ? 0 : config_set(c, key, text, false, reason);
}

int
config_read(struct config *c, char reason[CONFIG_REASON])
{
	char wrong[CONFIG_REASON];
	struct buf path, text;
	struct stat st;
	int status = 0;

	buf_init(&path, strlen(c->root) + sizeof "/config");
	buf_init(&text, CONFIG_TEXT);
	buf_printf(&path, "%s/config", c->root);
	if (io_read_file(AT_FDCWD, buf_string(&path), 0, &st, &text) < 0 && errno != ENOENT) {
		snprintf(reason, CONFIG_REASON, "config: %s",
		    errno == EINVAL ? "not a regular file" : strerror(errno));
		status = -1;
	}
	struct span rest = buf_span(&text);
	for (int line = 1; status == 0 && rest.n > 0; line++) {
		status = take_line(c, span_until(rest, '\n', &rest), wrong);
		if (status < 0)
			snprintf(reason, CONFIG_REASON, "config:%d: %.230s", line, wrong);
	}
	buf_free(&text);
	buf_free(&path);
	return status;
}

static bool
is_same_domain(struct span a, struct span b)
{
	a.n -= a.n > 1 && a.at[a.n - 1] == '.';
	b.n -= b.n > 1 && b.at[b.n - 1] == '.';
	return span_equal_nocase(a, b);
}

bool
config_is_local(const struct config *c, struct span domain)
{
	struct span list = span_of(c->domain), word;

	if (list.n == 0)
		return is_same_domain(domain, span_of(c->hostname)) ||
		       is_same_domain(domain, span_of("localhost"));
	while ((word = span_word(&list)).n > 0)
		if (is_same_domain(word, domain))
			return true;
	return false;
}

bool
config_receives(const struct config *c, struct span local, struct span domain)
{
	return config_is_local(c, domain) ||
	       (span_is_nocase(local, "postmaster") && is_same_domain(domain, span_of(c->hostname)));
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

bool
config_allows_cleartext(const struct config *c, const struct peer *peer)
{
	return c->cleartext == CLEARTEXT_YES || (c->cleartext == CLEARTEXT_LOOPBACK && net_is_loopback(peer));
}
