#include "queue_message.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

bool
queue_is_id(const char *name)
{
	for (size_t i = 0; i < BASE32_ID; i++)
		if (!ascii_is_alnum(name[i]) || name[i] != ascii_lower(name[i]))
			return false;
	return name[BASE32_ID] == '\0';
}

/* The lines of a header. Those from `to` on are a recipient's. */
enum kind { NUMBER, SMALL, TEXT, FLAG };

#define OF_MESSAGE(member)   offsetof(struct queue_message, member)
#define OF_RECIPIENT(member) offsetof(struct queue_recipient, member)

static const struct field {
	const char *key;
	enum kind kind;
	size_t offset;
	long long most;
} fields[] = {
	{ "created", NUMBER, OF_MESSAGE(created), INT64_MAX },
	{ "size", NUMBER, OF_MESSAGE(size), INT64_MAX },
	{ "from", TEXT, OF_MESSAGE(sender), 0 },
	{ "user", TEXT, OF_MESSAGE(user), 0 },
	{ "trusted", FLAG, OF_MESSAGE(trusted), 0 },
	{ "utf8", FLAG, OF_MESSAGE(utf8), 0 },
	{ "8bit", FLAG, OF_MESSAGE(eight_bit), 0 },
	{ "ret", SMALL, OF_MESSAGE(ret), DSN_RET_HDRS },
	{ "envid", TEXT, OF_MESSAGE(envid), 0 },
	{ "to", TEXT, OF_RECIPIENT(address), 0 },
	{ "mailbox", FLAG, OF_RECIPIENT(mailbox), 0 },
	{ "notify", SMALL, OF_RECIPIENT(dsn.notify), 15 },
	{ "orcpt", TEXT, OF_RECIPIENT(dsn.orcpt), 0 },
	{ "owner", TEXT, OF_RECIPIENT(owner), 0 },
};

enum { FIELDS = sizeof fields / sizeof fields[0], TO = 9 };
_Static_assert(sizeof(enum dsn_ret) == sizeof(unsigned), "SMALL is for both");

static void
write_field(const struct field *field, const void *of, struct buf *out)
{
	const char *at = (const char *)of + field->offset;
	unsigned small;
	uint64_t number;
	struct span text;

	switch (field->kind) {
	case NUMBER:
		memcpy(&number, at, sizeof number);
		buf_printf(out, "%s %llu\n", field->key, (unsigned long long)number);
		break;
	case SMALL:
		memcpy(&small, at, sizeof small);
		if (small != 0)
			buf_printf(out, "%s %u\n", field->key, small);
		break;
	case TEXT:
		memcpy(&text, at, sizeof text);
		if (text.n > 0) {
			buf_printf(out, "%s ", field->key);
			buf_add_span(out, text);
			buf_add_char(out, '\n');
		}
		break;
	case FLAG:
		if (*(const bool *)at)
			buf_printf(out, "%s\n", field->key);
	}
}

static const char first_line[] = "queue 1 %08zu %020llu\n";

int
queue_message_write(const struct queue_message *message, uint64_t content, struct buf *out)
{
	char first[64];
	const size_t from = out->len;

	buf_printf(out, first_line, (size_t)0, 0ULL);
	for (size_t i = 0; i < TO; i++)
		write_field(&fields[i], message, out);
	for (size_t i = 0; i < message->recipients_n; i++)
		for (size_t k = TO; k < FIELDS; k++)
			write_field(&fields[k], &message->recipients[i], out);
	buf_add_char(out, '\n');
	if (out->failed)
		return -1;
	snprintf(first, sizeof first, first_line, out->len - from, (unsigned long long)content);
	memcpy(out->data + from, first, QUEUE_FIRST);
	return 0;
}

