/*
 * client: what smtpc and pop3c have in common: the server that is named and the way to it, who logs in, and with which password. Touches the
 * environment, ~/.netrc, the terminal, and runs the command of -P.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "buf.h"
#include "net.h"

/* For getopt(3), behind those of the program. */
#define CLIENT_OPTIONS "P:S:T:X:qu:vw:hV-:"

struct client {
	const char *server;	 /* -S, else $MAILSERVER, else localhost */
	struct server_name name; /* that, taken apart, in lower case */
	const char *user;	 /* -u; NULL: none, as of -P */
	const char *command;	 /* -P */
	int seconds;		 /* -w */
	bool verbose, quiet;	 /* -v, -q */
	struct buf login, password;
};

/* All int: -1: go on; else an exit status, and what is to say was said. Free with client_free, which wipes the password. */
void client_init(struct client *);
void client_free(struct client *);

/* One of CLIENT_OPTIONS, or what getopt(3) made of none. */
int client_option(struct client *, int option);

/* The server's name, once all options are there. */
int client_server(struct client *, const char *port);

/*
 * login: as -u says; else that which ~/.netrc has for the server, else client_account.
 * password: $MAIL_PASSWORD (which is taken out of the environment: no child of ours sees it), else the first line that the command of -P prints,
 * else that of ~/.netrc, else what is typed on the terminal.
 */
int client_log_in(struct client *);

/* Whose account runs this: $LOGNAME, else $USER, else as the system has it; "" where it does not know. */
const char *client_account(void);

/* Unless fd leads to this machine: a warning that the password goes over it readable. */
void client_warn(const struct client *, int fd);

#endif
