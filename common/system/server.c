#include "server.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "exits.h"
#include "io.h"
#include "log.h"
#include "penalty.h"
#include "privilege.h"
#include "process.h"
#include "zone.h"

/*
 * The parent. It binds, accepts, forks, signals its own children, logs, and reads no byte of a peer.
 */

enum {
	PAUSE = 100,		/* milliseconds without accepting, where it fails for lack of something */
	COMPANION_PAUSE = 1000, /* milliseconds between two starts of the companion */
	LAST_WAIT = 5,		/* seconds beyond SERVER_GRACE, then children are killed */
	LISTENERS = CONFIG_LISTEN + 1 /* those of config, and the default */
};

struct child {
	pid_t pid;
	uint64_t source;
	bool denied; /* a login has failed there */
};

/* A fork copies only what was ever written of it. */
struct state {
	struct server *server;
	int listeners[LISTENERS];
	enum listener kinds[LISTENERS];
	int n;
	int wake[2]; /* a pid_t each: of a child in which a login has failed, or 0 from a signal's handler */
	int stop[2]; /* one byte, which nobody reads, stops all children */
	pid_t companion; /* 0: it does not run */
	int64_t companion_due;
	int spare; /* given up for a moment where no descriptor is left */
	bool paused;
	size_t sessions;
	struct child children[CONFIG_SESSIONS];
	struct penalty penalty;
};

/* Before we serve, whoever started us reads standard error, even where the log goes to syslog. */
static void
say(const struct state *s, const char *what)
{
	if (s->server->config->log_syslog)
		fprintf(stderr, "%s: %s\n", s->server->program, what);
}

static int
failed(const struct state *s, const char *event, const char *what, int status)
{
	log_begin_error(event);
	log_text("reason", what);
	log_end();
	say(s, what);
	return status;
}

static int
open_listener(struct state *s, const char *address, enum listener kind)
{
	char reason[256], name[NET_ADDRESS];
	int fd = net_listen(address, name);

	if (fd < 0) {
		snprintf(reason, sizeof reason, "%s: %s", address, strerror(errno));
		return failed(s, "listen-failed", reason, EXITS_UNREACHABLE);
	}
	s->kinds[s->n] = kind;
	s->listeners[s->n++] = fd;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return failed(s, "listen-failed", strerror(errno), EXITS_SYSTEM);
	return EXITS_DONE;
}

static int
open_listeners(struct state *s)
{
	const struct config *config = s->server->config;
	const char *port = geteuid() == 0 ? s->server->default_port_root : s->server->default_port_user;
	char fallback[NET_ADDRESS];
	int status = EXITS_DONE;
	bool plain = false;

	for (int i = 0; i < config->listens && status == EXITS_DONE; i++) {
		plain |= config->listener[i] == LISTENER_PLAIN;
		if (config->listener[i] == LISTENER_PLAIN || s->server->submission)
			status = open_listener(s, config->listen[i], config->listener[i]);
	}
	if (plain || status != EXITS_DONE)
		return status;
	snprintf(fallback, sizeof fallback, "127.0.0.1:%s", port);
	return open_listener(s, fallback, LISTENER_PLAIN);
}