bool
queue_message_lengths(struct span first, size_t *header, uint64_t *content)
{
	static const char start[] = "queue 1 ";
	struct span rest = span_slice(first, sizeof start - 1, QUEUE_FIRST - 1);

	if (first.n < QUEUE_FIRST || memcmp(first.at, start, sizeof start - 1) != 0 ||
	    first.at[QUEUE_FIRST - 1] != '\n')
		return false;
	long long header_n = span_number(span_until(rest, ' ', &rest), QUEUE_HEADER);
	/* One digit less, which is a zero: span_number takes 19. */
	long long content_n = span_number(span_slice(rest, 1, rest.n), INT64_MAX / 2);
	if (header_n <= QUEUE_FIRST || content_n < 0 || rest.at == NULL || rest.at[0] != '0')
		return false;
	*header = (size_t)header_n;
	*content = (uint64_t)content_n;
	return true;
}

static bool
is_plain(struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
			return false;
	return value.n > 0;
}

static bool
read_field(const struct field *field, struct span value, void *of)
{
	char *at = (char *)of + field->offset;
	long long number = 0;

	if (field->kind == TEXT) {
		memcpy(at, &value, sizeof value);
		return is_plain(value);
	}
	if (field->kind == FLAG) {
		*(bool *)at = true;
		return value.at == NULL;
	}
	number = span_number(value, field->most);
	if (number < 0)
		return false;
	const unsigned small = (unsigned)number;
	const int64_t large = number;
	memcpy(at, field->kind == SMALL ? (const void *)&small : &large,
	    field->kind == SMALL ? sizeof small : sizeof large);
	return true;
}

static bool
read_line(struct span line, struct queue_message *message)
{
	struct span value;
	struct span key = span_until(line, ' ', &value);
	size_t i = 0;

	while (i < FIELDS && !span_is(key, fields[i].key))
		i++;
	if (i == FIELDS || (i < TO) != (message->recipients_n == 0 && i != TO))
		return false;
	if (i < TO)
		return read_field(&fields[i], value, message);
	message->recipients_n += i == TO;
	return read_field(&fields[i], value, &message->recipients[message->recipients_n - 1]);
}

/* How many recipients it has at most, so that they need not move. */
static size_t
count_recipients(struct span header)
{
	size_t n = 0;

	while (header.n > 0)
		n += span_is(span_slice(span_until(header, '\n', &header), 0, 2), "to");
	return n;
}

int
queue_message_parse(struct span header, struct queue_message *message)
{
	struct span rest = header, line;
	size_t n = count_recipients(header);

	message->recipients_n = 0;
	message->recipients = calloc(n > 0 ? n : 1, sizeof *message->recipients);
	if (message->recipients == NULL)
		return -1;
	errno = EBADMSG;
	(void)span_until(rest, '\n', &rest);
	while ((line = span_until(rest, '\n', &rest)).n > 0)
		if (!read_line(line, message))
			return -1;
	return rest.at != NULL && rest.n == 0 && message->recipients_n > 0 ? 0 : -1;
}

/* In a line of the journal the lines of a reply are parted by this. */
enum { PARTED = '\v' };

static const char *const states[] = { "waiting", "done", "failed", "delayed" };
enum { DELAYED = 3 };

static void
write_which(const size_t *which, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n;) {
		size_t first = i++;
		while (i < n && which[i] == which[i - 1] + 1)
			i++;
		buf_printf(out, "%s%zu", first == 0 ? "" : ",", which[first]);
		if (i - first > 1)
			buf_printf(out, "-%zu", which[i - 1]);
	}
}

/* A line of another message's journal is none here: after a power cut any block may stand anywhere. */
static uint32_t
sum_of(const char *id, struct span text)
{
	return adler32(adler32(1, id, BASE32_ID), text.at, text.n);
}

