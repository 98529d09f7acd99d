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

/*
 * A toy server in a process of its own, its log in a pipe that the tests read.
 */

static struct config config;
static int log_fd;
static pid_t server_pid;
static char logged[65536];
static size_t logged_n;
static char address[NET_ADDRESS];

static int
serve_toy(struct conn *conn, const struct session_info *info, void *context)
{
	struct toy toy;

	(void)context;
	(void)info;
	serve(conn, &toy_protocol, &toy, 20);
	line_free(&toy.line);
	return 0;
}

static int
reload(void *context)
{
	(void)context;
	config.max_sessions = 1;
	return 0;
}

/* Wait until the log has the text behind `from`; the place behind it. */
static size_t
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
static void
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
static void
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
		int next = open("/dev/null", O_RDONLY);
		close(next);
		/* A listener, two pipes, the spare. */
		struct rlimit limit = { (rlim_t)next + 6, (rlim_t)next + 6 };
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	_exit(server_run(&server));
}

static void
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

static void
start(void)
{
	start_with(false);
}

static void
begin(void)
{
	ck_assert_int_eq(config_init(&config, "/nonexistent"), 0);
	logged_n = 0;
}

/* It must end by itself, with 0. */
static void
expect_end(void)
{
	int status;

	ck_assert_int_eq(waitpid(server_pid, &status, 0), server_pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	server_pid = 0;
}

static void
end(void)
{
	if (server_pid > 0) {
		kill(server_pid, SIGTERM);
		expect_end();
	}
	close(log_fd);
	config_free(&config);
}

static int
dial_to(const char *where)
{
	char reason[200];
	int fd;

	if (net_dial(where, "0", 10, &fd, reason, sizeof reason) != NET_OK)
		ck_abort_msg("%s", reason);
	return fd;
}

/* Read until the text has come whole, and nothing behind it. */
static void
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

static void
expect_eof(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char c;

	ck_assert_int_eq(poll(&wait, 1, 10000), 1);
	ck_assert_int_le(read(fd, &c, 1), 0);
	close(fd);
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static int
dial(void)
{
	int fd = dial_to(address);

	expect(fd, "hello\r\n");
	return fd;
}

static void
expect_refused(void)
{
	int fd = dial_to(address);

	expect(fd, "full\r\n");
	expect_eof(fd);
}

START_TEST(serves_and_logs)
{
	start();
	ck_assert_int_eq(strncmp(address, "127.0.0.1:", 10), 0);
	int fd = dial();
	say(fd, "echo a\necho b\nquit\n");
	expect(fd, "a\r\nb\r\nbye\r\n");
	expect_eof(fd);
	size_t at = await_log("connect client=127.0.0.1 session=", 0);
	ck_assert_uint_eq(strcspn(logged + at, " \n"), 26);
	at = await_log("disconnect client=127.0.0.1 session=", at);
	await_log("reason=closed received=19 sent=18\n", at);
}
END_TEST

START_TEST(listens_on_all_addresses)
{
	char reason[CONFIG_REASON];

	ck_assert_int_eq(config_option(&config, "listen=127.0.0.1:0 127.0.0.1:0 [::1]:0", reason), 0);
	start();
	size_t at = await_log("listening on 127.0.0.1:", await_log("listening on 127.0.0.1:", 0));
	at = await_log("listening on [::1]:", at);
	await_log("\n", at);
	char v6[NET_ADDRESS];
	snprintf(v6, sizeof v6, "[::1]:%.*s", (int)strcspn(logged + at, "\n"), logged + at);
	int first = dial_to(address), second = dial_to(v6);
	expect(first, "hello\r\n");
	expect(second, "hello\r\n");
	await_log("client=::1 ", 0);
	close(first);
	close(second);
}
END_TEST

START_TEST(says_where_it_listens_even_with_syslog)
{
	config.log_syslog = true;
	start();
	int fd = dial();
	ck_assert_int_eq(strncmp(logged, "toyd: listening on 127.0.0.1:", 29), 0);
	close(fd);
}
END_TEST

START_TEST(refuses_past_max_sessions)
{
	config.max_sessions = 2;
	start();
	int first = dial(), second = dial();
	expect_refused();
	await_log("refused reason=max-sessions client=127.0.0.1\n", 0);
	say(first, "quit\n");
	expect(first, "bye\r\n");
	expect_eof(first);
	/* The place is free once the child was reaped, a moment after the connection closed. */
	for (int fd = -1, tries = 0; fd < 0; tries++) {
		char word[8] = "";
		fd = dial_to(address);
		ck_assert_int_gt(read(fd, word, 5), 0);
		if (strcmp(word, "hello") == 0)
			break;
		ck_assert_str_eq(word, "full\r");
		ck_assert_int_lt(tries, 1000);
		close(fd);
		fd = -1;
	}
	close(second);
}
END_TEST

START_TEST(refuses_past_max_per_source)
{
	config.max_per_source = 1;
	char reason[CONFIG_REASON];

	ck_assert_int_eq(config_option(&config, "listen=127.0.0.1:0 [::1]:0", reason), 0);
	start();
	int first = dial();
	expect_refused();
	await_log("refused reason=max-per-source client=127.0.0.1\n", 0);
	size_t at = await_log("listening on [::1]:", 0);
	char v6[NET_ADDRESS];
	snprintf(v6, sizeof v6, "[::1]:%.*s", (int)strcspn(logged + at, "\n"), logged + at);
	int second = dial_to(v6);
	expect(second, "hello\r\n");
	close(first);
	close(second);
}
END_TEST

START_TEST(survives_without_descriptors)
{
	start_with(true);
	expect_refused();
	expect_refused();
	await_log("refused reason=descriptors client=127.0.0.1\n", 0);
}
END_TEST

START_TEST(an_idle_session_ends_at_sigterm)
{
	start();
	int first = dial(), second = dial();
	say(second, "echo half");
	kill(server_pid, SIGTERM);
	expect(first, "stop\r\n");
	expect_eof(first);
	expect(second, "stop\r\n");
	expect_eof(second);
	await_log("reason=stopped", await_log("stopping sessions=2", 0));
	expect_end();
}
END_TEST

START_TEST(a_transfer_outlives_sigterm)
{
	start();
	int fd = dial();
	say(fd, "data\n");
	expect(fd, "go\r\n");
	say(fd, "some");
	kill(server_pid, SIGTERM);
	await_log("stopping sessions=1", 0);
	say(fd, " more\n");
	say(fd, ".\n");
	expect(fd, "got 12\r\nstop\r\n");
	expect_eof(fd);
	expect_end();
}
END_TEST

START_TEST(sigint_of_the_whole_group_is_the_same)
{
	start();
	int fd = dial();
	/* Both the parent and the child get it, as from a terminal. */
	size_t at = await_log("toyd[", await_log("\n", await_log("listening", 0)));
	kill((pid_t)atol(logged + at), SIGINT);
	kill(server_pid, SIGINT);
	expect(fd, "stop\r\n");
	expect_eof(fd);
	expect_end();
}
END_TEST

START_TEST(a_child_alone_can_be_stopped)
{
	start();
	int first = dial();
	size_t at = await_log("toyd[", await_log("\n", await_log("listening", 0)));
	int second = dial();
	kill((pid_t)atol(logged + at), SIGTERM);
	expect(first, "stop\r\n");
	expect_eof(first);
	say(second, "echo alive\n");
	expect(second, "alive\r\n");
	close(second);
}
END_TEST

START_TEST(sighup_reloads)
{
	start();
	int first = dial();
	kill(server_pid, SIGHUP);
	await_log("reloaded\n", 0);
	expect_refused();
	say(first, "echo alive\n");
	expect(first, "alive\r\n");
	close(first);
}
END_TEST

START_TEST(a_crash_is_one_sessions_own)
{
	start();
	int first = dial(), second = dial();
	say(first, "crash\n");
	expect_eof(first);
	await_log("crashed child=", 0);
	say(second, "echo alive\n");
	expect(second, "alive\r\n");
	close(second);
}
END_TEST

START_TEST(a_broken_log_is_no_reason_to_end)
{
	start();
	close(log_fd);
	log_fd = open("/dev/null", O_RDONLY);
	int fd = dial();
	say(fd, "quit\n");
	expect(fd, "bye\r\n");
	expect_eof(fd);
}
END_TEST

START_TEST(serves_many)
{
	enum { MANY = 300 };
	int fds[MANY];

	config.max_per_source = MANY;
	start();
	/* The second time only if every child of the first was reaped. */
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			fds[i] = dial_to(address);
			drain_log();
		}
		for (int i = 0; i < MANY; i++) {
			expect(fds[i], "hello\r\n");
			say(fds[i], "quit\n");
			drain_log();
		}
		for (int i = 0; i < MANY; i++) {
			expect(fds[i], "bye\r\n");
			expect_eof(fds[i]);
			drain_log();
		}
	}
}
END_TEST

