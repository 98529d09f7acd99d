/* The session of a person on a terminal: a line is a command, QUIT deletes what was marked. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "exits.h"

/* What a line that was typed leads to. */
enum next { ASK, LEAVE, BREAK };

static enum next
broken(struct session *s, enum pop3_status status)
{
	if (status == POP3_OK)
		return ASK;
	command_fail(s->client, status);
	return status == POP3_REFUSED ? ASK : BREAK;
}

static enum next
list(struct session *s)
{
	if (s->mails.n == 0)
		puts("no mail");
	enum pop3_status status = command_print_list(s, false);
	fflush(stdout);
	return broken(s, status);
}

static enum next
show(struct session *s, struct mail *mail)
{
	struct buf message;

	buf_init(&message, READ_MAX);
	s->current = mail;
	enum pop3_status status = command_retrieve(s->client, mail->number, pop3_keep, &message);
	if (status == POP3_OK && command_show(&message) < 0)
		fprintf(stderr, "%s\n", strerror(errno));
	buf_free(&message);
	return broken(s, status);
}

/* The mail of that number; NULL, and said, where there is none. */
static struct mail *
find(const struct session *s, struct span typed)
{
	struct mail *mail = mails_find(&s->mails, span_number(typed, UINT32_MAX));
	struct buf shown;

	if (mail != NULL)
		return mail;
	buf_init(&shown, 4 * typed.n);
	buf_add_escaped(&shown, typed);
	if (s->mails.n == 0)
		fprintf(stderr, "there is no mail %s: the mailbox is empty\n", buf_string(&shown));
	else
		fprintf(stderr, "there is no mail %s: %lu to %lu\n", buf_string(&shown),
		    (unsigned long)s->mails.at[0].number, (unsigned long)s->mails.at[s->mails.n - 1].number);
	buf_free(&shown);
	return NULL;
}

/* Mark those that are named, else the one shown last. */
static enum next
mark(struct session *s, struct span numbers, bool deleted)
{
	bool named = numbers.n > 0;

	if (!named && s->current == NULL)
		fputs("which one?\n", stderr);
	for (bool more = named || s->current != NULL; more; more = numbers.n > 0) {
		struct mail *mail = named ? find(s, span_word(&numbers)) : s->current;
		if (mail == NULL)
			continue;
		mail->deleted = deleted;
		printf("mail %lu %s\n", (unsigned long)mail->number,
		    deleted ? "will be deleted when you leave" : "stays");
	}
	fflush(stdout);
	return ASK;
}

static const char help[] = "NUMBER  show that mail\n"
			   "d [NUMBER...]  mark it deleted (without a number: the one shown last)\n"
			   "u [NUMBER...]  take that back\n"
			   "l  list again\n"
			   "q or -1  leave: what is marked is deleted then\n"
			   "Ctrl-C  leave, and delete nothing\n";

static enum next
obey(struct session *s, struct span typed)
{
	struct span rest = typed, word = span_word(&rest);
	char letter = word.n > 0 ? word.at[0] : '\0';

	if (word.n == 0)
		return ASK;
	if (span_is(word, "q") || span_is(word, "-1"))
		return LEAVE;
	if (span_is(word, "l"))
		return list(s);
	/* "d 3" as well as "d3" */
	if ((letter == 'd' || letter == 'u') && (word.n == 1 || ascii_is_digit(word.at[1])))
		return mark(s, span_trim(span_slice(typed, 1, typed.n)), letter == 'd');
	if (ascii_is_digit(letter) || letter == '-') {
		struct mail *mail = find(s, word);
		return mail != NULL ? show(s, mail) : ASK;
	}
	bool asked = span_is(word, "?") || span_is(word, "h");
	fputs(asked ? help : "a mail's number, or d, u, l, q; ? says more\n", stderr);
	return ASK;
}

static enum next
converse(struct session *s)
{
	enum next next = list(s);
	char *line = NULL;
	size_t room = 0;

	while (next == ASK) {
		fputs("mail number (? for help): ", stderr);
		ssize_t n = wait_for_line() ? getline(&line, &room, stdin) : -1;
		if (n >= 0)
			next = obey(s, span_trim((struct span){ line, (size_t)n }));
		else {
			fputc('\n', stderr);
			next = LEAVE;
		}
		if (interrupted())
			next = BREAK;
	}
	free(line);
	return next;
}

/* DELE and QUIT, and what came of it. */
static int
finish(struct session *s)
{
	uint64_t done = 0;
	enum pop3_status status = mails_delete(s->client, &s->mails, &done);

	if (status != POP3_OK && done > 0)
		fputs("the server has not said that it deleted anything\n", stderr);
	if (status != POP3_OK)
		return command_fail(s->client, status);
	if (done == 0)
		fputs("nothing deleted", stdout);
	else
		printf("%llu deleted:", (unsigned long long)done);
	for (size_t i = 0; i < s->mails.n; i++)
		if (s->mails.at[i].deleted)
			printf(" %lu", (unsigned long)s->mails.at[i].number);
	putchar('\n');
	return EXITS_DONE;
}

static int
shell_run(struct session *s)
{
	if (converse(s) == LEAVE)
		return finish(s);
	fputs("nothing was deleted\n", stderr);
	return EXITS_LATER;
}

const struct command shell = { "", 0, 0, true, shell_run };
