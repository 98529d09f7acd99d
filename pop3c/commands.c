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

/* Nothing was marked deleted, so it does not matter what the server says. */
static int
leave(struct pop3_client *c)
{
	pop3_command(c, "QUIT");
	return EXITS_DONE;
}

static int
run_stat(struct pop3_client *c, struct numbers numbers)
{
	uint64_t count, octets;
	enum pop3_status status = pop3_stat(c, &count, &octets);

	(void)numbers;
	if (status != POP3_OK)
		return command_fail(c, status);
	printf("%llu %llu\n", (unsigned long long)count, (unsigned long long)octets);
	return leave(c);
}

struct list {
	const struct mails *mails;
	bool octets;
	struct buf line;
};

static int
print_line(void *context, const struct mail *mail, struct span header)
{
	struct list *list = context;

	buf_clear(&list->line);
	if (list->octets)
		buf_printf(&list->line, "%4lu  %8llu  ", (unsigned long)mail->number,
		    (unsigned long long)mail->octets);
	else
		buf_printf(&list->line, "%4lu%s", (unsigned long)mail->number, mail->deleted ? "D " : "  ");
	show_summary(header, zone_at, &list->line);
	buf_add_char(&list->line, '\n');
	if (list->mails->n > 100 && !isatty(STDOUT_FILENO))
		progress("message %lu of %zu", (unsigned long)mail->number, list->mails->n);
	return fputs(buf_string(&list->line), stdout) == EOF ? -1 : 0;
}

enum pop3_status
command_print_list(struct pop3_client *c, const struct mails *mails, bool octets)
{
	struct list list = { .mails = mails, .octets = octets };

	buf_init(&list.line, SUMMARY);
	enum pop3_status status = mails_headers(c, mails, print_line, &list);
	progress_end();
	buf_free(&list.line);
	return status;
}

static int
run_list(struct pop3_client *c, struct numbers numbers)
{
	struct mails mails;

	(void)numbers;
	mails_init(&mails);
	enum pop3_status status = mails_list(c, &mails);
	if (status == POP3_OK)
		status = command_print_list(c, &mails, true);
	mails_free(&mails);
	return status == POP3_OK ? leave(c) : command_fail(c, status);
}

static int
no_such(uint32_t number, uint64_t count)
{
	return complain(EXITS_REFUSED, "there is no message %lu: the server has %llu", (unsigned long)number,
	    (unsigned long long)count);
}

/* RETR of a number that STAT lets be. 0: its body comes; else an exit status. */
static int
begin_retr(struct pop3_client *c, uint32_t number)
{
	uint64_t count, octets;
	enum pop3_status status = pop3_stat(c, &count, &octets);

	if (status != POP3_OK)
		return command_fail(c, status);
	if (number < 1 || number > count) {
		leave(c);
		return no_such(number, count);
	}
	return 0;
}

struct capped {
	struct buf message;
	uint64_t left_out;
};

static int
take_capped(void *context, struct span piece)
{
	struct capped *in = context;
	size_t room = READ_MAX - in->message.len, n = piece.n < room ? piece.n : room;

	in->left_out += piece.n - n;
	return buf_add(&in->message, piece.at, n);
}

enum pop3_status
command_render(struct pop3_client *c, uint32_t number, struct buf *out)
{
	struct capped in = { .left_out = 0 };
	enum pop3_status status = pop3_command(c, "RETR %lu", (unsigned long)number);

	buf_init(&in.message, READ_MAX);
	if (status == POP3_OK)
		status = pop3_body(c, POP3_MESSAGE, take_capped, &in);
	if (status == POP3_OK) {
		show_message(buf_span(&in.message), out);
		if (in.left_out > 0)
			buf_printf(out, "[%llu more octets are not shown: see pop3c raw]\n",
			    (unsigned long long)in.left_out);
	}
	buf_free(&in.message);
	return status;
}

static int
run_read(struct pop3_client *c, struct numbers numbers)
{
	struct buf out;
	int result = begin_retr(c, numbers.at[0]);

	if (result != 0)
		return result;
	buf_init(&out, RENDERED);
	enum pop3_status status = command_render(c, numbers.at[0], &out);
	if (status == POP3_OK) {
		leave(c);
		if (page(buf_span(&out)) < 0)
			status = POP3_SINK;
	}
	buf_free(&out);
	return status == POP3_OK ? EXITS_DONE : command_fail(c, status);
}

static int
write_raw(void *context, struct span piece)
{
	(void)context;
	return io_write(STDOUT_FILENO, piece);
}

static int
run_raw(struct pop3_client *c, struct numbers numbers)
{
	int result = begin_retr(c, numbers.at[0]);

	if (result != 0)
		return result;
	enum pop3_status status = pop3_command(c, "RETR %lu", (unsigned long)numbers.at[0]);
	if (status == POP3_OK)
		status = pop3_body(c, POP3_MESSAGE, write_raw, NULL);
	return status == POP3_OK ? leave(c) : command_fail(c, status);
}

/* All of them, or none: 0, or an exit status. */
static int
mark(struct mails *mails, struct numbers numbers)
{
	for (size_t i = 0; i < numbers.n; i++) {
		struct mail *mail = mails_find(mails, numbers.at[i]);
		if (mail == NULL)
			return no_such(numbers.at[i], mails->n);
		mail->deleted = true;
	}
	return 0;
}

static int
delete_marked(struct pop3_client *c, struct mails *mails)
{
	uint64_t wanted = 0, done = 0;

	for (size_t i = 0; i < mails->n; i++)
		wanted += mails->at[i].deleted;
	enum pop3_status status = mails_delete(c, mails, &done);
	if (status != POP3_OK) {
		complain(0, "the server has not said that it deleted them");
		return command_fail(c, status);
	}
	return done == wanted ? EXITS_DONE : done > 0 ? EXITS_SOME : EXITS_REFUSED;
}

static int
run_delete(struct pop3_client *c, struct numbers numbers)
{
	struct mails mails;
	int result;

	mails_init(&mails);
	enum pop3_status status = mails_list(c, &mails);
	if (status != POP3_OK)
		result = command_fail(c, status);
	else {
		result = mark(&mails, numbers);
		if (result == 0)
			result = delete_marked(c, &mails);
		else
			leave(c);
	}
	mails_free(&mails);
	return result;
}

const struct command *
command_find(const char *name)
{
	static const struct command commands[] = {
		{ "stat", 0, 0, run_stat },
		{ "list", 0, 0, run_list },
		{ "read", 1, 1, run_read },
		{ "raw", 1, 1, run_raw },
		{ "delete", 1, SIZE_MAX, run_delete },
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}