START_TEST(a_taken_port_is_an_error)
{
	char option[NET_ADDRESS + 8], reason[CONFIG_REASON], name[NET_ADDRESS];
	int status, fd = net_listen("127.0.0.1:0", name);

	ck_assert_int_ge(fd, 0);
	snprintf(option, sizeof option, "listen=%s", name);
	ck_assert_int_eq(config_option(&config, option, reason), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(STDERR_FILENO);
		run(false);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 69);
	close(fd);
	log_fd = -1;
}
END_TEST

static void
serve_inetd(int fd)
{
	struct server server = {
		.program = "toyd", .config = &config, .refusal = "full\r\n", .serve = serve_toy
	};

	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	log_open("toyd", false);
	_exit(server_inetd(&server));
}

START_TEST(inetd_serves_one_and_keeps_its_log_back)
{
	for (int signal = 0; signal < 2; signal++) {
		int ends[2];
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		server_pid = fork();
		if (server_pid == 0) {
			close(ends[0]);
			serve_inetd(ends[1]);
		}
		close(ends[1]);
		expect(ends[0], "hello\r\n");
		if (signal == 1)
			kill(server_pid, SIGTERM);
		else
			say(ends[0], "quit\n");
		expect(ends[0], signal == 1 ? "stop\r\n" : "bye\r\n");
		expect_eof(ends[0]);
		expect_end();
	}
	log_fd = -1;
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, serves_and_logs);
	tcase_add_test(t, listens_on_all_addresses);
	tcase_add_test(t, says_where_it_listens_even_with_syslog);
	tcase_add_test(t, refuses_past_max_sessions);
	tcase_add_test(t, refuses_past_max_per_source);
	tcase_add_test(t, survives_without_descriptors);
	tcase_add_test(t, an_idle_session_ends_at_sigterm);
	tcase_add_test(t, a_transfer_outlives_sigterm);
	tcase_add_test(t, sigint_of_the_whole_group_is_the_same);
	tcase_add_test(t, a_child_alone_can_be_stopped);
	tcase_add_test(t, sighup_reloads);
	tcase_add_test(t, a_crash_is_one_sessions_own);
	tcase_add_test(t, a_broken_log_is_no_reason_to_end);
	tcase_add_test(t, serves_many);
	tcase_add_test(t, a_taken_port_is_an_error);
	tcase_add_test(t, inetd_serves_one_and_keeps_its_log_back);
}

int
main(void)
{
	return run_suite("server", add);
}
