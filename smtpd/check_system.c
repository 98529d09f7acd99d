/* What is not in a file of the mail root. */
#include "checks.h"

#include <sys/statvfs.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "lock.h"
#include "net.h"
#include "pid.h"
#include "privilege.h"
#include "resolve.h"

enum { GREETING = 512, PATIENCE = 5 /* seconds */ };

void
check_config(struct check *c)
{
	const char *dir = buf_string(&c->dir), *reason = c->daemon->broken;
	const char *fix = check_fix_line(c, reason);

	if (reason[0] == '\0')
		check_say(c, CHECK_OK, "", "config: every key is known and has a value");
	else if (fix != NULL)
		check_say(c, CHECK_FAIL, fix, "%s", reason);
	else
		check_say(
		    c, CHECK_FAIL, check_fix(c, "mv %s/config %s/config.broken", dir, dir), "%s", reason);
}

/* What is said by whoever has the port. */
static void
read_greeting(const char *address, struct buf *greeting)
{
	char reason[CONFIG_REASON], *room = buf_reserve(greeting, GREETING);
	int fd;

	if (room == NULL || net_dial(address, "25", PATIENCE, &fd, reason, sizeof reason) != NET_OK)
		return;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&ready, 1, PATIENCE * 1000) == 1 ? read(fd, room, GREETING) : 0;
	greeting->len += n > 0 ? (size_t)n : 0;
	close(fd);
}

static void
check_taken_port(struct check *c, const char *address)
{
	struct buf greeting, ours, shown;
	struct span rest;

	buf_init(&greeting, GREETING);
	buf_init(&ours, GREETING);
	buf_init(&shown, (size_t)4 * GREETING);
	read_greeting(address, &greeting);
	buf_printf(&ours, "220 %s ESMTP Letterbox", c->config->hostname);
	struct span line = span_trim(span_until(buf_span(&greeting), '\n', &rest));
	buf_add_escaped(&shown, line);
	if (span_is(line, buf_string(&ours)))
		check_say(c, CHECK_OK, "", "port %s: an smtpd of this name has it", address);
	else
		check_say(c, CHECK_FAIL, check_fix(c, "fuser -k -TERM -n tcp %s", strrchr(address, ':') + 1),
		    "port %s: another program has it (it says \"%s\")", address, buf_string(&shown));
	buf_free(&greeting);
	buf_free(&ours);
	buf_free(&shown);
}

static void
check_port(struct check *c, const char *address)
{
	char name[NET_ADDRESS];
	int fd = net_listen(address, name);

	if (fd >= 0) {
		close(fd);
		check_say(c, CHECK_OK, "", "port %s: free", address);
	} else if (errno == EADDRINUSE)
		check_taken_port(c, address);
	else if (errno == EACCES)
		check_say(c, CHECK_FAIL,
		    check_fix(c, "setcap cap_net_bind_service=+ep \"$(command -v %s)\"", c->daemon->argv[0]),
		    "port %s: only root may listen there", address);
	else
		check_say(c, CHECK_FAIL,
		    check_fix(c, "sed -i '/^[[:blank:]]*listen.*%s/s/^/#/' %s/config", address,
			buf_string(&c->dir)),
		    "port %s: %s", address, strerror(errno));
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
	char reason[CONFIG_REASON];
	const char *user = c->config->user;

	if (privilege_become(user, reason, sizeof reason) != EXITS_DONE) {
		const char *fix = geteuid() == 0 ? check_fix(c, "useradd --system %s", user)
						 : check_fix(c, "sudo %s -d %s check", c->daemon->argv[0],
						       buf_string(&c->dir));
		check_say(c, CHECK_FAIL, fix, "%s", reason);
	} else if (geteuid() == 0)
		check_say(c, CHECK_WARN,
		    check_fix(c,
			"useradd --system letterbox; chown -R letterbox %s; echo user letterbox >> %s/config",
			buf_string(&c->dir), buf_string(&c->dir)),
		    "user: it will run as root for good");
	else
		check_say(c, CHECK_OK, "", "user: it will run as %s", user != NULL ? user : "who starts it");
}

