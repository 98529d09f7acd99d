#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "exits.h"
#include "io.h"
#include "program.h"
#include "show.h"
#include "zone.h"

enum { RENDERED = 1024 * 1024 * 1024, SUMMARY = 4 * SHOW_HEADER };

int
command_fail(struct pop3_client *c, enum pop3_status status)
{
	int error = errno;

	progress_end();
	if (status == POP3_SINK)
		complain(0, "standard output: %s", strerror(error));
	else if (status != POP3_STOPPED)
		complain(0, "%s", pop3_words(c, status));
	return pop3_exit(c, status);
}

/* Nothing is marked deleted, so it does not matter what the server says. The exit status of what is over. */
static int
leave(struct pop3_client *c, enum pop3_status status)
{
	if (status != POP3_OK)
		return command_fail(c, status);
	pop3_ask(c, "QUIT");
	return EXITS_DONE;
}

static int
run_stat(struct session *s)
{
	uint64_t count, octets;
	enum pop3_status status = pop3_stat(s->client, &count, &octets);

	if (status == POP3_OK)
		printf("%llu %llu\n", (unsigned long long)count, (unsigned long long)octets);
	return leave(s->client, status);
}

/* Of one that the server refuses it is empty. */
static enum pop3_status
take_header(struct mails_query *query, const struct mail *mail, struct buf *header)
{
	struct pop3_client *c = query->client;
	enum pop3_status status = pop3_reply(c);

	/* An old server without TOP, and without a way to say so; nothing was sent ahead. */
	if (status == POP3_REFUSED && query->verb[0] == 'T' && !(c->capabilities & POP3_CAPA)) {
		query->verb = "RETR";
		query->argument = "";
		pop3_send(c, NULL, "RETR %lu", (unsigned long)mail->number);
		status = pop3_reply(c);
	}
	if (status == POP3_OK)
		return pop3_body(c, POP3_MESSAGE, pop3_keep, header);
	return status == POP3_REFUSED ? POP3_OK : status;
}

static enum pop3_status
print_line(const struct mail *mail, struct span header, bool octets)
{
	struct buf line;

	buf_init(&line, SUMMARY);
	buf_printf(&line, "%4lu", (unsigned long)mail->number);
	if (octets)
		buf_printf(&line, "  %8llu  ", (unsigned long long)mail->octets);
	else
		buf_add_string(&line, mail->deleted ? "D " : "  ");
	show_summary(header, zone_at, &line);
	int result = puts(buf_string(&line));
	buf_free(&line);
	return result == EOF ? POP3_SINK : POP3_OK;
}

enum pop3_status
command_print_list(const struct session *s, bool octets)
{
	struct pop3_client *c = s->client;
	const struct mails *mails = &s->mails;
	bool has_top = (c->capabilities & POP3_TOP) || !(c->capabilities & POP3_CAPA);
	struct mails_query query = mails_query(c, mails, has_top ? "TOP" : "RETR");
	enum pop3_status status = POP3_OK;
	const struct mail *mail;
	struct buf header;

	query.argument = has_top ? " 0" : "";
	buf_init(&header, SHOW_HEADER);
	for (size_t i = 0; i < mails->n; i++)
		mails->at[i].wanted = true;
	while (status == POP3_OK && (mail = mails_next(&query)) != NULL) {
		buf_clear(&header);
		status = take_header(&query, mail, &header);
		if (mails->n > 100 && !isatty(STDOUT_FILENO))
			progress(mail->number, mails->n);
		if (status == POP3_OK)
			status = print_line(mail, buf_span(&header), octets);
	}
	progress_end();
	buf_free(&header);
	return status;
}

static int
run_list(struct session *s)
{
	return leave(s->client, command_print_list(s, true));
}

static int
no_such(uint32_t number, uint64_t count)
{
	return complain(EXITS_REFUSED, "there is no message %lu: the server has %llu", (unsigned long)number,
	    (unsigned long long)count);
}

enum pop3_status
command_retrieve(struct pop3_client *c, uint32_t number, pop3_sink *sink, void *context)
{
	pop3_send(c, NULL, "RETR %lu", (unsigned long)number);
	enum pop3_status status = pop3_reply(c);
	return status == POP3_OK ? pop3_body(c, POP3_MESSAGE, sink, context) : status;
}

/* The same for the number that was given, where STAT lets it be, up to QUIT. The exit status. */
static int
retrieve_one(const struct session *s, pop3_sink *sink, void *context)
{
	uint64_t count, octets;
	enum pop3_status status = pop3_stat(s->client, &count, &octets);

	if (status == POP3_OK && (*s->numbers < 1 || *s->numbers > count)) {
		leave(s->client, status);
		return no_such(*s->numbers, count);
	}
	if (status == POP3_OK)
		status = command_retrieve(s->client, *s->numbers, sink, context);
	return leave(s->client, status);
}

int
command_show(const struct buf *message)
{
	struct buf out;

	buf_init(&out, RENDERED);
	show_message(buf_span(message), &out);
	if (message->len == message->max)
		buf_add_string(&out, "[the rest is not shown: see pop3c raw]\n");
	int result = page(buf_span(&out));
	buf_free(&out);
	return result;
}

static int
run_read(struct session *s)
{
	struct buf message;

	buf_init(&message, READ_MAX);
	int result = retrieve_one(s, pop3_keep, &message);
	if (result == EXITS_DONE && command_show(&message) < 0)
		result = command_fail(s->client, POP3_SINK);
	buf_free(&message);
	return result;
}

static int
write_raw(void *context, struct span piece)
{
	(void)context;
	return io_write(STDOUT_FILENO, piece);
}

static int
run_raw(struct session *s)
{
	return retrieve_one(s, write_raw, NULL);
}

/* All of them, or none. */
static int
run_delete(struct session *s)
{
	uint64_t wanted = 0, done;

	for (size_t i = 0; i < s->n; i++) {
		struct mail *mail = mails_find(&s->mails, s->numbers[i]);
		if (mail == NULL) {
			leave(s->client, POP3_OK);
			return no_such(s->numbers[i], s->mails.n);
		}
		wanted += !mail->deleted;
		mail->deleted = true;
	}
	enum pop3_status status = mails_delete(s->client, &s->mails, &done);
	if (status != POP3_OK) {
		complain(0, "the server has not said that it deleted them");
		return command_fail(s->client, status);
	}
	return done == wanted ? EXITS_DONE : done > 0 ? EXITS_SOME : EXITS_REFUSED;
}

static const struct command commands[] = {
	{ "stat", 0, 0, false, run_stat },
	{ "list", 0, 0, true, run_list },
	{ "read", 1, 1, false, run_read },
	{ "raw", 1, 1, false, run_raw },
	{ "delete", 1, SIZE_MAX, true, run_delete },
};

const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

int
command_run(const struct command *command, struct session *s)
{
	enum pop3_status status = command->lists ? mails_list(s->client, &s->mails) : POP3_OK;
	int result = status == POP3_OK ? command->run(s) : command_fail(s->client, status);

	mails_free(&s->mails);
	return result;
}
