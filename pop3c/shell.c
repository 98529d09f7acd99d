#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "exits.h"

enum { LINE = 1024, RENDERED = 1024 * 1024 * 1024 };

struct shell {
	struct pop3_client *client;
	struct mails mails;
	struct mail *current; /* what was shown last */
};

/* What a line that was typed leads to. */
enum next { ASK, LEAVE, BREAK };

static enum next
broken(struct shell *s, enum pop3_status status)
{
	if (status == POP3_OK)
		return ASK;
	command_fail(s->client, status);
	return status == POP3_REFUSED ? ASK : BREAK;
}

static enum next
list(struct shell *s)
{
	if (s->mails.n == 0)
		puts("no mail");
	enum pop3_status status = command_print_list(s->client, &s->mails, false);
	fflush(stdout);
	return broken(s, status);
}

static enum next
show(struct shell *s, struct mail *mail)
{
	struct buf out;

	buf_init(&out, RENDERED);
	s->current = mail;
	enum pop3_status status = command_render(s->client, mail->number, &out);
	if (status == POP3_OK && page(buf_span(&out)) < 0)
		fprintf(stderr, "%s\n", strerror(errno));
	buf_free(&out);
	return broken(s, status);
}

static void
say_range(const struct shell *s, struct span typed)
{
	struct buf shown;

	buf_init(&shown, 4 * LINE);
	buf_add_escaped(&shown, typed);
	if (s->mails.n == 0)
		fprintf(stderr, "there is no mail %s: the mailbox is empty\n", buf_string(&shown));
	else
		fprintf(stderr, "there is no mail %s: %lu to %lu\n", buf_string(&shown),
		    (unsigned long)s->mails.at[0].number, (unsigned long)s->mails.at[s->mails.n - 1].number);
	buf_free(&shown);
}

/* Mark those that are named, else the one shown last. */
static enum next
mark(struct shell *s, struct span argument, bool deleted)
{
	if (argument.n == 0 && s->current == NULL) {
		fputs("which one?\n", stderr);
		return ASK;
	}
	do {
		struct span word = span_until(argument, ' ', &argument);
		long long number = span_number(word, UINT32_MAX);
		struct mail *mail =
		    word.n == 0 ? s->current : mails_find(&s->mails, number < 0 ? 0 : (uint64_t)number);
		if (mail == NULL)
			say_range(s, word);
		else {
			mail->deleted = deleted;
			printf("mail %lu %s\n", (unsigned long)mail->number,
			    deleted ? "will be deleted when you leave" : "stays");
		}
		argument = span_trim(argument);
	} while (argument.n > 0);
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
obey(struct shell *s, struct span typed)
{
	struct span argument, word = span_until(typed, ' ', &argument);
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
	long long number = span_number(word, UINT32_MAX);
	struct mail *mail = number < 0 ? NULL : mails_find(&s->mails, (uint64_t)number);
	if (mail != NULL)
		return show(s, mail);
	if (ascii_is_digit(letter) || letter == '-')
		say_range(s, word);
	else
		fputs(span_is(word, "?") || span_is(word, "h")
			  ? help
			  : "a mail's number, or d, u, l, q; ? says more\n",
		    stderr);
	return ASK;
}

static enum next
converse(struct shell *s, int stop_fd)
{
	enum next next = list(s);
	struct buf line;

	buf_init(&line, LINE);
	while (next == ASK) {
		fputs("mail number (? for help): ", stderr);
		int typed = type_line(stop_fd, &line);
		if (typed == 0) {
			fputc('\n', stderr);
			next = interrupted() ? BREAK : LEAVE;
		} else if (typed > 0)
			next = obey(s, span_trim(buf_span(&line)));
		if (next == ASK && interrupted())
			next = BREAK;
	}
	buf_free(&line);
	return next;
}

/* DELE and QUIT, and what came of it. */
static int
finish(struct shell *s)
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

int
shell_run(struct pop3_client *client, int stop_fd)
{
	struct shell s = { .client = client };
	int result = EXITS_LATER;

	mails_init(&s.mails);
	enum pop3_status status = mails_list(client, &s.mails);
	if (status != POP3_OK)
		result = command_fail(client, status);
	else if (converse(&s, stop_fd) == LEAVE)
		result = finish(&s);
	else
		fputs("nothing was deleted\n", stderr);
	mails_free(&s.mails);
	return result;
}
