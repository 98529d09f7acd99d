#include "letter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "exits.h"
#include "program.h"
#include "unique.h"
#include "zone.h"

enum {
	HEADER = 1024 * 1024, /* bytes of a header, at most */
	ADDRESS = 1024,
	PIECE = 32 * 1024
};

/* A host's name may have no bytes above 0x7f, a user's may. */
static bool
is_address(const struct buf *text, bool utf8)
{
	const char *reason;
	struct path path;

	return path_parse_bare(buf_span(text), &path, &reason) == 0 && (utf8 || !path.utf8);
}

/* Who runs this and where, as far as the system knows. */
static void
find_self(struct letter *letter)
{
	if (gethostname(letter->host, sizeof(letter->host) - 1) < 0)
		letter->host[0] = '\0';
	buf_printf(&letter->self, "x@%s", letter->host);
	if (strchr(letter->host, '.') == NULL || !is_address(&letter->self, false))
		strcpy(letter->host, "localhost");
	buf_clear(&letter->self);
	buf_printf(&letter->self, "%s@%s", client_account(), letter->host);
	if (!is_address(&letter->self, true))
		buf_clear(&letter->self);
}

void
letter_init(struct letter *letter)
{
	struct heading *heading = &letter->heading;
	char id[UNIQUE_ID + 1];

	*letter = (struct letter){ .from = NULL };
	client_init(&letter->client);
	buf_init(&letter->self, ADDRESS);
	buf_init(&letter->sender, ADDRESS);
	buf_init(&letter->subject, ADDRESS * 64);
	buf_init(&letter->header, (size_t)4 * HEADER);
	scratch_init(&letter->given, SPOOL_MEMORY);
	scratch_init(&letter->lines, SPOOL_MEMORY);
	heading_init(heading, HEADER);
	find_self(letter);
	unique_id(letter->host, id);
	buf_printf(&heading->message_id, "<%s@%s>", id, letter->host);
	heading->now = time(NULL);
	heading->zone = zone_at(heading->now);
}

void
letter_free(struct letter *letter)
{
	client_free(&letter->client);
	buf_free(&letter->self);
	buf_free(&letter->sender);
	buf_free(&letter->subject);
	buf_free(&letter->header);
	scratch_free(&letter->given);
	scratch_free(&letter->lines);
	heading_free(&letter->heading);
	envelope_free(&letter->envelope);
}

int
letter_unread(void)
{
	return complain(EXITS_NO_INPUT, "the message cannot be read: %s", strerror(errno));
}

/* Line by line, as far as lines are short. -1: standard input cannot be read; what cannot be written is found at its end. */
static int
read_given(struct scratch *given, bool to_dot, bool *dot)
{
	char piece[PIECE];
	bool begins = true;
	size_t n = 0;
	int c;

	*dot = false;
	while ((c = getchar_unlocked()) != EOF) {
		piece[n++] = (char)c;
		if (c != '\n' && n < sizeof(piece))
			continue;
		struct span line = { piece, n };
		*dot = to_dot && begins && (span_is(line, ".\n") || span_is(line, ".\r\n"));
		if (*dot || scratch_add(given, line) < 0)
			return 0;
		begins = c == '\n';
		n = 0;
	}
	scratch_add(given, (struct span){ piece, n });
	return ferror(stdin) ? -1 : 0;
}

/* From given to lines; a line ends with CR, LF or both. 0, or -1 with errno. */
static int
end_lines(struct letter *letter)
{
	struct span rest = letter->text;

	while (rest.n > 0) {
		size_t n = 0;
		while (n < rest.n && rest.at[n] != '\r' && rest.at[n] != '\n')
			n++;
		scratch_add(&letter->lines, span_slice(rest, 0, n));
		if (n < rest.n)
			scratch_add(&letter->lines, span_of("\r\n"));
		bool both = span_is(span_slice(rest, n, n + 2), "\r\n");
		rest = span_slice(rest, both ? n + 2 : n + 1, rest.n);
	}
	return scratch_end(&letter->lines, &letter->text);
}

int
letter_read(struct letter *letter, bool to_dot, bool *dot)
{
	if (read_given(&letter->given, to_dot, dot) < 0)
		return letter_unread();
	int result = scratch_end(&letter->given, &letter->text);
	if (result == 0) {
		letter->content = compose_content(letter->text);
		result = letter->content.nul ? 0 : end_lines(letter);
	}
	if (result == 0)
		return -1;
	return complain(EXITS_CANNOT_WRITE, "no temporary file can hold the message: %s", strerror(errno));
}

/* -f, else who runs this: the envelope's sender, and From. */
int
letter_take(struct letter *letter)
{
	const char *reason, *from = letter->from;
	bool null = from != NULL && (*from == '\0' || strcmp(from, "<>") == 0), dot;

	if (from == NULL || null) {
		if (letter->self.len == 0)
			return complain(
			    EXITS_USAGE, "-f FROM is needed: the system does not say who you are");
		from = buf_string(&letter->self);
	}
	if (envelope_one(span_of(from), strlen("From: "), &letter->sender, &letter->heading.from, &reason) <
	    0)
		return complain(EXITS_USAGE, "-f %s: %s", from, reason);
	if (null)
		buf_clear(&letter->sender);
	return letter_read(letter, letter->whole && !letter->ignore_dot, &dot);
}

/* The header to a text. */
static int
compose_text(struct letter *letter)
{
	if (compose_header(&letter->heading, &letter->content, &letter->header) < 0)
		return complain(EXITS_USAGE, "the header is too large");
	/* The header is ASCII but for addresses. */
	letter->utf8 = letter->envelope.utf8 || !span_is_ascii(buf_span(&letter->heading.from));
	letter->eight_bit = letter->utf8;
	letter->body.encoding = letter->content.encoding;
	letter->body.text = letter->text;
	return -1;
}

/* The header that the message brought, completed. */
static int
complete(struct letter *letter)
{
	struct span text = letter->text;
	struct completed completed;
	const char *reason = "";
	int status = -1;

	if (compose_complete(span_slice(text, 0, HEADER), &letter->heading, &letter->envelope, &completed,
		&letter->header, &reason) < 0)
		status = complain(EXITS_REFUSED, "the message's header: %s", reason);
	else if (completed.body == HEADER)
		status = complain(EXITS_REFUSED, "the message's header is too large");
	else if (letter->content.nul)
		status = complain(EXITS_REFUSED, "the message has a NUL, which no server takes");
	else if (letter->envelope.n == 0)
		status = complain(
		    EXITS_USAGE, "there is nobody to send to: no address in To, Cc, Bcc, or behind -t");
	if (letter->from == NULL && completed.sender.len > 0) {
		buf_clear(&letter->sender);
		buf_add_span(&letter->sender, buf_span(&completed.sender));
	}
	buf_free(&completed.sender);
	letter->utf8 = completed.utf8 || letter->envelope.utf8;
	letter->eight_bit = letter->utf8 || !span_is_ascii(text);
	letter->body.text = span_slice(text, completed.body, text.n);
	return status;
}

int
letter_finish(struct letter *letter)
{
	int status = letter->whole ? complete(letter) : compose_text(letter);

	letter->body.header = buf_span(&letter->header);
	return status;
}
