/*
 * checks: `smtpd check` tries what the daemons will need and prints a line for each thing: "ok …", "warn …; fix: COMMAND" or "fail …; fix: COMMAND".
 */
#ifndef CHECKS_H
#define CHECKS_H

#include "daemon.h"

struct check {
	const struct daemon *daemon;
	const struct config *config;
	const struct server *server;
	int root;
	const char *dir; /* the mail root as a word of sh(1) */
	int failed;	 /* lines so far that say so */
};

/* Returns the exit status: EXITS_DONE, or EXITS_CONFIG where anything fails. server: its default ports. */
int check_run(const struct daemon *, const struct server *);

/* One line, without its end. */
enum check_verdict { CHECK_OK, CHECK_WARN, CHECK_FAIL };
void
check_say(struct check *, enum check_verdict, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "FILE:LINE: …" is wrong: the line becomes a comment. False: that is not the form, and nothing was said. */
bool check_say_line(struct check *, const char *reason);

/* May we read and write that file or folder of the mail root, if it is there? If not, that is said. */
bool check_access(struct check *, const char *path);

/* What is not in a file of the mail root, in check_system.c; from check_user on it is as the daemon will be. */
void check_config(struct check *);
void check_hostname(struct check *);
void check_ports(struct check *);
void check_user(struct check *);
void check_disk(struct check *);
void check_locks(struct check *);
void check_resolver(struct check *);

/* What the files of the mail root are like, in check_files.c. */
void check_root(struct check *); /* where it fails the other files are not looked at */
void check_accounts(struct check *);
void check_aliases(struct check *);
void check_routes(struct check *);
void check_users(struct check *);
void check_queue(struct check *);

#endif
