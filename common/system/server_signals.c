#include "server_signals.h"

#include <errno.h>
#include <unistd.h>

struct server_signals server_signals;

static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static int wake_at;

static void
on_signal(int signal)
{
	int error = errno;

	if (signal == SIGCHLD)
		server_signals.child = 1;
	else if (signal == SIGHUP)
		server_signals.hup = 1;
	else
		server_signals.stop = 1;
	/* A pipe that is full wakes us, too. */
	ssize_t n = write(wake_at, "", 1);
	(void)n;
	errno = error;
}

void
server_signals_take(int wake)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	wake_at = wake;
	server_signals.stop = server_signals.hup = server_signals.child = 0;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
}

pid_t
server_signals_fork(void)
{
	sigset_t block, before;

	sigemptyset(&block);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaddset(&block, signals[i]);
	sigprocmask(SIG_BLOCK, &block, &before);
	pid_t pid = fork();
	int error = errno;
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return pid;
}

void
server_signals_leave(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN };
	sigset_t none;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++) {
		action.sa_handler = signals[i] == SIGCHLD ? SIG_DFL : SIG_IGN;
		sigaction(signals[i], &action, NULL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
