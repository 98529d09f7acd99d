#include "client.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "exits.h"
#include "io.h"
#include "netrc.h"
#include "program.h"
#include "terminal.h"

enum { NETRC_FILE = 1024 * 1024, PATH = 4096, LOGIN = 512, PASSWORD = 1024, DAY = 86400, WAIT = 60 };

void
client_init(struct client *c)
{
	*c = (struct client){ .server = getenv("MAILSERVER"), .seconds = WAIT };
	if (c->server == NULL || *c->server == '\0')
		c->server = "localhost";
	buf_init(&c->login, LOGIN);
	buf_init(&c->password, PASSWORD);
}

void
client_free(struct client *c)
{
	buf_free(&c->login);
	buf_free(&c->password);
}

int
client_option(struct client *c, int option)
{
	switch (option) {
	case 'P':
		c->command = optarg;
		break;
	case 'S':
		c->server = optarg;
		break;
	case 'q':
		c->quiet = true;
		break;
	case 'u':
		c->user = optarg;
		break;
	case 'v':
		c->verbose = true;
		break;
	case 'w':
		c->seconds = (int)span_number(span_of(optarg), DAY);
		if (c->seconds <= 0)
			return complain(EXITS_USAGE, "-w: seconds are a number from 1 to %d", DAY);
		break;
	case 'T':
	case 'X':
		return complain(
		    EXITS_USAGE, "-%c: this version does not have TLS and helper programs yet", option);
	default:
		return program_option(option);
	}
	return -1;
}

int
client_server(struct client *c, const char *port)
{
	if (!net_server_name(c->server, port, &c->name))
		return complain(EXITS_USAGE, "%s: not a server's name, HOST or HOST:PORT", c->server);
	for (char *at = c->name.host; *at != '\0'; at++)
		*at = ascii_lower(*at);
	return -1;
}

/* ~/.netrc, where it can be read. */
static void
look_in_netrc(struct span host, struct span user, struct buf *login, struct buf *password)
{
	const char *home = getenv("HOME");
	char path[PATH];
	struct stat seen;
	struct buf text;

	if (home == NULL || snprintf(path, sizeof(path), "%s/.netrc", home) >= (int)sizeof(path))
		return;
	buf_init(&text, NETRC_FILE);
	if (io_read_file(AT_FDCWD, path, 0, &seen, &text) == 0)
		netrc_find(buf_span(&text), host, user, login, password);
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
ask(struct client *c)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct buf prompt;

	if (tty < 0)
		return complain(
		    EXITS_AUTH, "no password: neither MAIL_PASSWORD, -P, ~/.netrc nor a terminal");
	buf_init(&prompt, 8 * LOGIN);
	buf_add_string(&prompt, "password of ");
	buf_add_escaped(&prompt, buf_span(&c->login));
	buf_printf(&prompt, " at %s: ", c->name.host);
	int result = terminal_secret(tty, buf_string(&prompt), &c->password);
	buf_free(&prompt);
	close(tty);
	return result < 0 ? complain(EXITS_AUTH, "no password") : -1;
}

const char *
client_account(void)
{
	const char *name = getenv("LOGNAME");

	if (name == NULL || *name == '\0')
		name = getenv("USER");
	if (name != NULL && *name != '\0')
		return name;
	const struct passwd *entry =
	    getpwuid(getuid()); /* cppcheck-suppress getpwuidCalled ; no threads here */
	return entry == NULL ? "" : entry->pw_name;
}

/* Neither may end a command line, or begin another. */
static bool
is_sendable(struct span s)
{
	return s.n > 0 && !span_has(s, '\0') && !span_has(s, '\r') && !span_has(s, '\n');
}

/* known: the password of ~/.netrc. */
static int
find_password(struct client *c, struct span known)
{
	char *given = getenv("MAIL_PASSWORD");

	if (given != NULL && *given != '\0') {
		buf_add_string(&c->password, given);
		wipe(given, strlen(given));
		unsetenv("MAIL_PASSWORD");
	} else if (c->command != NULL)
		return run_command(c->command, &c->password) < 0
			   ? complain(EXITS_AUTH, "-P: the command gives no password")
			   : -1;
	else if (known.n > 0)
		buf_add_span(&c->password, known);
	else
		return ask(c);
	return -1;
}

int
client_log_in(struct client *c)
{
	struct span user = span_of(c->user != NULL ? c->user : "");
	struct buf login, known;

	buf_init(&login, LOGIN);
	buf_init(&known, PASSWORD);
	look_in_netrc(span_of(c->name.host), user, &login, &known);
	buf_add_span(&c->login, user.n > 0 ? user : buf_span(&login));
	if (c->login.len == 0 && !c->login.failed)
		buf_add_string(&c->login, client_account());
	int status = find_password(c, buf_span(&known));
	if (status < 0 && (!is_sendable(buf_span(&c->password)) || !is_sendable(buf_span(&c->login))))
		status = complain(EXITS_AUTH, "a name or password that is empty, too long or has a line end");
	buf_free(&login);
	buf_free(&known);
	return status;
}

void
client_warn(const struct client *c, int fd)
{
	struct peer peer;

	net_peer_of(fd, &peer);
	if (!c->quiet && !net_is_loopback(&peer))
		complain(0, "warning: %s offers no safe login: the password crosses the network readable",
		    c->server);
}
