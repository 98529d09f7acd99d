#include "session_process.h"

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
#include "server_signals.h"
#include "unique.h"

int
session_process(
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
		log_begin_error("connect");
		log_errno(errno);
		log_end();
		return -1;
	}
	conn.denied_fd = denied_fd;
	log_begin("connect");
	log_number("port", info.client.port);
	log_end();
	server->serve(&conn, &info, server->context);
	if (conn.linger)
		conn_linger(&conn);
	conn_free(&conn);
	return 0;
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
	server_signals.ready = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (server_signals.ready < 0 || pipe(stop) < 0) {
		log_begin_error("connect");
		log_errno(errno);
		log_end();
		return EXITS_SYSTEM;
	}
	server_signals_take(-1, stop[0]);
	if (server->start != NULL)
		status = server->start(server->context);
	if (status == EXITS_DONE) {
		net_peer_of(STDIN_FILENO, &info.client);
		net_here(STDIN_FILENO, &info.here);
		if (session_process(server, STDIN_FILENO, STDOUT_FILENO, &info, stop[0], -1) < 0)
			status = EXITS_SYSTEM;
	}
	return status;
}
