/*
 * process: what is common to the processes of a daemon: their signals, and what is around a session in the one that serves it. For server.c.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <signal.h>

#include "server.h"

struct process_signals {
	volatile sig_atomic_t stop, hup, child; /* what came since it was set to 0; stop: SIGTERM or SIGINT */
	int ready;				/* a descriptor of /dev/null */
};
extern struct process_signals process_signals;

/*
 * From now on SIGTERM, SIGINT, SIGHUP and SIGCHLD are handled, here and by the same handler in the children that serve, so that a fork needs
 * no system call for them. In this process each sets its flag and writes a pid_t of 0 to `wake`, so that none gets lost between a look at the
 * flags and the poll. In its children, and here where wake is -1, SIGTERM and SIGINT set conn_stop and make `stop` readable, in that process
 * alone. SIGPIPE and SIGXFSZ are ignored.
 */
void process_take_signals(int wake, int stop);

/*
 * In a child that is to end when the parent says so by a pipe: SIGTERM, SIGINT and SIGHUP are ignored, for who ends all processes at once
 * ends the parent, too; SIGCHLD as it comes.
 */
void process_ignore_signals(void);

/* Serve in this process; the info lacks its id. stop_fd and denied_fd: as in conn.h. Takes in and out over. The exit status. */
int process_serve(
    const struct server *, int in, int out, const struct session_info *, int stop_fd, int denied_fd);

#endif
