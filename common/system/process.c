#include "process.h"

#include <sys/stat.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "exits.h"
#include "log.h"
#include "privilege.h"
#include "unique.h"

struct process_signals process_signals;

static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static pid_t owner; /* whose they are; its children have them by fork(2) */
static int wake_at, stop_at;

static void
on_signal(int signal)
{
	int error = errno;
	bool ends = signal == SIGTERM || signal == SIGINT;

	if (ends)
		process_signals.stop = conn_stop = 1;
	else if (signal == SIGHUP)
		process_signals.hup = 1;
	else
		process_signals.child = 1;
	if (getpid() == owner) {
		/* A pipe that is full wakes us, too. */
		ssize_t n = write(wake_at, &(pid_t){ 0 }, sizeof(pid_t));
		(void)n;
	} else if (ends)
		/* A poll(2) that is about to begin sees it, too. The siblings, who share the pipe, do not. */
		dup2(process_signals.ready, stop_at);
	errno = error;
}

void
process_take_signals(int wake, int stop)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	owner = wake < 0 ? 0 : getpid();
	wake_at = wake;
	stop_at = stop;
	process_signals.stop = process_signals.hup = process_signals.child = 0;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
}

void
process_ignore_signals(void)
{
	struct sigaction action = { .sa_flags = 0 };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++) {
		action.sa_handler = signals[i] == SIGCHLD ? SIG_DFL : SIG_IGN;
		sigaction(signals[i], &action, NULL);
	}
}

int
process_serve(
    const struct server *server, int in, int out, const struct session_info *ends, int stop_fd, int denied_fd)
{
	char id[UNIQUE_ID + 1], pairs[NET_ADDRESS + sizeof id + 32];
	struct session_info info = *ends;
	struct conn conn;
	int on = 1;

	info.id = id;
	setsockopt(in, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(in, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	unique_id(server->config->hostname, id);
	snprintf(pairs, sizeof pairs, "client=%s session=%s", info.client.text, id);
	log_context(pairs);
	if (conn_init(&conn, in, out, stop_fd) < 0) {
		log_failure("connect", NULL, NULL);
		return EXITS_SYSTEM;
	}
	conn.denied_fd = denied_fd;
	log_begin("connect");
	log_number("port", info.client.port);
	log_end();
	server->serve(&conn, &info, server->context);
	if (conn.linger)
		conn_linger(&conn);
	conn_free(&conn);
	return EXITS_DONE;
}

/* inetd gives the socket as standard error, too: our log is not for the peer. */
static void
hide_log_from_peer(void)
{
	struct stat in, error;

	if (fstat(STDIN_FILENO, &in) < 0 || fstat(STDERR_FILENO, &error) < 0 || !S_ISSOCK(in.st_mode) ||
	    in.st_dev != error.st_dev || in.st_ino != error.st_ino)
		return;
	int null = open("/dev/null", O_RDWR);
	if (null >= 0) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
}

int
server_inetd(struct server *server)
{
	char reason[256];
	struct session_info info = { .id = NULL };
	int stop[2];

	hide_log_from_peer();
	int status = privilege_become(server->config->user, reason, sizeof reason);
	if (status != EXITS_DONE) {
		log_begin_error("privilege");
		log_text("reason", reason);
		log_end();
		return status;
	}
	process_signals.ready = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (process_signals.ready < 0 || pipe(stop) < 0) {
		log_failure("connect", NULL, NULL);
		return EXITS_SYSTEM;
	}
	process_take_signals(-1, stop[0]);
	if (server->start != NULL)
		status = server->start(server->context);
	if (status == EXITS_DONE) {
		net_peer_of(STDIN_FILENO, &info.client);
		net_here(STDIN_FILENO, &info.here);
		status = process_serve(server, STDIN_FILENO, STDOUT_FILENO, &info, stop[0], -1);
	}
	return status;
}
