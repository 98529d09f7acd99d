#include "console.h"

#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "conn.h"
#include "io.h"

enum { PROGRESS_PAUSE = 200 }; /* milliseconds */

static int wake[2] = { -1, -1 };
static volatile sig_atomic_t caught;

static const int ending[] = { SIGINT, SIGTERM, SIGHUP };

static void
on_signal(int number)
{
	int error = errno;

	caught = number;
	conn_stop = 1;
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
	return caught != 0;
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
	if (caught == 0)
		return;
	signal(caught, SIG_DFL);
	raise(caught);
}

static bool progress_shown;

void
progress(const char *format, ...)
{
	static int64_t last;
	va_list list;
	int64_t now = conn_now();

	if (isatty(STDERR_FILENO) == 0 || (last != 0 && now - last < PROGRESS_PAUSE))
		return;
	last = now;
	progress_shown = true;
	fputs("\r\033[K", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fflush(stderr);
}

void
progress_end(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

/* 0: it was shown, or the person had enough; 1: there is no such pager; -1 with errno. */
static int
through_pager(struct span text)
{
	static const char usual[] =
	    "for p in less more cat; do command -v $p >/dev/null 2>&1 && exec $p; done";
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	const char *pager = getenv("PAGER");
	struct child child;
	int status;

	if (child_start(&child, pager != NULL && *pager != '\0' ? pager : usual, STDIN_FILENO) < 0)
		return -1;
	sigemptyset(&ignore.sa_mask);
	sigaction(SIGINT, &ignore, &before);
	int error = io_write(child.end, text) < 0 && errno != EPIPE ? errno : 0;
	if (child_end(&child, &status) < 0)
		status = 0;
	sigaction(SIGINT, &before, NULL);
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127))
		return 1;
	errno = error;
	return error == 0 ? 0 : -1;
}

int
page(struct span text)
{
	fflush(stdout);
	if (isatty(STDOUT_FILENO)) {
		int result = through_pager(text);
		if (result <= 0)
			return result;
	}
	return io_write(STDOUT_FILENO, text);
}
