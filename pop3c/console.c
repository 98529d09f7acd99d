#include "console.h"

#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "conn.h"
#include "io.h"

enum { PROGRESS_PAUSE = 200 }; /* milliseconds */

static int wake[2] = { -1, -1 };

static const int ending[] = { SIGINT, SIGTERM, SIGHUP };

static void
on_signal(int number)
{
	int error = errno;

	conn_stop = number;
	(void)!write(wake[1], "", 1);
	errno = error;
}

int
interrupt_open(void)
{
	struct sigaction act = { .sa_handler = on_signal }, old;

	if (io_pipe(wake) < 0)
		return -1;
	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(ending[i], &act, NULL);
	return wake[0];
}

bool
interrupted(void)
{
	return conn_stop != 0;
}

bool
wait_for_line(void)
{
	struct pollfd both[] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = wake[0], .events = POLLIN } };

	while (poll(both, 2, -1) < 0 && errno == EINTR)
		continue;
	return !interrupted();
}

void
interrupt_end(void)
{
	if (conn_stop == 0)
		return;
	signal(conn_stop, SIG_DFL);
	raise(conn_stop);
}

static bool progress_shown;

void
progress(uint32_t number, size_t all)
{
	static int64_t last;
	int64_t now = conn_now();

	if (!isatty(STDERR_FILENO) || (last != 0 && now - last < PROGRESS_PAUSE))
		return;
	last = now;
	progress_shown = true;
	fprintf(stderr, "\r\033[Kmessage %lu of %zu", (unsigned long)number, all);
}

void
progress_end(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

/* False: there is no such pager. One who has had enough may close its end. */
static bool
through_pager(struct span text)
{
	static const char usual[] =
	    "for p in less more cat; do command -v $p >/dev/null 2>&1 && exec $p; done";
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	const char *pager = getenv("PAGER");
	struct child child;
	int status;

	if (child_start(&child, pager != NULL && *pager != '\0' ? pager : usual, STDIN_FILENO) < 0)
		return false;
	sigemptyset(&ignore.sa_mask);
	sigaction(SIGINT, &ignore, &before);
	io_write(child.end, text);
	if (child_end(&child, &status) < 0)
		status = 0;
	sigaction(SIGINT, &before, NULL);
	return !WIFEXITED(status) || (WEXITSTATUS(status) != 126 && WEXITSTATUS(status) != 127);
}

int
page(struct span text)
{
	fflush(stdout);
	if (isatty(STDOUT_FILENO) && through_pager(text))
		return 0;
	return io_write(STDOUT_FILENO, text);
}
