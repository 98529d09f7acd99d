/*
 * A command, run by sh once a message, the message with LF line ends on its standard input. It has taken the message when it exits with 0.
 */
#include "deliver.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "exits.h"

static enum delivered
open_command(struct deliver *d)
{
	return d->path[0] == '\0' ? deliver_fail(d, EXITS_CANNOT_CREATE, "no command") : DELIVERED;
}

static void
run(const char *command, int input)
{
	dup2(input, STDIN_FILENO);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* The first that fails decides, but for one that may work later it is not over yet. */
static enum delivered
refuse(struct deliver *d, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (code >= 0)
		fprintf(stderr, "pop3c: %s: exit status %d\n", d->name, code);
	else
		fprintf(stderr, "pop3c: %s: ended by signal %d\n", d->name, WTERMSIG(status));
	if (code != EXITS_LATER)
		d->exit = EXITS_CANNOT_CREATE;
	else if (d->exit == 0)
		d->exit = EXITS_LATER;
	return DELIVERED_NOT;
}

static enum delivered
put_command(struct deliver *d, struct incoming *in)
{
	int ends[2], status = 0;

	if (pipe(ends) < 0)
		return deliver_fail(d, EXITS_CANNOT_CREATE, NULL);
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	pid_t pid = fork();
	if (pid == 0)
		run(d->path, ends[0]);
	close(ends[0]);
	int error = pid < 0 ? errno : 0;
	/* One that has read enough may close its end; its exit status counts. */
	if (pid > 0 && deliver_write_lf(ends[1], in) < 0 && errno != EPIPE)
		error = errno;
	if (pid > 0 && error != 0)
		kill(pid, SIGKILL); /* it must not take a part for the whole */
	close(ends[1]);
	pid_t ended;
	do
		ended = pid < 0 ? pid : waitpid(pid, &status, 0);
	while (ended < 0 && pid > 0 && errno == EINTR);
	if (error == 0 && ended < 0)
		error = errno;
	if (error != 0) {
		errno = error;
		return deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? DELIVERED : refuse(d, status);
}

static enum delivered
commit_command(struct deliver *d)
{
	(void)d;
	return DELIVERED;
}

const struct deliver_kind deliver_command = { true, open_command, put_command, commit_command };
