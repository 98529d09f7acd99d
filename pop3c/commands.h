/*
 * commands: stat, list, read, raw, delete: one session each, results on standard output.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "mails.h"

enum { READ_MAX = 64 * 1024 * 1024 }; /* octets of a message that are shown */

struct numbers {
	const uint32_t *at;
	size_t n;
};

struct command {
	const char *name;
	size_t least, most;				  /* message numbers that it takes */
	int (*run)(struct pop3_client *, struct numbers); /* after the login, up to QUIT; the exit status */
};

/* NULL where there is no such command. */
const struct command *command_find(const char *name);

/* What went wrong, on standard error; its exit status. */
int command_fail(struct pop3_client *, enum pop3_status);

/* RETR, as show_message gives it. What is over READ_MAX is left out, and said. */
enum pop3_status command_render(struct pop3_client *, uint32_t number, struct buf *out);

/* Print a line for each: "number  octets  sender  date hour:minute  subject"; in a session without the octets, with a mark. */
enum pop3_status command_print_list(struct pop3_client *, const struct mails *, bool octets);

/*
 * The session of a person at a terminal, after the login: the list, then a mail's number, or a letter (shell.c). What is marked is deleted only when the
 * person leaves; an interrupt deletes nothing. The exit status.
 */
int shell_run(struct pop3_client *, int stop_fd);

#endif