/* Can a file of that name be made? One that is there already can not. */
static bool
can_make(const struct check *c, const char *name)
{
	int fd = openat(c->root, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Does the fcntl lock that we have keep another process out? */
static bool
lock_holds(const struct check *c, const char *name)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = openat(c->root, name, O_RDWR | O_CLOEXEC);
		_exit(fd >= 0 && lock_fcntl(fd, 0) == LOCK_BUSY ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* What is wrong with locks and writing in the mail root, errno with it; NULL: nothing. */
static const char *
try_locks(const struct check *c, const char *name, int fd, const char *dotlock)
{
	if (lock_fcntl(fd, 0) != LOCK_OK)
		return "locks: fcntl(2) gives none";
	errno = 0;
	if (!lock_holds(c, name))
		return "locks: those of fcntl(2) keep nobody out";
	if (!can_make(c, dotlock))
		return "locks: no dotlock can be made";
	if (can_make(c, dotlock))
		return "locks: a dotlock can be made twice";
	return write(fd, "", 1) == 1 && fdatasync(fd) == 0 ? NULL : "disk: it does not take what is written";
}

void
check_locks(struct check *c)
{
	const char *fix = check_fix(c, "df %s # and move it to a file system that can", buf_string(&c->dir));
	const char *wrong = "locks: no file can be made";
	char name[32], dotlock[40];

	snprintf(name, sizeof name, "check.%ld", pid_own());
	snprintf(dotlock, sizeof dotlock, "%s.lock", name);
	int fd = openat(c->root, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		wrong = try_locks(c, name, fd, dotlock);
	if (wrong != NULL)
		check_say(c, CHECK_FAIL, fix, "%s%s%s", wrong, errno != 0 ? ": " : "",
		    errno != 0 ? strerror(errno) : "");
	else
		check_say(c, CHECK_OK, "", "locks: fcntl(2) and dotlock hold, fdatasync(2) works");
	unlinkat(c->root, name, 0);
	unlinkat(c->root, dotlock, 0);
	if (fd >= 0)
		close(fd);
}

void
check_disk(struct check *c)
{
	enum { MANY = 20 }; /* messages of the largest size */
	struct statvfs st;
	const char *fix = check_fix(c, "du -ak %s | sort -n | tail", buf_string(&c->dir));

	if (fstatvfs(c->root, &st) < 0) {
		check_say(c, CHECK_WARN, fix, "disk: %s", strerror(errno));
		return;
	}
	uint64_t room = (uint64_t)st.f_bavail * st.f_frsize, message = (uint64_t)c->config->message_size;
	bool names = st.f_files == 0 || st.f_favail > 0;
	enum check_verdict verdict = room < message || !names ? CHECK_FAIL
				     : room < message * MANY  ? CHECK_WARN
							      : CHECK_OK;
	check_say(c, verdict, verdict == CHECK_OK ? "" : fix,
	    "disk: %llu MiB are free%s, a message may have %llu", (unsigned long long)room >> 20,
	    names ? "" : ", but no inode", (unsigned long long)message >> 20);
}

void
check_hostname(struct check *c)
{
	const char *name = c->config->hostname;

	if (strchr(name, '.') != NULL)
		check_say(c, CHECK_OK, "", "hostname: %s", name);
	else
		check_say(c, CHECK_WARN,
		    check_fix(c, "echo hostname mail.example.org >> %s/config", buf_string(&c->dir)),
		    "hostname: %s is no name that other servers will believe", name);
}

/* Is there anybody to ask? What is said of our own name does not matter. */
void
check_resolver(struct check *c)
{
	const char *server = c->config->resolver;
	struct resolve_hosts hosts;

	if (resolve_mx(server, c->config->hostname, &hosts) != RESOLVE_LATER)
		check_say(c, CHECK_OK, "", "resolver: it answers");
	else if (server != NULL)
		check_say(c, CHECK_WARN,
		    check_fix(c, "sed -i '/^[[:blank:]]*resolver/s/^/#/' %s/config", buf_string(&c->dir)),
		    "resolver: %s does not answer; only what has a line in routes leaves", server);
	else
		check_say(c, CHECK_WARN, check_fix(c, "cat /etc/resolv.conf; getent hosts example.org"),
		    "resolver: no name server answers; only what has a line in routes leaves");
}
