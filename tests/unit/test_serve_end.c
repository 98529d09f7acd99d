#include "toy_session.h"

START_TEST(silence_times_out)
{
	int64_t before = conn_now();

	greeted(1);
	expect("timeout\r\n");
	ck_assert_int_ge(conn_now() - before, 1000);
	ck_assert_int_lt(conn_now() - before, 3000);
	expect_end(SERVE_TIMEOUT);
}
END_TEST

/* Say the text every 200 ms until something comes, and return the milliseconds until then. */
static int64_t
trickle(const char *text, int64_t most)
{
	struct pollfd wait = { .fd = peer, .events = POLLIN };
	int64_t before = conn_now();

	while (poll(&wait, 1, 200) == 0 && conn_now() - before < most)
		say(text);
	return conn_now() - before;
}

START_TEST(a_trickle_that_completes_no_command_times_out)
{
	greeted(1);
	ck_assert_int_lt(trickle("x", 5000), 3000);
	expect("timeout\r\n");
	expect_end(SERVE_TIMEOUT);
}
END_TEST

START_TEST(a_fast_endless_line_times_out)
{
	char much[1000];
	int64_t before = conn_now();

	memset(much, 'x', sizeof much);
	greeted(1);
	while (conn_now() - before < 5000 && send(peer, much, sizeof much, MSG_NOSIGNAL) > 0) {
		struct pollfd look = { .fd = peer, .events = POLLIN };
		if (poll(&look, 1, 0) == 1)
			break;
	}
	ck_assert_int_lt(conn_now() - before, 3000);
	expect("timeout\r\n");
	while (receive().n > 0)
		;
	expect_end(SERVE_TIMEOUT);
}
END_TEST

START_TEST(commands_restart_the_time)
{
	greeted(1);
	for (int i = 0; i < 8; i++) {
		struct pollfd wait = { .fd = peer, .events = POLLIN };
		ck_assert_int_eq(poll(&wait, 1, 250), 0);
		say("echo x\n");
		expect("x\r\n");
	}
	shutdown(peer, SHUT_WR);
	expect_end(SERVE_EOF);
}
END_TEST

START_TEST(a_transfer_lasts_while_it_makes_progress)
{
	char kilobyte[SERVE_PROGRESS / 2 + 2];

	memset(kilobyte, 'x', sizeof kilobyte - 1);
	kilobyte[sizeof kilobyte - 1] = '\0';
	greeted(1);
	say("data\n");
	expect("go\r\n");
	ck_assert_int_ge(trickle(kilobyte, 2500), 2500);
	ck_assert_int_lt(trickle("x", 5000), 3000);
	expect("timeout\r\n");
	expect_end(SERVE_TIMEOUT);
}
END_TEST

START_TEST(who_does_not_read_is_left)
{
	int status;

	greeted(1);
	say("more 1000000\n");
	ck_assert_int_eq(waitpid(process, &status, 0), process);
	ck_assert_int_eq(WEXITSTATUS(status), SERVE_TIMEOUT);
	close(peer);
	close(stop);
}
END_TEST

static void
stop_it(void)
{
	ck_assert_int_eq(write(stop, "", 1), 1);
}

START_TEST(a_stop_ends_the_idle)
{
	greeted(20);
	say("echo ha");
	stop_it();
	expect("stop\r\n");
	expect_end(SERVE_STOPPED);
}
END_TEST

START_TEST(a_stop_waits_for_a_transfer)
{
	greeted(20);
	say("data\n");
	expect("go\r\n");
	stop_it();
	say("x\n");
	struct pollfd wait = { .fd = peer, .events = POLLIN };
	ck_assert_int_eq(poll(&wait, 1, 300), 0);
	say("y\n.\necho b\n");
	expect("got 6\r\nb\r\nstop\r\n");
	expect_end(SERVE_STOPPED);
}
END_TEST

START_TEST(a_stop_waits_for_a_long_reply)
{
	size_t sum = 0;

	greeted(20);
	say("more 2000\n");
	sum += receive().n;
	stop_it();
	for (size_t n = 1; n > 0; sum += n)
		n = receive().n;
	ck_assert_uint_eq(sum, 2000000 + 6);
	expect_end(SERVE_STOPPED);
}
END_TEST

START_TEST(a_stop_is_seen_within_a_long_reply)
{
	int status;

	greeted(1);
	say("more 1000000\n");
	receive();
	stop_it();
	for (int i = 0; i < 20; i++)
		receive();
	ck_assert_int_eq(waitpid(process, &status, 0), process);
	ck_assert_int_eq(WEXITSTATUS(status), SERVE_STOPPED);
	close(peer);
	close(stop);
}
END_TEST

START_TEST(a_failed_login_waits)
{
	int64_t before;

	greeted(20);
	before = conn_now();
	say("slow\necho a\n");
	expect("denied\r\n");
	ck_assert_int_ge(conn_now() - before, AUTH_DELAY);
	expect("a\r\n");
	say("quit\n");
	expect("bye\r\n");
	expect_end(SERVE_CLOSED);
}
END_TEST

/* And what was sent behind it counts no more: the server stops those that guess from where too many come. */
START_TEST(a_stop_ends_that_wait_and_the_session)
{
	int64_t before = conn_now();

	greeted(20);
	say("slow\nslow\necho a\n");
	struct pollfd wait = { .fd = peer, .events = POLLIN };
	ck_assert_int_eq(poll(&wait, 1, 300), 0);
	stop_it();
	expect("denied\r\ntoo often\r\n");
	ck_assert_int_lt(conn_now() - before, AUTH_DELAY);
	expect_end(SERVE_DENIED);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, silence_times_out);
	tcase_add_test(t, a_trickle_that_completes_no_command_times_out);
	tcase_add_test(t, a_fast_endless_line_times_out);
	tcase_add_test(t, commands_restart_the_time);
	tcase_add_test(t, a_transfer_lasts_while_it_makes_progress);
	tcase_add_test(t, who_does_not_read_is_left);
	tcase_add_test(t, a_stop_ends_the_idle);
	tcase_add_test(t, a_stop_waits_for_a_transfer);
	tcase_add_test(t, a_stop_waits_for_a_long_reply);
	tcase_add_test(t, a_stop_is_seen_within_a_long_reply);
	tcase_add_test(t, a_failed_login_waits);
	tcase_add_test(t, a_stop_ends_that_wait_and_the_session);
}

int
main(void)
{
	return run_suite("serve_end", add);
}
