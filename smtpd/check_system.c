/* The lines that are printed, and what is not in a file of the mail root. */
#include "checks.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "io.h"
#include "lock.h"
#include "net.h"
#include "unique.h"
#include "privilege.h"
#include "resolve.h"

enum { GREETING = 512, PATIENCE = 5 /* seconds */ };

void
check_say(struct check *c, enum check_verdict verdict, const char *format, ...)
{
	static const char *const words[] = { "ok  ", "warn", "fail" };
	va_list list;

	printf("%s ", words[verdict]);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
	c->failed += verdict == CHECK_FAIL;
}

bool
check_say_line(struct check *c, const char *reason)
{
	struct span rest, text;
	struct span file = span_until(span_of(reason), ':', &rest);
	long long line = span_number(span_until(rest, ':', &text), INT32_MAX);

	if (line >= 0)
		check_say(c, CHECK_FAIL, "%s; fix: sed -i '%llds/^/#/' %s/%.*s", reason, line, c->dir,
		    (int)file.n, file.at);
	return line >= 0;
}

bool
check_access(struct check *c, const char *path)
{
	struct stat st = { 0 };

	if (fstatat(c->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno != EACCES)
		return true;
	int mode = R_OK | W_OK | (S_ISDIR(st.st_mode) ? X_OK : 0);
	if (faccessat(c->root, path, mode, AT_EACCESS) == 0)
		return true;
	const char *why = strerror(errno);
	if (st.st_uid == geteuid())
		check_say(c, CHECK_FAIL, "%s: %s; fix: chmod -R u+rwX %s/%s", path, why, c->dir, path);
	else
		check_say(c, CHECK_FAIL, "%s: %s; fix: chown -R %ld %s/%s", path, why, (long)geteuid(),
		    c->dir, path);
	return false;
}

void
check_config(struct check *c)
{
	const char *reason = c->daemon->broken;

	if (reason[0] == '\0')
		check_say(c, CHECK_OK, "config: every key is known and has a value");
	else if (!check_say_line(c, reason))
		check_say(c, CHECK_FAIL, "%s; fix: mv %s/config %s/config.broken", reason, c->dir, c->dir);
}

void
check_hostname(struct check *c)
{
	const char *name = c->config->hostname;

	if (strchr(name, '.') != NULL)
		check_say(c, CHECK_OK, "hostname: %s", name);
	else
		check_say(c, CHECK_WARN,
		    "hostname: %s is no name that other servers will believe; fix: echo hostname "
		    "mail.example.org >> %s/config",
		    name, c->dir);
}

/* The first line that whoever has the port says. */
static void
check_taken_port(struct check *c, const char *address)
{
	char greeting[GREETING], ours[GREETING], reason[CONFIG_REASON];
	int fd = net_dial(address, "25", PATIENCE, reason, sizeof reason);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	bool says = fd >= 0 && poll(&ready, 1, PATIENCE * 1000) == 1;
	ssize_t n = says ? read(fd, greeting, sizeof greeting) : 0;
	struct span rest, line = { greeting, n > 0 ? (size_t)n : 0 };
	struct buf shown;

	io_close(fd);
	line = span_trim(span_until(line, '\n', &rest));
	snprintf(ours, sizeof ours, "220 %s ESMTP Letterbox", c->config->hostname);
	buf_init(&shown, (size_t)4 * GREETING);
	buf_add_escaped(&shown, line);
	if (span_is(line, ours))
		check_say(c, CHECK_OK, "port %s: an smtpd of this name has it", address);
	else
		check_say(c, CHECK_FAIL,
		    "port %s: another program has it (it says \"%s\"); fix: fuser -k -TERM -n tcp %s",
		    address, buf_string(&shown), strrchr(address, ':') + 1);
	buf_free(&shown);
}

static void
check_port(struct check *c, const char *address)
{
	char name[NET_ADDRESS];
	int fd = net_listen(address, name);

	if (fd >= 0)
		check_say(c, CHECK_OK, "port %s: free", address);
	else if (errno == EADDRINUSE)
		check_taken_port(c, address);
	else if (errno == EACCES)
		check_say(c, CHECK_FAIL,
		    "port %s: only root may listen there; fix: setcap cap_net_bind_service=+ep \"$(command "
		    "-v %s)\"",
		    address, c->daemon->argv[0]);
	else
		check_say(c, CHECK_FAIL,
		    "port %s: %s; fix: sed -i '/^[[:blank:]]*listen.*%s/s/^/#/' %s/config", address,
		    strerror(errno), address, c->dir);
	io_close(fd);
}

void
check_ports(struct check *c)
{
	const struct config *config = c->config;
	char fallback[NET_ADDRESS];
	bool plain = false;

	for (int i = 0; i < config->listens; i++) {
		plain |= config->listener[i] == LISTENER_PLAIN;
		check_port(c, config->listen[i]);
	}
	snprintf(fallback, sizeof fallback, "127.0.0.1:%s",
	    geteuid() == 0 ? c->server->default_port_root : c->server->default_port_user);
	if (!plain)
		check_port(c, fallback);
}

/* From here on as the daemon will be. */
void
check_user(struct check *c)
{
	const char *user = c->config->user, *dir = c->dir;
	char reason[CONFIG_REASON];
	bool became = privilege_become(user, reason, sizeof reason) == EXITS_DONE;

	if (!became && geteuid() == 0)
		check_say(c, CHECK_FAIL, "%s; fix: useradd --system %s", reason, user);
	else if (!became)
		check_say(c, CHECK_FAIL, "%s; fix: sudo %s -d %s check", reason, c->daemon->argv[0], dir);
	else if (geteuid() == 0)
		check_say(c, CHECK_WARN,
		    "user: it will run as root for good; fix: useradd --system letterbox; chown -R letterbox "
		    "%s; echo user letterbox >> %s/config",
		    dir, dir);
	else
		check_say(c, CHECK_OK, "user: it will run as %s", user[0] != '\0' ? user : "who starts it");
}

/* Does the fcntl lock that we have keep another process out? */
static bool
lock_holds(const struct check *c, const char *name)
{
	int status;
	pid_t pid = fork();

	errno = ENOLCK;
	if (pid == 0) {
		int fd = openat(c->root, name, O_RDWR | O_CLOEXEC);
		_exit(fd >= 0 && lock_fcntl(fd, 0) == LOCK_BUSY ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* A dotlock is a file that can be made once. */
static int
make(const struct check *c, const char *name)
{
	return openat(c->root, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

void
check_locks(struct check *c)
{
	const char *wrong = NULL;
	char name[32];

	snprintf(name, sizeof name, "check.%ld", pid_own());
	int fd = make(c, name);
	if (fd < 0)
		wrong = "locks: no file can be made";
	else if (lock_fcntl(fd, 0) != LOCK_OK)
		wrong = "locks: fcntl(2) gives none";
	else if (!lock_holds(c, name))
		wrong = "locks: those of fcntl(2) keep nobody out";
	else if (write(fd, "", 1) != 1 || fdatasync(fd) < 0)
		wrong = "disk: it does not take what is written";
	const char *why = strerror(errno);
	int again = wrong == NULL ? make(c, name) : -1;
	if (wrong != NULL)
		check_say(c, CHECK_FAIL, "%s: %s; fix: df %s # and move it to a file system that can", wrong,
		    why, c->dir);
	else if (again >= 0)
		check_say(
		    c, CHECK_FAIL, "locks: a dotlock can be made twice; fix: df %s # and move it", c->dir);
	else
		check_say(c, CHECK_OK, "locks: fcntl(2) and dotlock hold, fdatasync(2) works");
	unlinkat(c->root, name, 0);
	io_close(again);
	io_close(fd);
}

void
check_disk(struct check *c)
{
	enum { MANY = 20 }; /* messages of the largest size */
	struct statvfs st;

	if (fstatvfs(c->root, &st) < 0) {
		check_say(
		    c, CHECK_WARN, "disk: %s; fix: du -ak %s | sort -n | tail", strerror(errno), c->dir);
		return;
	}
	uint64_t room = (uint64_t)st.f_bavail * st.f_frsize, message = (uint64_t)c->config->message_size;
	const unsigned long long free = room >> 20, most = message >> 20;
	bool names = st.f_files == 0 || st.f_favail > 0;
	if (names && room >= message * MANY)
		check_say(c, CHECK_OK, "disk: %llu MiB are free, a message may have %llu", free, most);
	else
		check_say(c, names && room >= message ? CHECK_WARN : CHECK_FAIL,
		    "disk: %llu MiB are free%s, a message may have %llu; fix: du -ak %s | sort -n | tail",
		    free, names ? "" : ", but no inode", most, c->dir);
}

/* Is there anybody to ask? What is said of our own name does not matter. */
void
check_resolver(struct check *c)
{
	const char *server = c->config->resolver;
	struct resolve_hosts hosts;

	if (resolve_mx(server, c->config->hostname, &hosts) != RESOLVE_LATER)
		check_say(c, CHECK_OK, "resolver: it answers");
	else if (server[0] != '\0')
		check_say(c, CHECK_WARN,
		    "resolver: %s does not answer; only what has a line in routes leaves; fix: sed -i "
		    "'/^[[:blank:]]*resolver/s/^/#/' %s/config",
		    server, c->dir);
	else
		check_say(c, CHECK_WARN,
		    "resolver: no name server answers; only what has a line in routes leaves; fix: cat "
		    "/etc/resolv.conf; getent hosts example.org");
}
