/*
 * server_signals: SIGTERM, SIGINT, SIGHUP and SIGCHLD of a daemon: in its parent, and, by the same handler, in the children that serve, so
 * that a fork needs no system call for them.
 */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include <signal.h>

struct server_signals {
	volatile sig_atomic_t stop, hup, child; /* what came since it was set to 0; stop: SIGTERM or SIGINT */
	int ready;				/* a descriptor of /dev/null */
};
extern struct server_signals server_signals;

/*
 * From now on. In this process each sets its flag and writes a byte to `wake`, so that none gets lost between a look at the flags and the
 * poll. In its children, and here where wake is -1, SIGTERM and SIGINT set conn_stop and make `stop` readable, in that process alone.
 * SIGPIPE and SIGXFSZ are ignored.
 */
void server_signals_take(int wake, int stop);

/*
 * In a child that is to end when the parent says so by a pipe: SIGTERM, SIGINT and SIGHUP are ignored, for who ends all processes at once
 * ends the parent, too; SIGCHLD as it comes.
 */
void server_signals_leave(void);

#endif
