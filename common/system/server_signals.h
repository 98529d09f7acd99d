/*
 * server_signals: the signals of a daemon's parent. A handler sets a flag and writes a byte into the wake pipe, so that none gets lost between
 * a look at the flags and the poll.
 */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include <sys/types.h>

#include <signal.h>

/* What came since it was set to 0. stop: SIGTERM or SIGINT. */
struct server_signals {
	volatile sig_atomic_t stop, hup, child;
};
extern struct server_signals server_signals;

/* From now on: the end of the wake pipe to write to. SIGPIPE and SIGXFSZ are ignored. */
void server_signals_take(int wake);

/* As fork(2). In the child they are blocked until it has handlers of its own, for it must not write into our pipe. */
pid_t server_signals_fork(void);

/*
 * In a child that is to end when the parent says so by a pipe: SIGTERM, SIGINT and SIGHUP are ignored, for who ends all processes at once
 * ends the parent, too; SIGCHLD as it comes.
 */
void server_signals_leave(void);

#endif
