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

static bool
same(struct span a, struct span b)
{
	size_t local = a.n;

	while (local > 0 && a.at[local - 1] != '@')
		local--;
	return span_equal_nocase(a, b) && memcmp(a.at, b.at, local) == 0;
}

/* 0, or -1: no memory. */
static int
add(struct envelope *envelope, struct span address)
{
	for (size_t i = 0; i < envelope->n; i++)
		if (same(span_of(envelope->recipients[i]), address))
			return 0;
	char **more = realloc(envelope->recipients, (envelope->n + 1) * sizeof(*more));
	if (more == NULL)
		return -1;
	envelope->recipients = more;
	more[envelope->n] = strndup(address.at, address.n);
	if (more[envelope->n] == NULL)
		return -1;
	envelope->n++;
	envelope->utf8 |= !span_is_ascii(address);
	return 0;
}

/* Letters, digits, and these? */
static bool
consists_of(struct span s, const char *others)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum(s.at[i]) && (s.at[i] == '\0' || strchr(others, s.at[i]) == NULL))
			return false;
	return true;
}

#define IN_ATOMS   "!#$%&'*+-/=?^_`{|}~ " /* RFC 5322 3.2.3, and a blank between them */
#define PUNCTUATED IN_ATOMS "\"(),.:;<>@[\\]"

/* `name <address>`; encoded words of the name that were given as such stay what they are. */
static void
add_mailbox(struct span name, struct span address, size_t column, struct buf *out)
{
	if (name.n == 0) {
		buf_add_span(out, address);
		return;
	}
	if (consists_of(name, IN_ATOMS))
		buf_add_span(out, name);
	else if (!consists_of(name, PUNCTUATED))
		words_encode(name, column, out);
	else {
		buf_add_char(out, '"');
		for (size_t i = 0; i < name.n; i++) {
			if (name.at[i] == '"' || name.at[i] == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, name.at[i]);
		}
		buf_add_char(out, '"');
	}
	buf_add_string(out, " <");
	buf_add_span(out, address);
	buf_add_char(out, '>');
}

static void
add_to_field(struct span name, struct span address, size_t column, struct buf *field)
{
	if (field->len > 0) {
		const char *lf = strrchr(buf_string(field), '\n');
		column = lf == NULL ? column + field->len : strlen(lf + 1);
		bool fold = column + name.n + address.n + strlen(", <>") > LINE;
		buf_add_string(field, fold ? ",\r\n " : ", ");
		column = fold ? 1 : column + 2;
	}
	add_mailbox(name, address, column, field);
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
		if (add(envelope, buf_span(&address)) < 0 || (field != NULL && field->failed)) {
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
