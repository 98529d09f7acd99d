#include "server_signals.h"

#include <errno.h>
#include <unistd.h>

#include "conn.h"

struct server_signals server_signals;

static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static pid_t owner; /* whose they are; its children have them by fork(2) */
static int wake_at, stop_at;

static void
on_signal(int signal)
{
	int error = errno;
	bool ends = signal == SIGTERM || signal == SIGINT;

	if (ends)
		server_signals.stop = conn_stop = 1;
	else if (signal == SIGHUP)
		server_signals.hup = 1;
	else
		server_signals.child = 1;
	if (getpid() == owner) {
		/* A pipe that is full wakes us, too. */
		ssize_t n = write(wake_at, "", 1);
		(void)n;
	} else if (ends)
		/* A poll(2) that is about to begin sees it, too. The siblings, who share the pipe, do not. */
		dup2(server_signals.ready, stop_at);
	errno = error;
}

void
server_signals_take(int wake, int stop)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	owner = wake < 0 ? 0 : getpid();
	wake_at = wake;
	stop_at = stop;
	server_signals.stop = server_signals.hup = server_signals.child = 0;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
}

void
server_signals_leave(void)
{
	struct sigaction action = { .sa_flags = 0 };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++) {
		action.sa_handler = signals[i] == SIGCHLD ? SIG_DFL : SIG_IGN;
		sigaction(signals[i], &action, NULL);
	}
}
