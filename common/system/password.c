#include "password.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "exits.h"
#include "io.h"
#include "netrc.h"
#include "program.h"
#include "terminal.h"

enum { NETRC_FILE = 1024 * 1024, ACCOUNT = 4096 };

/* ~/.netrc, where it can be read. */
static void
look_in_netrc(struct span host, struct span user, struct buf *login, struct buf *password)
{
	const char *home = getenv("HOME");
	struct buf path, text;
	struct stat seen;

	if (home == NULL)
		return;
	buf_init(&path, 4096);
	buf_init(&text, NETRC_FILE);
	buf_printf(&path, "%s/.netrc", home);
	int fd = open(buf_string(&path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && io_read_regular(fd, &seen, &text) == 0)
		netrc_find(buf_span(&text), host, user, login, password);
	io_close(fd);
	buf_free(&path);
	buf_free(&text);
}

/* The first line that the command of -P prints. */
static int
run_command(const char *command, struct buf *password)
{
	struct child child;
	int status;

	if (child_start(&child, command, STDOUT_FILENO) < 0)
		return -1;
	int result = terminal_secret(child.end, "", password);
	if (child_end(&child, &status) < 0)
		return -1;
	/* One that goes on printing is ended by SIGPIPE, or what it runs is, as sh tells it: its first line was had. */
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	bool ended = code == 0 || code == 128 + SIGPIPE;
	return result == 0 && ended && password->len > 0 ? 0 : -1;
}

static int
ask(struct span host, struct buf *user, struct buf *password)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), result;
	struct buf prompt;

	if (tty < 0)
		return complain(
		    EXITS_AUTH, "no password: neither MAIL_PASSWORD, -P, ~/.netrc nor a terminal");
	buf_init(&prompt, 8 * PASSWORD_USER);
	buf_add_string(&prompt, "password of ");
	buf_add_escaped(&prompt, buf_span(user));
	buf_add_string(&prompt, " at ");
	buf_add_escaped(&prompt, host);
	buf_add_string(&prompt, ": ");
	result = terminal_secret(tty, buf_string(&prompt), password);
	buf_free(&prompt);
	close(tty);
	return result < 0 ? complain(EXITS_AUTH, "no password") : 0;
}

static void
name_of_account(struct buf *user)
{
	const char *name = getenv("LOGNAME");
	struct passwd account, *found = NULL;
	char space[ACCOUNT];

	if (name != NULL && *name != '\0')
		buf_add_string(user, name);
	else if (getpwuid_r(getuid(), &account, space, sizeof(space), &found) == 0 && found != NULL)
		buf_add_string(user, found->pw_name);
}

/* Neither may end a command line, or begin another. */
static bool
is_sendable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.at[i] == '\0' || s.at[i] == '\r' || s.at[i] == '\n')
			return false;
	return s.n > 0;
}

int
password_find(struct span host, const char *command, struct buf *user, struct buf *password)
{
	char *given = getenv("MAIL_PASSWORD");
	struct buf login, known;
	int status = 0;

	buf_init(&login, PASSWORD_USER);
	buf_init(&known, PASSWORD_MAX);
	look_in_netrc(host, buf_span(user), &login, &known);
	if (user->len == 0)
		buf_add_span(user, buf_span(&login));
	if (user->len == 0)
		name_of_account(user);
	if (given != NULL && *given != '\0') {
		buf_add_string(password, given);
		wipe(given, strlen(given));
		unsetenv("MAIL_PASSWORD");
	} else if (command != NULL) {
		if (run_command(command, password) < 0)
			status = complain(EXITS_AUTH, "-P: the command gives no password");
	} else if (known.len > 0)
		buf_add_span(password, buf_span(&known));
	else
		status = ask(host, user, password);
	if (status == 0 && (!is_sendable(buf_span(password)) || !is_sendable(buf_span(user))))
		status = complain(EXITS_AUTH, "a name or password that is empty, too long or has a line end");
	buf_free(&login);
	buf_free(&known);
	return status;
}