static void
open_spare(struct state *s)
{
	s->spare = process_signals.ready = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
announce(const struct state *s)
{
	char name[NET_ADDRESS], event[NET_ADDRESS + 32];
	struct peer here;

	for (int i = 0; i < s->n; i++) {
		net_here(s->listeners[i], &here);
		net_name(&here, name);
		snprintf(event, sizeof event, "listening on %s", name);
		log_begin(event);
		log_end();
		say(s, event);
	}
}

static int
prepare(struct state *s)
{
	struct server *server = s->server;
	char reason[256];

	int status = open_listeners(s);
	if (status != EXITS_DONE)
		return status;
	status = privilege_become(server->config->user, reason, sizeof reason);
	if (status != EXITS_DONE)
		return failed(s, "privilege-failed", reason, status);
	open_spare(s);
	if (s->spare < 0 || io_pipe(s->wake) < 0 || io_pipe(s->stop) < 0)
		return failed(s, "start-failed", strerror(errno), EXITS_SYSTEM);
	process_take_signals(s->wake[1], s->stop[0]);
	if (server->start != NULL && (status = server->start(server->context)) != EXITS_DONE)
		return status;
	announce(s);
	return EXITS_DONE;
}

/* One write, which does not wait: whoever is one too many costs no more. */
static void
refuse(int fd, const char *line, const struct peer *client, const char *reason)
{
	send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
	log_begin("refused");
	log_text("reason", reason);
	log_text("client", client->text);
	log_end();
}

static void
close_listeners(const struct state *s)
{
	for (int i = 0; i < s->n; i++)
		close(s->listeners[i]);
}

/* In the child nothing is open that is the parent's alone. */
static pid_t
fork_child(const struct state *s)
{
	pid_t pid = fork();

	if (pid == 0) {
		close_listeners(s);
		close(s->wake[0]);
		close(s->stop[1]);
	}
	return pid;
}

/* Where it died at once it is not begun again at once. Returns milliseconds until that is due; -1: it runs, or there is none. */
static int
keep_companion(struct state *s)
{
	int64_t left = s->companion_due - conn_now();

	if (s->server->companion == NULL || s->companion > 0)
		return -1;
	if (left > 0)
		return (int)left;
	s->companion_due = conn_now() + COMPANION_PAUSE;
	s->companion = fork_child(s);
	if (s->companion == 0) {
		close(s->wake[1]);
		process_ignore_signals();
		_exit(s->server->companion(s->stop[0], s->server->context));
	}
	return s->companion > 0 ? -1 : COMPANION_PAUSE;
}

static void
launch(struct state *s, int fd, const struct peer *client, enum listener kind, uint64_t source)
{
	struct session_info info = { .client = *client, .listener = kind };

	net_here(fd, &info.here);
	(void)zone_at(time(NULL)); /* the child finds it known */
	pid_t pid = fork_child(s);
	if (pid == 0)
		_exit(process_serve(s->server, fd, fd, &info, s->stop[0], s->wake[1]));
	if (pid < 0)
		refuse(fd, s->server->refusal, client, "fork");
	else
		s->children[s->sessions++] = (struct child){ .pid = pid, .source = source };
}

static void
admit(struct state *s, int fd, const struct peer *client, enum listener kind)
{
	const struct config *config = s->server->config;
	const char *line = s->server->refusal;
	uint64_t source = net_source(client);
	int same = 0;

	for (size_t i = 0; i < s->sessions; i++)
		same += s->children[i].source == source;
	if (s->sessions >= (size_t)config->max_sessions)
		refuse(fd, line, client, "max-sessions");
	else if (same >= config->max_per_source)
		refuse(fd, line, client, "max-per-source");
	else if (penalty_due(&s->penalty, source, conn_now()))
		refuse(fd, s->server->penalty, client, "failed-logins");
	else
		launch(s, fd, client, kind, source);
}

static int
accept_from(int listener, struct peer *client)
{
	struct sockaddr_storage address;
	socklen_t n = sizeof address;
	int fd = accept(listener, (struct sockaddr *)&address, &n);

	if (fd >= 0)
		net_peer(client, (struct sockaddr *)&address, n);
	return fd;
}

/* No descriptor is left. The spare one takes the connection, or it would be ready for ever, and we would spin. */
static void
shed(struct state *s, int listener)
{
	struct peer client;

	close(s->spare);
	int fd = accept_from(listener, &client);
	if (fd >= 0) {
		refuse(fd, s->server->refusal, &client, "descriptors");
		close(fd);
	}
	open_spare(s);
	s->paused = fd < 0 || s->spare < 0;
}

static void
accept_one(struct state *s, int i)
{
	struct peer client;
	int fd = accept_from(s->listeners[i], &client);

	if (fd >= 0) {
		admit(s, fd, &client, s->kinds[i]);
		close(fd);
		return;
	}
	if (errno == EMFILE || errno == ENFILE)
		shed(s, s->listeners[i]);
	else /* Else the connection was gone before we came, and this is what became of it. */
		s->paused = errno == ENOMEM || errno == ENOBUFS;
}

static struct child *
find_child(struct state *s, pid_t pid)
{
	for (size_t i = 0; i < s->sessions; i++)
		if (s->children[i].pid == pid)
			return &s->children[i];
	return NULL;
}

/* Past the cap a source loses those sessions, too, in which it has guessed before. */
static void
take_denied(struct state *s, pid_t pid)
{
	struct child *child = find_child(s, pid);

	if (child == NULL)
		return;
	child->denied = true;
	penalty_add(&s->penalty, child->source, conn_now());
	if (!penalty_due(&s->penalty, child->source, conn_now()))
		return;
	for (size_t i = 0; i < s->sessions; i++)
		if (s->children[i].denied && s->children[i].source == child->source)
			kill(s->children[i].pid, SIGTERM);
}

/* What is in the pipe; each write to it was a whole one. */
static void
read_wake(struct state *s)
{
	pid_t pids[64];
	ssize_t n;

	while ((n = read(s->wake[0], pids, sizeof pids)) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof *pids; i++)
			take_denied(s, pids[i]);
}

static void
reap(struct state *s)
{
	pid_t pid;
	int status;

	process_signals.child = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		read_wake(s);
		struct child *child = find_child(s, pid);
		if (child != NULL)
			*child = s->children[--s->sessions];
		s->companion = pid == s->companion ? 0 : s->companion;
		if (WIFSIGNALED(status)) {
			log_begin_error("crashed");
			log_number("child", pid);
			log_number("signal", WTERMSIG(status));
			log_end();
		}
	}
}

