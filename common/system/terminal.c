#include "terminal.h"

#include <sys/select.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "io.h"

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

enum { DEADLY = sizeof(deadly) / sizeof(deadly[0]) };

/* A terminal without echo, and what it takes to have it back. */
struct quiet {
	int fd;
	struct termios before;
	struct sigaction handlers[DEADLY];
	sigset_t mask;
};

static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
	caught = number;
}

/* The signals are blocked but while read_line waits: none can come between a look at `caught` and the wait. */
static void
quiet_begin(struct quiet *q)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct termios silent;
	sigset_t block;

	silent = q->before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ECHONL | ICANON;
	sigemptyset(&act.sa_mask);
	sigemptyset(&block);
	for (unsigned i = 0; i < DEADLY; i++)
		sigaddset(&block, deadly[i]);
	caught = 0;
	sigprocmask(SIG_BLOCK, &block, &q->mask);
	for (unsigned i = 0; i < DEADLY; i++)
		sigaction(deadly[i], &act, &q->handlers[i]);
	tcsetattr(q->fd, TCSAFLUSH, &silent);
}

static void
quiet_end(struct quiet *q)
{
	int error = errno, restored;

	do
		restored = tcsetattr(q->fd, TCSADRAIN, &q->before);
	while (restored < 0 && errno == EINTR);
	for (unsigned i = 0; i < DEADLY; i++)
		sigaction(deadly[i], &q->handlers[i], NULL);
	sigprocmask(SIG_SETMASK, &q->mask, NULL);
	errno = error;
}

/* Until there is something to read, with the signals of mask blocked. -1: one was caught. */
static int
wait_for_input(int fd, const sigset_t *mask)
{
	fd_set fds;
	int ready;

	do {
		FD_ZERO(&fds);
		FD_SET(fd, &fds);
		ready = pselect(fd + 1, &fds, NULL, NULL, NULL, mask);
	} while (ready < 0 && errno == EINTR && caught == 0);
	return ready < 0 ? -1 : 0;
}

/* mask: NULL for what is no terminal. */
static int
read_line(int fd, const sigset_t *mask, struct buf *line)
{
	char c = '\0';
	ssize_t n = 1;

	while (n != 0 && c != '\n') {
		if (mask != NULL && wait_for_input(fd, mask) < 0)
			return -1;
		n = read(fd, &c, 1);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0 && c != '\n')
			buf_add_char(line, c);
	}
	errno = line->failed ? EMSGSIZE : 0;
	if (line->failed || (n == 0 && line->len == 0))
		return -1;
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		buf_cut(line, line->len - 1);
	return 0;
}

static int
ask_once(int fd, const char *prompt, struct buf *secret)
{
	struct quiet quiet = { .fd = fd };

	if (tcgetattr(fd, &quiet.before) < 0)
		return -1;
	buf_clear(secret);
	quiet_begin(&quiet);
	int result = io_write(fd, span_of(prompt));
	if (result == 0)
		result = read_line(fd, &quiet.mask, secret);
	quiet_end(&quiet);
	return result;
}

int
terminal_secret(int fd, const char *prompt, struct buf *secret)
{
	int result = -1;

	caught = 0;
	if (!isatty(fd)) {
		buf_clear(secret);
		return read_line(fd, NULL, secret);
	}
	do {
		result = ask_once(fd, prompt, secret);
		if (caught != 0) {
			io_write(fd, span_of("\n"));
			(void)raise(caught);
		}
	} while (caught != 0);
	return result;
}
