#include "dns.h"

#include <string.h>

/*
 * Offsets into the message: each is checked against its end before a byte is read, and a compression pointer must lead to a place before
 * all that was read of the name, so that there is no circle.
 */

enum { HEADER = 12, CLASS_IN = 1, LABEL = 63 };

static unsigned
byte_at(struct span m, size_t at)
{
	return (unsigned char)m.at[at];
}

/* at + 1 < m.n */
static unsigned
number_at(struct span m, size_t at)
{
	return byte_at(m, at) << 8 | byte_at(m, at + 1);
}

static bool
is_name_character(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_';
}

/* What inet_aton(3) would take for an address or its end: 1, 0x7f000001. No top-level domain looks so. */
static bool
is_number(struct span label)
{
	bool number = ascii_is_digit(label.at[0]);

	for (size_t i = 1; i < label.n && number; i++)
		number = ascii_hex(label.at[i]) >= 0 || ascii_lower(label.at[i]) == 'x';
	return number;
}

bool
dns_is_name(struct span name)
{
	size_t label = 0;

	for (size_t i = 0; i < name.n; i++) {
		bool dot = name.at[i] == '.';
		if (dot ? label == 0 : !is_name_character(name.at[i]) || label == LABEL)
			return false;
		label = dot ? 0 : label + 1;
	}
	return label > 0 && name.n <= DNS_NAME && !is_number(span_slice(name, name.n - label, name.n));
}

struct name {
	char text[DNS_NAME + 1];
	size_t n;
	bool odd; /* it has characters that no host's name has */
};

/* A label of n bytes behind its length. -1: the name is too long. */
static int
add_label(struct name *name, const char *label, size_t n)
{
	size_t dot = name->n > 0 ? 1 : 0;

	if (name->n + dot + n > DNS_NAME)
		return -1;
	if (dot > 0)
		name->text[name->n++] = '.';
	for (size_t i = 0; i < n; i++)
		name->odd = name->odd || !is_name_character(label[i]);
	memcpy(name->text + name->n, label, n);
	name->n += n;
	return 0;
}

/* The name at *at, which moves behind it. -1: it is malformed. */
static int
read_name(struct span m, size_t *at, struct name *name)
{
	size_t here = *at, first = here;
	bool jumped = false;

	*name = (struct name){ .n = 0 };
	while (here < m.n) {
		size_t length = byte_at(m, here);
		if (length > LABEL) {
			if (length < 0xc0 || here + 1 >= m.n)
				return -1;
			size_t target = number_at(m, here) & 0x3fff;
			if (!jumped)
				*at = here + 2;
			jumped = true;
			if (target >= first)
				return -1;
			here = first = target;
			continue;
		}
		if (length == 0) {
			if (!jumped)
				*at = here + 1;
			return 0;
		}
		if (length >= m.n - here || add_label(name, m.at + here + 1, length) < 0)
			return -1;
		here += 1 + length;
	}
	return -1;
}

static bool
is_owner(const struct dns_answer *a, const struct name *name)
{
	return !name->odd && span_equal_nocase((struct span){ name->text, name->n }, span_of(a->owner));
}

/* The data of a record, n bytes at `at`, into *record. -1: they are malformed. */
static int
read_data(struct span m, size_t at, size_t n, enum dns_type type, struct dns_record *record)
{
	size_t address = type == DNS_A ? 4 : 16, end = at + n;
	struct name host;

	if (type == DNS_A || type == DNS_AAAA) {
		if (n != address)
			return -1;
		memcpy(record->address, m.at + at, n);
		return 0;
	}
	if (type == DNS_MX) {
		if (n < 3)
			return -1;
		record->preference = number_at(m, at);
		at += 2;
	}
	if (read_name(m, &at, &host) < 0 || at != end)
		return -1;
	bool odd = host.odd || (host.n > 0 && !dns_is_name((struct span){ host.text, host.n }));
	memcpy(record->host, odd ? "?" : host.text, odd ? 2 : sizeof record->host);
	return 0;
}

/* The next record of the owner with that type. 1; 0: there is none; -1: one is malformed, this or another. */
static int
next(struct dns_answer *a, enum dns_type type, struct dns_record *record)
{
	struct span m = a->message;
	struct name owner;

	while (a->left > 0) {
		if (read_name(m, &a->at, &owner) < 0 || m.n - a->at < 10)
			return -1;
		size_t data = a->at + 10, n = number_at(m, a->at + 8);
		bool ours = number_at(m, a->at) == (unsigned)type && number_at(m, a->at + 2) == CLASS_IN;
		if (n > m.n - data)
			return -1;
		a->at = data + n;
		a->left--;
		if (ours && is_owner(a, &owner))
			return read_data(m, data, n, type, record) < 0 ? -1 : 1;
	}
	return 0;
}

static void
rewind_to_first(struct dns_answer *a)
{
	a->at = a->records;
	a->left = a->count;
}

/* The owner is what its CNAMEs lead to, from now on. */
static enum dns_result
follow_aliases(struct dns_answer *a)
{
	struct dns_record record;
	int found;

	for (int i = 0; (found = next(a, DNS_CNAME, &record)) > 0; i++) {
		if (i == DNS_ALIASES || strcmp(record.host, "?") == 0)
			return DNS_BAD;
		memcpy(a->owner, record.host, sizeof a->owner);
		rewind_to_first(a);
	}
	rewind_to_first(a);
	return found < 0 ? DNS_BAD : DNS_ANSWER;
}

/* The header of the message, and the question. */
static enum dns_result
read_question(struct dns_answer *a)
{
	enum { RESPONSE = 0x8000, OPCODE = 0x7800, TRUNCATED = 0x0200, RCODE = 0xf, NXDOMAIN = 3 };
	struct span m = a->message;
	struct name name;

	if (m.n < HEADER)
		return DNS_BAD;
	unsigned flags = number_at(m, 2);
	a->at = HEADER;
	if ((flags & (RESPONSE | OPCODE | TRUNCATED)) != RESPONSE || number_at(m, 4) != 1 ||
	    read_name(m, &a->at, &name) < 0 || m.n - a->at < 4 || !is_owner(a, &name) ||
	    number_at(m, a->at) != a->type || number_at(m, a->at + 2) != CLASS_IN)
		return DNS_BAD;
	a->records = a->at += 4;
	a->count = a->left = number_at(m, 6);
	if ((flags & RCODE) == NXDOMAIN)
		return DNS_NO_DOMAIN;
	return (flags & RCODE) == 0 ? DNS_ANSWER : DNS_REFUSED;
}

enum dns_result
dns_begin(struct dns_answer *a, struct span message, const char *name, enum dns_type type)
{
	size_t n = strlen(name);

	*a = (struct dns_answer){ .message = message, .type = type };
	if (n > DNS_NAME || message.n > DNS_MESSAGE)
		return DNS_BAD;
	memcpy(a->owner, name, n);
	enum dns_result result = read_question(a);
	if (result == DNS_ANSWER)
		result = follow_aliases(a);
	if (result != DNS_ANSWER)
		return result;
	/* Nobody is to find in the midst that one is malformed. */
	struct dns_record record;
	int found;
	do
		found = next(a, type, &record);
	while (found > 0);
	rewind_to_first(a);
	return found < 0 ? DNS_BAD : DNS_ANSWER;
}

int
dns_next(struct dns_answer *a, struct dns_record *record)
{
	return next(a, a->type, record) > 0;
}
