#include "toy_server.h"

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
add(TCase *t)
{
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, serves_and_logs);
	tcase_add_test(t, listens_on_all_addresses);
	tcase_add_test(t, says_where_it_listens_even_with_syslog);
	tcase_add_test(t, refuses_past_max_sessions);
	tcase_add_test(t, refuses_past_max_per_source);
	tcase_add_test(t, survives_without_descriptors);
	tcase_add_test(t, a_broken_log_is_no_reason_to_end);
	tcase_add_test(t, serves_many);
	tcase_add_test(t, a_taken_port_is_an_error);
}

int
main(void)
{
	return run_suite("server", add);
}
