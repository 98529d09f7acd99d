/*
 * server: the fork-per-connection loop that both daemons share. The parent binds, accepts, forks and reaps, and reads no byte from
 * a peer; a child serves one connection and exits.
 */
#ifndef SERVER_H
#define SERVER_H

#include "config.h"
#include "conn.h"
#include "net.h"

struct session_info {
	struct peer client, here; /* both ends */
	enum listener listener;	  /* where it came in */
	const char *id;		  /* of this session, unique across hosts: for the log */
};

struct server {
	const char *program; /* "smtpd" */
	const struct config *config;
	const char *default_port_root, *default_port_user; /* "25", "2525" */
	bool submission;     /* config's listen-submission is for this server, too */
	const char *refusal; /* the whole line, with CRLF, for a connection that is one too many */
	const char *penalty; /* the same, for a source that failed to log in too often */

	/* In the child: serve the connection. */
	void (*serve)(struct conn *, const struct session_info *, void *context);
	/* In the parent: before the first accept (0, or an exit status; also with -i), as the user of the config. May be NULL. */
	int (*start)(void *context);
	/* In the parent, on SIGHUP: 0, or -1 where the old settings stay. It may change what config points to. May be NULL. */
	int (*reload)(void *context);
	/*
	 * A process beside the sessions, from before the first accept to their end, begun again should it die. It is to end within SERVER_GRACE
	 * (bounds.h) once `stop` is readable, gets SIGHUP after us, and no other signal of ours; what it returns is the exit status. May be NULL.
	 */
	int (*companion)(int stop, void *context);
	void *context;
};

/*
 * Bind (config's listen, else the defaults of interface.md), become config's user, start, say "listening on ADDR:PORT" for each on
 * standard error, and serve until SIGTERM or SIGINT. Children then have SERVER_GRACE seconds (bounds.h). log_open comes before.
 * Logs "connect" in the child; what was served logs its end (serve.h). Returns the exit status: 0, EXITS_SYSTEM, EXITS_UNREACHABLE …
 */
int server_run(struct server *);

/* -i: one session on descriptors 0 and 1. Returns the exit status. */
int server_inetd(struct server *);

#endif
