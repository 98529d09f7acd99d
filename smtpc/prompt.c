/* A letter by questions on a terminal: From, To, Subject, the text to a lone dot. */
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
		return feof(stdin) ? give_up() : letter_unread();
	errno = ENOMEM;
	return answer->failed ? letter_unread() : -1;
}

/* The sender, or the recipients; asked again until it is what it should be. */
static int
ask_address(struct letter *letter, const char *question, bool sender)
{
	const char *reason, *self = sender && letter->self.len > 0 ? buf_string(&letter->self) : NULL;
	struct buf *field = sender ? &letter->heading.from : &letter->heading.to, answer;
	int status = -1, found = -1;

	buf_init(&answer, LINE);
	while (found < 0 && (status = ask(question, self, &answer)) < 0) {
		buf_clear(field);
		if (sender) {
			buf_clear(&letter->sender);
			found = envelope_one(
			    buf_span(&answer), strlen("From: "), &letter->sender, field, &reason);
		} else {
			envelope_free(&letter->envelope);
			int n = envelope_add_list(
			    &letter->envelope, buf_span(&answer), strlen("To: "), field, &reason);
			found = n > 0 ? 0 : -1;
		}
		if (found < 0)
			fprintf(stderr, "That is no address: %s.\n", reason);
	}
	buf_free(&answer);
	return status;
}

int
letter_ask(struct letter *letter)
{
	int status = ask_address(letter, "From", true);
	bool dot;

	if (status < 0)
		status = ask_address(letter, "To (several with commas)", false);
	if (status < 0)
		status = ask("Subject", NULL, &letter->subject);
	if (status >= 0)
		return status;
	if (letter->subject.len > 0)
		letter->heading.subject = buf_string(&letter->subject);
	fprintf(stderr, "The message; a line with only a dot ends it:\n");
	status = letter_read(letter, true, &dot);
	return status < 0 && !dot ? give_up() : status;
}
