/*
 * toy_server: server_run(), with the toy, in a process of its own; its log is a pipe that the tests read.
 */
#ifndef TOY_SERVER_H
#define TOY_SERVER_H

#include "unit.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "bounds.h"
#include "log.h"
#include "serve.h"
#include "server.h"
#include "toy.h"

static struct config config;
static int log_fd;
static pid_t server_pid;
static char logged[65536];
static size_t logged_n;
static char address[NET_ADDRESS];

static inline void
serve_toy(struct conn *conn, const struct session_info *info, void *context)
{
	struct toy toy;

	(void)context;
	(void)info;
	serve(conn, &toy_protocol, &toy, 20);
	line_free(&toy.line);
}

static inline int
reload(void *context)
{
	(void)context;
	config.max_sessions = 1;
	return 0;
}

/* Wait until the log has the text behind `from`; the place behind it. */
static inline size_t
await_log(const char *text, size_t from)
{
	struct pollfd wait = { .fd = log_fd, .events = POLLIN };

	for (;;) {
		logged[logged_n] = '\0';
		const char *at = strstr(logged + from, text);
		if (at != NULL)
			return (size_t)(at - logged) + strlen(text);
		if (poll(&wait, 1, 10000) != 1)
			ck_abort_msg("no \"%s\" in the log: %s", text, logged + from);
		ssize_t n = read(log_fd, logged + logged_n, sizeof logged - 1 - logged_n);
		if (n <= 0)
			ck_abort_msg("no \"%s\" at the end of the log: %s", text, logged + from);
		logged_n += (size_t)n;
	}
}

/* Take in what is there, so that nobody waits for room in the pipe; forget what was before. */
static inline void
drain_log(void)
{
	struct pollfd wait = { .fd = log_fd, .events = POLLIN };

	logged_n = 0;
	if (poll(&wait, 1, 0) == 1) {
		ssize_t n = read(log_fd, logged, sizeof logged - 1);
		logged_n = n > 0 ? (size_t)n : 0;
	}
	logged[logged_n] = '\0';
	ck_assert_ptr_null(strstr(logged, "refused"));
}

/* scarce: let there be no descriptor for a connection. */
static inline void
run(bool scarce)
{
	struct server server = { .program = "toyd",
		.config = &config,
		.default_port_root = "0",
		.default_port_user = "0",
		.refusal = "full\r\n",
		.serve = serve_toy,
		.reload = reload };

	log_open("toyd", config.log_syslog);
	if (scarce) {
		/* A listener, two pipes, the spare. */
		int needed[6];
		for (int i = 0; i < 6; i++)
			needed[i] = open("/dev/null", O_RDONLY);
		struct rlimit limit = { (rlim_t)needed[5] + 1, (rlim_t)needed[5] + 1 };
		for (int i = 0; i < 6; i++)
			close(needed[i]);
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	_exit(server_run(&server));
}

static inline void
start_with(bool scarce)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	server_pid = fork();
	ck_assert_int_ge(server_pid, 0);
	if (server_pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		run(scarce);
	}
	close(ends[1]);
	log_fd = ends[0];
	size_t at = await_log("listening on ", 0);
	await_log("\n", at);
	snprintf(address, sizeof address, "%.*s", (int)strcspn(logged + at, "\n"), logged + at);
}

static inline void
start(void)
{
	start_with(false);
}

static inline void
begin(void)
{
	config_init(&config, "/nonexistent");
	logged_n = 0;
}

/* It must end by itself, with 0. */
static inline void
expect_end(void)
{
	int status;

	ck_assert_int_eq(waitpid(server_pid, &status, 0), server_pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	server_pid = 0;
}

static inline void
end(void)
{
	if (server_pid > 0) {
		kill(server_pid, SIGTERM);
		expect_end();
	}
	close(log_fd);
}

static inline int
dial_to(const char *where)
{
	char reason[200];
	int fd = net_dial(where, "0", 10, reason, sizeof reason);

	if (fd < 0)
		ck_abort_msg("%s", reason);
	return fd;
}

/* Read until the text has come whole, and nothing behind it. */
static inline void
expect(int fd, const char *text)
{
	char got[4096];
	size_t n = 0, want = strlen(text);

	while (n < want) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		ck_assert_int_eq(poll(&wait, 1, 10000), 1);
		ssize_t part = read(fd, got + n, want - n);
		if (part <= 0)
			ck_abort_msg("\"%.*s\", then the end, instead of \"%s\"", (int)n, got, text);
		n += (size_t)part;
	}
	expect_span((struct span){ got, n }, text);
}

static inline void
expect_eof(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char c;

	ck_assert_int_eq(poll(&wait, 1, 10000), 1);
	ck_assert_int_le(read(fd, &c, 1), 0);
	close(fd);
}

static inline void
say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static inline int
dial(void)
{
	int fd = dial_to(address);

	expect(fd, "hello\r\n");
	return fd;
}

static inline void
expect_refused(void)
{
	int fd = dial_to(address);

	expect(fd, "full\r\n");
	expect_eof(fd);
}

#endif