/* Sleep until something happens. The first of fds is our pipe. */
static int
wait_for(struct state *s, struct pollfd *fds, nfds_t n, int timeout)
{
	fds[0] = (struct pollfd){ .fd = s->wake[0], .events = POLLIN };
	int ready = poll(fds, n, timeout);
	if (ready < 0 || fds[0].revents != 0)
		read_wake(s);
	if (process_signals.child)
		reap(s);
	return ready;
}

static void
accept_until_stopped(struct state *s)
{
	struct server *server = s->server;
	struct pollfd fds[1 + LISTENERS];

	for (int i = 0; i < s->n; i++)
		fds[1 + i] = (struct pollfd){ .fd = s->listeners[i], .events = POLLIN };
	while (!process_signals.stop) {
		bool paused = s->paused;
		s->paused = false;
		int due = keep_companion(s);
		int ready = wait_for(s, fds, paused ? 1 : 1 + (nfds_t)s->n, paused ? PAUSE : due);
		if (s->spare < 0)
			open_spare(s);
		if (process_signals.hup) {
			process_signals.hup = 0;
			if (server->reload != NULL && server->reload(server->context) == 0) {
				log_begin("reloaded");
				log_end();
			}
			if (s->companion > 0)
				kill(s->companion, SIGHUP);
		}
		for (int i = 0; i < s->n && ready > 0 && !paused && !s->paused && !process_signals.stop; i++)
			if (fds[1 + i].revents != 0)
				accept_one(s, i);
	}
}

static void
end_children(struct state *s)
{
	int64_t deadline = conn_now() + (int64_t)(SERVER_GRACE + LAST_WAIT) * 1000, left;
	struct pollfd own;

	log_begin("stopping");
	log_number("sessions", (long long)s->sessions);
	log_end();
	ssize_t n = write(s->stop[1], "", 1);
	(void)n;
	while ((s->sessions > 0 || s->companion > 0) && (left = deadline - conn_now()) > 0)
		wait_for(s, &own, 1, (int)left);
	for (size_t i = 0; i < s->sessions; i++)
		kill(s->children[i].pid, SIGKILL);
	if (s->companion > 0)
		kill(s->companion, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

int
server_run(struct server *server)
{
	static struct state s;

	s.server = server;
	int status = prepare(&s);
	if (status != EXITS_DONE)
		return status;
	accept_until_stopped(&s);
	close_listeners(&s);
	end_children(&s);
	return status;
}
