#include "server.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "children.h"
#include "exits.h"
#include "io.h"
#include "log.h"
#include "penalty.h"
#include "privilege.h"
#include "server_signals.h"
#include "session_process.h"
#include "zone.h"

/*
 * The parent. It binds, accepts, forks, signals its own children, logs, and reads no byte of a peer.
 */

enum {
	PAUSE = 100,		/* milliseconds without accepting, where it fails for lack of something */
	COMPANION_PAUSE = 1000, /* milliseconds between two starts of the companion */
	LAST_WAIT = 5,		/* seconds beyond SERVER_GRACE, then children are killed */
	OWN = 2,		/* descriptors to wait for beside the listeners */
	LISTENERS = CONFIG_LISTEN + 1 /* those of config, and the default */
};

struct state {
	struct server *server;
	struct children children;
	struct penalty *penalty; /* NULL: nobody has failed to log in yet, and forks are cheap */
	int listeners[LISTENERS];
	enum listener kinds[LISTENERS];
	int n;
	int wake[2];
	int denied[2];	 /* children write their pid here when a login has failed */
	int stop[2];	 /* one byte, which nobody reads, stops all children */
	pid_t companion; /* 0: it does not run */
	int64_t companion_due;
	int spare; /* given up for a moment where no descriptor is left */
	bool paused;
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
	s->spare = server_signals.ready = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
announce(const struct state *s)
{
	char event[NET_ADDRESS + 32];
	struct peer here;

	for (int i = 0; i < s->n; i++) {
		net_here(s->listeners[i], &here);
		bool v6 = here.address.ss_family == AF_INET6;
		snprintf(event, sizeof event, v6 ? "listening on [%s]:%u" : "listening on %s:%u", here.text,
		    here.port);
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
	if (s->spare < 0 || io_pipe(s->wake) < 0 || io_pipe(s->denied) < 0 || io_pipe(s->stop) < 0)
		return failed(s, "start-failed", strerror(errno), EXITS_SYSTEM);
	server_signals_take(s->wake[1], s->stop[0]);
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
close_listeners(struct state *s)
{
	for (int i = 0; i < s->n; i++)
		close(s->listeners[i]);
	s->n = 0;
}

/* In the child nothing is open that is the parent's alone. */
static pid_t
fork_child(struct state *s)
{
	pid_t pid = fork();

	if (pid == 0) {
		close_listeners(s);
		close(s->wake[0]);
		close(s->wake[1]);
		close(s->denied[0]);
		close(s->stop[1]);
	}
	return pid;
}

_Noreturn static void
be_child(struct state *s, int fd, const struct session_info *info)
{
	int status = session_process(s->server, fd, fd, info, s->stop[0], s->denied[1]);
	_exit(status < 0 ? EXITS_SYSTEM : EXITS_DONE);
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
		server_signals_leave();
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
		be_child(s, fd, &info);
	if (pid < 0)
		refuse(fd, s->server->refusal, client, "fork");
	else
		children_add(&s->children, pid, source);
}

static void
admit(struct state *s, int fd, const struct peer *client, enum listener kind)
{
	const struct config *config = s->server->config;
	const char *line = s->server->refusal;
	uint64_t source = children_source(client);

	if (s->children.n >= (size_t)config->max_sessions)
		refuse(fd, line, client, "max-sessions");
	else if (children_from(&s->children, source) >= (size_t)config->max_per_source)
		refuse(fd, line, client, "max-per-source");
	else if (s->penalty != NULL && penalty_due(s->penalty, source, conn_now()))
		refuse(fd, s->server->penalty, client, "failed-logins");
	else if (children_reserve(&s->children) < 0)
		refuse(fd, line, client, "memory");
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
	switch (errno) {
	case EAGAIN:
	case EINTR:
	/* The connection was gone before we came, and this is what became of it. */
	case ECONNABORTED:
	case EPROTO:
	case ENOPROTOOPT:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case EPERM:
		break;
	case EMFILE:
	case ENFILE:
		shed(s, s->listeners[i]);
		break;
	default:
		s->paused = true;
	}
}

/* Past the cap a source loses those sessions, too, in which it has guessed before. Without memory for it nobody is turned away. */
static void
take_denied(struct state *s, pid_t pid)
{
	struct child *child = children_find(&s->children, pid);

	if (s->penalty == NULL)
		s->penalty = calloc(1, sizeof *s->penalty);
	if (s->penalty == NULL || child == NULL)
		return;
	child->denied = true;
	penalty_add(s->penalty, child->source, conn_now());
	if (penalty_due(s->penalty, child->source, conn_now()))
		children_end_denied(&s->children, child->source);
}

/* What is in the pipe; each write to it was a whole one. */
static void
read_denied(struct state *s)
{
	pid_t pids[64];
	ssize_t n;

	while ((n = read(s->denied[0], pids, sizeof pids)) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof *pids; i++)
			take_denied(s, pids[i]);
}

static void
reap(struct state *s)
{
	pid_t pid;
	int status;

	server_signals.child = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		read_denied(s);
		children_remove(&s->children, pid);
		s->companion = pid == s->companion ? 0 : s->companion;
		if (WIFSIGNALED(status)) {
			log_begin_error("crashed");
			log_number("child", pid);
			log_number("signal", WTERMSIG(status));
			log_end();
		}
	}
}

/* Sleep until something happens. The first OWN of fds are our pipes. */
static int
wait_for(struct state *s, struct pollfd *fds, nfds_t n, int timeout)
{
	fds[0] = (struct pollfd){ .fd = s->wake[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = s->denied[0], .events = POLLIN };
	int ready = poll(fds, n, timeout);
	if (ready < 0 || fds[0].revents != 0) {
		char bytes[64];
		while (read(s->wake[0], bytes, sizeof bytes) == sizeof bytes)
			;
	}
	if (ready > 0 && fds[1].revents != 0)
		read_denied(s);
	if (server_signals.child)
		reap(s);
	return ready;
}

static void
accept_until_stopped(struct state *s)
{
	struct server *server = s->server;
	struct pollfd fds[OWN + LISTENERS];

	for (int i = 0; i < s->n; i++)
		fds[OWN + i] = (struct pollfd){ .fd = s->listeners[i], .events = POLLIN };
	while (!server_signals.stop) {
		bool paused = s->paused;
		s->paused = false;
		int due = keep_companion(s);
		int ready = wait_for(s, fds, paused ? OWN : OWN + (nfds_t)s->n, paused ? PAUSE : due);
		if (s->spare < 0)
			open_spare(s);
		if (server_signals.hup) {
			server_signals.hup = 0;
			if (server->reload != NULL && server->reload(server->context) == 0) {
				log_begin("reloaded");
				log_end();
			}
			if (s->companion > 0)
				kill(s->companion, SIGHUP);
		}
		for (int i = 0; i < s->n && ready > 0 && !paused && !s->paused && !server_signals.stop; i++)
			if (fds[OWN + i].revents != 0)
				accept_one(s, i);
	}
}

static void
end_children(struct state *s)
{
	int64_t deadline = conn_now() + (int64_t)(SERVER_GRACE + LAST_WAIT) * 1000, left;
	struct pollfd own[OWN];

	log_begin("stopping");
	log_number("sessions", (long long)s->children.n);
	log_end();
	ssize_t n = write(s->stop[1], "", 1);
	(void)n;
	while ((s->children.n > 0 || s->companion > 0) && (left = deadline - conn_now()) > 0)
		wait_for(s, own, OWN, (int)left);
	children_kill(&s->children, SIGKILL);
	if (s->companion > 0)
		kill(s->companion, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

int
server_run(struct server *server)
{
	struct state s = {
		.server = server, .wake = { -1, -1 }, .denied = { -1, -1 }, .stop = { -1, -1 }, .spare = -1
	};

	int status = prepare(&s);
	if (status == EXITS_DONE)
		accept_until_stopped(&s);
	close_listeners(&s);
	if (status == EXITS_DONE)
		end_children(&s);
	free(s.children.list);
	free(s.penalty);
	for (int i = 0; i < 2; i++) {
		close(s.wake[i]);
		close(s.denied[i]);
		close(s.stop[i]);
	}
	close(s.spare);
	return status;
}
