#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "io.h"

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

enum { DEADLY = sizeof(deadly) / sizeof(deadly[0]), LOOK = 100 /* milliseconds */ };

/* Has one of them come, which is blocked? */
static bool
interrupted(void)
{
	sigset_t pending;
	bool any = false;

	sigpending(&pending);
	for (unsigned i = 0; i < DEADLY; i++)
		any |= sigismember(&pending, deadly[i]) == 1;
	return any;
}

/* Byte by byte: what follows the line may be somebody else's. */
static int
read_line(int fd, bool terminal, struct buf *line)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	char c = '\0';
	ssize_t n = 1;

	while (n != 0 && c != '\n') {
		if (terminal && interrupted())
			return -1;
		if (terminal && poll(&input, 1, LOOK) <= 0)
			continue;
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

/* The signals are blocked while there is no echo. *again: one of them has come, and the process goes on. */
static int
ask_once(int fd, const char *prompt, struct buf *secret, bool *again)
{
	struct termios before, silent;
	sigset_t block, mask;

	*again = false;
	if (tcgetattr(fd, &before) < 0)
		return -1;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ECHONL | ICANON;
	sigemptyset(&block);
	for (unsigned i = 0; i < DEADLY; i++)
		sigaddset(&block, deadly[i]);
	sigprocmask(SIG_BLOCK, &block, &mask);
	tcsetattr(fd, TCSAFLUSH, &silent);
	int result = io_write(fd, span_of(prompt));
	if (result == 0)
		result = read_line(fd, true, secret);
	int error = errno;
	tcsetattr(fd, TCSADRAIN, &before);
	*again = interrupted();
	if (*again)
		io_write(fd, span_of("\n"));
	sigprocmask(SIG_SETMASK, &mask, NULL);
	errno = error;
	return result;
}

int
terminal_secret(int fd, const char *prompt, struct buf *secret)
{
	bool again;
	int result;

	if (!isatty(fd)) {
		buf_clear(secret);
		return read_line(fd, false, secret);
	}
	do {
		buf_clear(secret);
		result = ask_once(fd, prompt, secret, &again);
	} while (again);
	return result;
}