int
queue_journal_write(
    const char *id, const struct queue_outcome *outcome, const size_t *which, size_t n, struct buf *out)
{
	struct span reply = span_slice(outcome->reply, 0, QUEUE_REPLY);
	char sum[16];

	/* What the line before was torn off ends here. */
	buf_add_char(out, '\n');
	const size_t from = out->len;
	buf_printf(out, "........ %lld %lld %s %s ", (long long)outcome->tried, (long long)outcome->next,
	    states[outcome->delayed ? DELAYED : outcome->state],
	    outcome->notice != NULL ? outcome->notice : "-");
	write_which(which, n, out);
	buf_add_char(out, ' ');
	for (size_t i = 0; i < reply.n; i++)
		buf_add_char(out, reply.at[i] == '\n' ? PARTED : reply.at[i]);
	buf_add_char(out, '\n');
	if (out->failed)
		return -1;
	struct span text = span_slice(buf_span(out), from + 9, out->len - 1);
	snprintf(sum, sizeof sum, "%08lx", (unsigned long)sum_of(id, text));
	memcpy(out->data + from, sum, 8);
	return 0;
}

/* Take a range off the front of "0-3,7". False where it is malformed. */
static bool
next_range(struct span *which, size_t n, size_t *first, size_t *last)
{
	struct span end;
	struct span start = span_until(span_until(*which, ',', which), '-', &end);
	long long from = span_number(start, (long long)n - 1);
	long long to = end.at == NULL ? from : span_number(end, (long long)n - 1);

	*first = (size_t)from;
	*last = (size_t)to;
	return from >= 0 && to >= from;
}

static void
take_over(const struct queue_outcome *outcome, struct span which, struct queue_message *message)
{
	size_t first, last;

	while (which.n > 0 && next_range(&which, message->recipients_n, &first, &last)) {
		for (size_t i = first; i <= last; i++) {
			struct queue_recipient *r = &message->recipients[i];
			r->state = outcome->state;
			r->tries += r->tries == 0 || r->tried != outcome->tried;
			r->tried = outcome->tried;
			r->next = outcome->next;
			r->delayed |= outcome->delayed;
			r->reply = outcome->reply.n > 0 ? outcome->reply : r->reply;
		}
	}
}

static int
state_of(struct span word)
{
	for (int i = 0; i <= DELAYED; i++)
		if (span_is(word, states[i]))
			return i;
	return -1;
}

/* notice: "-" or an id. */
static bool
read_outcome(
    struct span line, const char *id, struct queue_outcome *outcome, struct span *notice, struct span *which)
{
	struct span rest;
	struct span sum = span_until(line, ' ', &rest);
	char digits[16];

	snprintf(digits, sizeof digits, "%08lx", (unsigned long)(rest.n > 0 ? sum_of(id, rest) : 0));
	if (rest.n == 0 || !span_is(sum, digits))
		return false;
	outcome->tried = span_number(span_until(rest, ' ', &rest), INT64_MAX);
	outcome->next = span_number(span_until(rest, ' ', &rest), INT64_MAX);
	int state = state_of(span_until(rest, ' ', &rest));
	*notice = span_until(rest, ' ', &rest);
	*which = span_until(rest, ' ', &rest);
	outcome->delayed = state == DELAYED;
	outcome->state = state == DELAYED ? QUEUE_WAITING : (enum queue_state)state;
	outcome->reply = rest;
	return state >= 0 && outcome->tried >= 0 && outcome->next >= 0;
}

int
queue_journal_read(struct buf *journal, struct queue_message *message, struct buf *notices)
{
	struct span rest = buf_span(journal), named, which;
	struct queue_outcome outcome = { .notice = NULL };
	char id[BASE32_ID + 1];

	while (rest.n > 0) {
		struct span line = span_until(rest, '\n', &rest);
		if (!read_outcome(line, message->id, &outcome, &named, &which))
			continue;
		for (size_t i = 0; i < outcome.reply.n; i++) {
			char *c = journal->data + (outcome.reply.at - journal->data) + i;
			*c = *c == PARTED ? '\n' : *c;
		}
		take_over(&outcome, which, message);
		snprintf(id, sizeof id, "%.*s", (int)named.n, named.at);
		if (named.n == BASE32_ID && queue_is_id(id))
			buf_add(notices, id, sizeof id);
	}
	return notices->failed ? -1 : 0;
}
