#include "prompt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD = 1024 * 1024, LINE = 64 * 1024 };

void
names_init(struct names *names)
{
	buf_init(&names->sender, LINE);
	buf_init(&names->from, FIELD);
	buf_init(&names->to, FIELD);
	buf_init(&names->cc, FIELD);
	buf_init(&names->subject, LINE);
}

void
names_free(struct names *names)
{
	buf_free(&names->sender);
	buf_free(&names->from);
	buf_free(&names->to);
	buf_free(&names->cc);
	buf_free(&names->subject);
}

/* The next line of standard input without its end. 0; 1: the input is over; -1 with errno. */
static int
read_line(char **line, size_t *room, struct span *text)
{
	errno = 0;
	ssize_t n = getline(line, room, stdin);
	if (n < 0)
		return feof(stdin) ? 1 : -1;
	while (n > 0 && ((*line)[n - 1] == '\n' || (*line)[n - 1] == '\r'))
		n--;
	*text = (struct span){ *line, (size_t)n };
	return 0;
}

/* One answer, blanks trimmed; an empty one is the fallback. */
static int
ask(const char *question, const char *fallback, struct buf *answer)
{
	char *line = NULL;
	size_t room = 0;
	struct span text;

	if (fallback != NULL)
		fprintf(stderr, "%s [%s]: ", question, fallback);
	else
		fprintf(stderr, "%s: ", question);
	fflush(stderr);
	int status = read_line(&line, &room, &text);
	buf_clear(answer);
	if (status == 0) {
		text = span_trim(text);
		if (text.n > 0)
			buf_add_span(answer, text);
		else if (fallback != NULL)
			buf_add_string(answer, fallback);
	}
	free(line);
	if (answer->failed)
		errno = ENOMEM;
	return answer->failed ? -1 : status;
}

static int
ask_from(const char *fallback, struct names *names)
{
	const char *reason;
	struct buf answer;
	int status;

	buf_init(&answer, LINE);
	while ((status = ask("From", fallback, &answer)) == 0) {
		buf_clear(&names->sender);
		buf_clear(&names->from);
		if (envelope_one(
			buf_span(&answer), strlen("From: "), &names->sender, &names->from, &reason) == 0)
			break;
		fprintf(stderr, "That is no address: %s.\n", reason);
	}
	buf_free(&answer);
	return status;
}

static int
ask_to(struct names *names, struct envelope *envelope)
{
	const char *reason;
	struct buf answer;
	int status;

	buf_init(&answer, LINE);
	while ((status = ask("To (several with commas)", NULL, &answer)) == 0) {
		buf_clear(&names->to);
		int n = envelope_add_list(envelope, buf_span(&answer), strlen("To: "), &names->to, &reason);
		if (n > 0)
			break;
		fprintf(stderr, "That is no address: %s.\n", n == 0 ? "it is empty" : reason);
		envelope_free(envelope);
	}
	buf_free(&answer);
	return status;
}

static int
read_text(struct draft *draft)
{
	char *line = NULL;
	size_t room = 0;
	struct span text;
	int status;

	fprintf(stderr, "The message; a line with only a dot ends it:\n");
	while ((status = read_line(&line, &room, &text)) == 0 && !span_is(text, "."))
		if (draft_add(draft, text) < 0 || draft_add(draft, span_of("\n")) < 0) {
			status = -1;
			break;
		}
	free(line);
	return status == 0 ? draft_finish(draft) : status;
}

int
prompt(const char *fallback, struct names *names, struct envelope *envelope, struct draft *draft)
{
	int status = ask_from(fallback, names);
	if (status == 0)
		status = ask_to(names, envelope);
	if (status == 0)
		status = ask("Subject", NULL, &names->subject);
	if (status == 0)
		status = read_text(draft);
	return status;
}
