#include "toy_server.h"

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

START_TEST(children_end_with_their_parent)
{
	start();
	int fd = dial();
	kill(server_pid, SIGKILL);
	ck_assert_int_eq(waitpid(server_pid, NULL, 0), server_pid);
	server_pid = 0;
	expect(fd, "stop\r\n");
	expect_eof(fd);
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
	tcase_add_test(t, an_idle_session_ends_at_sigterm);
	tcase_add_test(t, a_transfer_outlives_sigterm);
	tcase_add_test(t, sigint_of_the_whole_group_is_the_same);
	tcase_add_test(t, a_child_alone_can_be_stopped);
	tcase_add_test(t, children_end_with_their_parent);
	tcase_add_test(t, sighup_reloads);
	tcase_add_test(t, a_crash_is_one_sessions_own);
	tcase_add_test(t, inetd_serves_one_and_keeps_its_log_back);
}

int
main(void)
{
	return run_suite("server_signals", add);
}
