/*
 * commands: stat, list, read, raw, delete: one session each, results on standard output; and the session of a person.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "mails.h"

struct session {
	struct pop3_client *client;
	struct mails mails;	 /* of a command that lists */
	const uint32_t *numbers; /* that were given */
	size_t n;
	struct mail *current; /* of a person: what was shown last */
};

struct command {
	const char *name;
	size_t least, most; /* numbers that it takes */
	bool lists;	    /* it begins with LIST */
	int (*run)(struct session *);
};

/* NULL where there is no such command. */
const struct command *command_find(const char *name);

/* After the login, up to QUIT. The exit status. */
int command_run(const struct command *, struct session *);

/* What went wrong, on standard error; its exit status. */
int command_fail(struct pop3_client *, enum pop3_status);

/* RETR into a sink. */
enum pop3_status command_retrieve(struct pop3_client *, uint32_t number, pop3_sink *, void *context);

/* A message, as far as a buf of READ_MAX bytes keeps it, as show_message gives it, through the pager. 0, or -1 with errno. */
enum { READ_MAX = 64 * 1024 * 1024 };
int command_show(const struct buf *message);

/* Print a line for each: "number  octets  sender  date hour:minute  subject"; in a session without the octets, with a mark. */
enum pop3_status command_print_list(const struct session *, bool octets);

/*
 * The session of a person at a terminal: the list, then a mail's number, or a letter (shell.c). What is marked is deleted only when the person leaves;
 * an interrupt deletes nothing.
 */
extern const struct command shell;

#endif
