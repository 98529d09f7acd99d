#include "letter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"

enum { LINE = 64 * 1024 };

static int
give_up(void)
{
	fputs("\nNothing was sent.\n", stderr);
	return EXITS_DONE;
}

/* One answer, blanks trimmed; an empty one is the fallback. */
static int
ask(const char *question, const char *fallback, struct buf *answer)
{
	char *line = NULL;
	size_t room = 0;

	if (fallback != NULL)
		fprintf(stderr, "%s [%s]: ", question, fallback);
	else
		fprintf(stderr, "%s: ", question);
	buf_clear(answer);
	ssize_t n = getline(&line, &room, stdin);
	struct span text = span_trim((struct span){ line, n < 0 ? 0 : (size_t)n });
	buf_add_span(answer, text.n == 0 && fallback != NULL ? span_of(fallback) : text);
	free(line);
	if (n < 0)
		return feof(stdin) ? give_up() : draft_unread();
	errno = ENOMEM;
	return answer->failed ? draft_unread() : -1;
}

static int
take_from(struct letter *letter, struct span answer, const char **reason)
{
	buf_clear(&letter->sender);
	buf_clear(&letter->heading.from);
	return envelope_one(answer, strlen("From: "), &letter->sender, &letter->heading.from, reason);
}

static int
take_to(struct letter *letter, struct span answer, const char **reason)
{
	envelope_free(&letter->envelope);
	buf_clear(&letter->heading.to);
	int n = envelope_add_list(&letter->envelope, answer, strlen("To: "), &letter->heading.to, reason);
	return n > 0 ? 0 : -1;
}

static int
ask_address(const char *question, const char *fallback, struct letter *letter,
    int (*take)(struct letter *, struct span answer, const char **reason))
{
	const char *reason;
	struct buf answer;
	int status;

	buf_init(&answer, LINE);
	while (
	    (status = ask(question, fallback, &answer)) < 0 && take(letter, buf_span(&answer), &reason) < 0)
		fprintf(stderr, "That is no address: %s.\n", reason);
	buf_free(&answer);
	return status;
}

int
letter_ask(struct letter *letter)
{
	const char *self = letter->self.len > 0 ? buf_string(&letter->self) : NULL;
	int status = ask_address("From", self, letter, take_from);

	if (status < 0)
		status = ask_address("To (several with commas)", NULL, letter, take_to);
	if (status < 0)
		status = ask("Subject", NULL, &letter->subject);
	if (status >= 0)
		return status;
	if (letter->subject.len > 0)
		letter->heading.subject = buf_string(&letter->subject);
	fprintf(stderr, "The message; a line with only a dot ends it:\n");
	status = draft_read(&letter->draft, true);
	return status < 0 && !letter->draft.dot ? give_up() : status;
}
