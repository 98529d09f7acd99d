/*
 * A command, run by sh once a message, the message with LF line ends on its standard input. It has taken the message when it exits with 0.
 */
#include "deliver.h"

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "child.h"
#include "exits.h"
#include "program.h"

static enum delivered
open_command(struct deliver *d)
{
	return d->path[0] == '\0' ? deliver_fail(d, EXITS_CANNOT_CREATE, "no command") : DELIVERED;
}

/* The first that fails decides, but for one that may work later it is not over yet. */
static enum delivered
refuse(struct deliver *d, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (code >= 0)
		complain(0, "%s: exit status %d", d->name, code);
	else
		complain(0, "%s: ended by signal %d", d->name, WTERMSIG(status));
	if (code != EXITS_LATER)
		d->exit = EXITS_CANNOT_CREATE;
	else if (d->exit == 0)
		d->exit = EXITS_LATER;
	return DELIVERED_NOT;
}

static enum delivered
put_command(struct deliver *d, struct span message)
{
	struct child child;
	int error = 0, status = 0;

	if (child_start(&child, d->path, STDIN_FILENO) < 0)
		return deliver_fail(d, EXITS_CANNOT_CREATE, NULL);
	/* One that has read enough may close its end; its exit status counts. */
	if (deliver_write(child.end, message, DELIVER_LF) < 0 && errno != EPIPE) {
		error = errno;
		kill(child.pid, SIGKILL); /* it must not take a part for the whole */
	}
	if (child_end(&child, &status) < 0 && error == 0)
		error = errno;
	if (error != 0) {
		errno = error;
		return deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? DELIVERED : refuse(d, status);
}

const struct deliver_kind deliver_command = { true, open_command, put_command, NULL };
