#include "draft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "crlf.h"
#include "exits.h"
#include "program.h"

enum { PIECE = 32 * 1024 };

int
draft_unread(void)
{
	return complain(EXITS_NO_INPUT, "the message cannot be read: %s", strerror(errno));
}

static bool
is_dot(struct span line)
{
	return span_is(line, ".\n") || span_is(line, ".\r\n");
}

/* Line by line, as far as lines are short. -1: standard input cannot be read; what cannot be written is found at its end. */
static int
read_given(struct draft *draft, bool to_dot)
{
	char piece[PIECE];
	bool begins = true;
	size_t n = 0;
	int c;

	while ((c = getchar_unlocked()) != EOF) {
		piece[n++] = (char)c;
		if (c != '\n' && n < sizeof(piece))
			continue;
		struct span line = { piece, n };
		draft->dot = to_dot && begins && is_dot(line);
		if (draft->dot || scratch_add(&draft->given, line) < 0)
			return 0;
		begins = c == '\n';
		n = 0;
	}
	if (ferror(stdin))
		return -1;
	scratch_add(&draft->given, (struct span){ piece, n });
	return 0;
}

/* From given to lines. 0, or -1 with errno. */
static int
end_lines(struct draft *draft)
{
	struct span given = draft->text;
	struct crlf crlf = { .cr = false };
	struct buf piece;
	int result = 0;

	scratch_init(&draft->lines, SPOOL_MEMORY);
	buf_init(&piece, (size_t)2 * PIECE);
	for (size_t at = 0; at < given.n && result == 0; at += PIECE) {
		struct span part = span_slice(given, at, at + PIECE);
		buf_clear(&piece);
		result = crlf_push(&crlf, part.at, part.n, &piece);
		if (result == 0)
			result = scratch_add(&draft->lines, buf_span(&piece));
	}
	buf_free(&piece);
	return result == 0 ? scratch_end(&draft->lines, &draft->text) : -1;
}

int
draft_read(struct draft *draft, bool to_dot)
{
	scratch_init(&draft->given, SPOOL_MEMORY);
	if (read_given(draft, to_dot) < 0)
		return draft_unread();
	int result = scratch_end(&draft->given, &draft->text);
	if (result == 0)
		draft->content = content_of(draft->text);
	if (result == 0 && !draft->content.nul)
		result = end_lines(draft);
	if (result < 0)
		return complain(
		    EXITS_CANNOT_WRITE, "no temporary file can hold the message: %s", strerror(errno));
	return -1;
}

void
draft_free(struct draft *draft)
{
	if (draft->given.bound > 0)
		scratch_free(&draft->given);
	if (draft->lines.bound > 0)
		scratch_free(&draft->lines);
}
