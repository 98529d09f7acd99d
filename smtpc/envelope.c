#include "envelope.h"

#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "words.h"

enum { NAME = 4096, LINE = 78 };

void
envelope_free(struct envelope *envelope)
{
	for (size_t i = 0; i < envelope->n; i++)
		free(envelope->recipients[i]);
	free(envelope->recipients);
	*envelope = (struct envelope){ .n = 0 };
}

/* Where the domain begins, the @ included. */
static size_t
domain_at(struct span address)
{
	size_t at = address.n;

	while (at > 0 && address.at[at - 1] != '@')
		at--;
	return at;
}

static bool
same(struct span a, struct span b)
{
	size_t at = domain_at(a);

	return a.n == b.n && at == domain_at(b) && memcmp(a.at, b.at, at) == 0 && span_equal_nocase(a, b);
}

static bool
make_room(struct envelope *envelope)
{
	if (envelope->n < envelope->room)
		return true;
	size_t room = envelope->room == 0 ? 16 : envelope->room * 2;
	char **more = realloc(envelope->recipients, room * sizeof(*more));
	if (more == NULL)
		return false;
	envelope->recipients = more;
	envelope->room = room;
	return true;
}

int
envelope_add(struct envelope *envelope, struct span address)
{
	for (size_t i = 0; i < envelope->n; i++)
		if (same(span_of(envelope->recipients[i]), address))
			return 0;
	char *copy = malloc(address.n + 1);
	if (copy == NULL || !make_room(envelope)) {
		free(copy);
		return -1;
	}
	memcpy(copy, address.at, address.n);
	copy[address.n] = '\0';
	envelope->recipients[envelope->n++] = copy;
	envelope->utf8 |= !span_is_ascii(address);
	return 0;
}

/* Does the name stand as it is: atoms and spaces? */
static bool
is_phrase(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_alnum(name.at[i]) &&
		    (name.at[i] == '\0' || strchr("!#$%&'*+-/=?^_`{|}~ ", name.at[i]) == NULL))
			return false;
	return true;
}

static bool
is_printable(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_print(name.at[i]))
			return false;
	return true;
}

static void
add_quoted(struct span name, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.at[i] == '"' || name.at[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, name.at[i]);
	}
	buf_add_char(out, '"');
}

/* `name <address>`; encoded words of the name that were given as such stay what they are. */
static void
format_mailbox(struct span name, struct span address, size_t column, struct buf *out)
{
	if (name.n == 0) {
		buf_add_span(out, address);
		return;
	}
	if (is_phrase(name))
		buf_add_span(out, name);
	else if (is_printable(name))
		add_quoted(name, out);
	else
		words_encode(name, column, out);
	buf_add_string(out, " <");
	buf_add_span(out, address);
	buf_add_char(out, '>');
}

/* Characters on the last line of a value. */
static size_t
last_line(struct span value, size_t column)
{
	size_t n = 0;

	while (n < value.n && value.at[value.n - n - 1] != '\n')
		n++;
	return n == value.n ? column + n : n;
}

static void
add_to_field(struct span name, struct span address, size_t column, struct buf *field)
{
	size_t before = last_line(buf_span(field), column);

	if (field->len > 0) {
		bool fold = before + name.n + address.n + strlen(", <>") > LINE;
		buf_add_string(field, fold ? ",\r\n " : ", ");
		before = fold ? 1 : before + 2;
	}
	format_mailbox(name, address, before, field);
}

int
envelope_add_list(
    struct envelope *envelope, struct span list, size_t column, struct buf *field, const char **reason)
{
	struct buf name, address;
	int n = 0, status;

	buf_init(&name, NAME);
	buf_init(&address, SMTP_PATH);
	while ((status = address_next(&list, &name, &address, reason)) > 0) {
		n++;
		if (field != NULL)
			add_to_field(buf_span(&name), buf_span(&address), column, field);
		if (envelope_add(envelope, buf_span(&address)) < 0 || (field != NULL && field->failed)) {
			*reason = "out of memory";
			status = -1;
			break;
		}
	}
	buf_free(&name);
	buf_free(&address);
	if (status == 0 && n == 0)
		*reason = "the address is empty";
	return status < 0 ? -1 : n;
}

int
envelope_one(struct span text, size_t column, struct buf *address, struct buf *field, const char **reason)
{
	struct envelope one = { .n = 0 };
	int n = envelope_add_list(&one, text, column, field, reason);

	if (n > 1)
		*reason = "there is more than one address";
	int status = n == 1 ? buf_add_string(address, one.recipients[0]) : -1;
	envelope_free(&one);
	return status;
}
