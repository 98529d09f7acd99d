#include "toy_session.h"

START_TEST(a_batch_costs_one_write)
{
	enum { MANY = 8000 };
	static char batch[MANY * 7 + 1], replies[MANY * 3 + 1];

	for (int i = 0; i < MANY; i++) {
		memcpy(batch + i * 7, "echo x\n", 8);
		memcpy(replies + i * 3, "x\r\n", 4);
	}
	greeted(20);
	say(batch);
	expect(replies);
	say("echo a\necho b\nquit\necho c\n");
	expect("a\r\nb\r\nbye\r\n");
	expect_end(SERVE_CLOSED);
}
END_TEST

START_TEST(a_command_may_come_byte_by_byte)
{
	const char *command = "echo ab\r\n";

	greeted(20);
	for (size_t i = 0; command[i] != '\0'; i++)
		ck_assert_int_eq(send(peer, command + i, 1, 0), 1);
	expect("ab\r\n");
	shutdown(peer, SHUT_WR);
	expect_end(SERVE_EOF);
}
END_TEST

START_TEST(long_replies_go_out_in_pieces)
{
	size_t sum = 0, last = 0;
	int writes = 0;

	greeted(20);
	say("echo a\nmore 1000\necho b\n");
	while (sum < 3 + 1000000 + 3) {
		struct span part = receive();
		ck_assert_uint_gt(part.n, 0);
		ck_assert_uint_le(part.n, OUTPUT_CHUNK + 33000);
		sum += last = part.n;
		writes++;
	}
	ck_assert_uint_eq(sum, 3 + 1000000 + 3);
	ck_assert_int_le(writes, 1000000 / OUTPUT_CHUNK + 1);
	expect_span((struct span){ packet + last - 3, 3 }, "b\r\n");
	say("quit\n");
	expect("bye\r\n");
	expect_end(SERVE_CLOSED);
}
END_TEST

START_TEST(short_long_replies_share_a_write)
{
	greeted(20);
	say("more 1\nmore 2\nmore 3\n");
	ck_assert_uint_eq(receive().n, 6000);
	shutdown(peer, SHUT_WR);
	expect_end(SERVE_EOF);
}
END_TEST

START_TEST(who_speaks_before_the_greeting_is_out_of_turn)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	ck_assert_int_eq(send(ends[0], "quit\n", 5, 0), 5);
	start_on(ends[0], ends[1], 20);
	expect("early\r\n");
	expect_end(SERVE_EARLY);
}
END_TEST

START_TEST(who_sends_more_behind_a_turn_is_out_of_turn)
{
	greeted(20);
	say("echo a\ndata\nx");
	expect("a\r\nearly\r\n");
	expect_end(SERVE_EARLY);
}
END_TEST

START_TEST(more_that_is_still_in_the_socket_is_out_of_turn)
{
	int ends[2];
	int stopping[2];

	/* The server begins when both packets are there: the second is not yet in its buffer when the first is answered. */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	ck_assert_int_eq(pipe(stopping), 0);
	process = fork();
	if (process == 0) {
		char go;
		close(ends[0]);
		struct conn conn;
		struct toy toy;
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		conn_init(&conn, ends[1], ends[1], -1);
		buf_init(&conn.output, 1000);
		/* As if it were greeted: wait until the peer has said all. */
		if (read(stopping[0], &go, 1) != 1)
			_exit(98);
		toy_greet(&toy, &conn.output);
		buf_clear(&conn.output);
		struct protocol ungreeted = toy_protocol;
		ungreeted.greet = toy_output;
		_exit((int)serve(&conn, &ungreeted, &toy, 20));
	}
	close(ends[1]);
	peer = ends[0];
	stop = stopping[1];
	say("data\n");
	say("x\n");
	ck_assert_int_eq(write(stop, "", 1), 1);
	expect("early\r\n");
	expect_end(SERVE_EARLY);
}
END_TEST

START_TEST(a_turn_that_is_kept_goes_on)
{
	greeted(20);
	say("echo a\ndata\n");
	expect("a\r\ngo\r\n");
	say("x\ny\n");
	say(".\necho b\n");
	expect("got 6\r\nb\r\n");
	shutdown(peer, SHUT_WR);
	expect_end(SERVE_EOF);
}
END_TEST

START_TEST(a_drop_says_nothing_more)
{
	greeted(20);
	say("drop\n");
	expect_end(SERVE_DROPPED);
}
END_TEST

/* A peer that is still sending reads the last reply; a reset would have destroyed it. */
START_TEST(the_last_reply_survives_what_is_unread)
{
	static char much[150000];
	struct sockaddr_storage address;
	char name[NET_ADDRESS], reason[200];
	socklen_t n = sizeof address;
	int fd, listener = net_listen("127.0.0.1:0", name);

	ck_assert_int_ge(listener, 0);
	fd = net_dial(name, "0", 10, reason, sizeof reason);
	ck_assert_int_ge(fd, 0);
	int theirs = accept(listener, (struct sockaddr *)&address, &n);
	close(listener);
	start_on(fd, theirs, 20);
	expect("hello\r\n");
	memset(much, 'x', sizeof much);
	memcpy(much, "quit\n", 5);
	for (size_t at = 0, part; at < sizeof much; at += part) {
		ssize_t sent = send(fd, much + at, sizeof much - at, MSG_NOSIGNAL);
		ck_assert_int_gt(sent, 0);
		part = (size_t)sent;
	}
	shutdown(fd, SHUT_WR);
	int status;
	ck_assert_int_eq(waitpid(process, &status, 0), process);
	ck_assert_int_eq(WEXITSTATUS(status), SERVE_CLOSED);
	ck_assert_int_eq(recv(fd, packet, 5, 0), 5);
	expect_span((struct span){ packet, 5 }, "bye\r\n");
	ck_assert_int_eq(recv(fd, packet, 1, 0), 0);
	close(fd);
	close(stop);
}
END_TEST

START_TEST(a_reset_is_an_error)
{
	struct sockaddr_storage address;
	char name[NET_ADDRESS], reason[200];
	socklen_t n = sizeof address;
	int fd, status, listener = net_listen("127.0.0.1:0", name);
	struct linger now = { 1, 0 };

	ck_assert_int_ge(listener, 0);
	fd = net_dial(name, "0", 10, reason, sizeof reason);
	ck_assert_int_ge(fd, 0);
	int theirs = accept(listener, (struct sockaddr *)&address, &n);
	start_on(fd, theirs, 20);
	expect("hello\r\n");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
	ck_assert_int_eq(waitpid(process, &status, 0), process);
	ck_assert_int_eq(WEXITSTATUS(status), SERVE_ERROR);
	close(stop);
	close(listener);
}
END_TEST

START_TEST(pipes_serve_as_well)
{
	int in[2], out[2], status;
	size_t sum = 0;
	ssize_t n;

	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	process = fork();
	if (process == 0) {
		close(in[1]);
		close(out[0]);
		serve_on(in[0], out[1], -1, 20);
	}
	close(in[0]);
	close(out[1]);
	ck_assert_int_eq(read(out[0], packet, 7), 7);
	ck_assert_int_eq(write(in[1], "more 300\nquit\n", 14), 14);
	while ((n = read(out[0], packet, sizeof packet)) > 0)
		sum += (size_t)n;
	ck_assert_uint_eq(sum, 300000 + 5);
	ck_assert_int_eq(waitpid(process, &status, 0), process);
	ck_assert_int_eq(WEXITSTATUS(status), SERVE_CLOSED);
	close(in[1]);
	close(out[0]);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, a_batch_costs_one_write);
	tcase_add_test(t, a_command_may_come_byte_by_byte);
	tcase_add_test(t, long_replies_go_out_in_pieces);
	tcase_add_test(t, short_long_replies_share_a_write);
	tcase_add_test(t, who_speaks_before_the_greeting_is_out_of_turn);
	tcase_add_test(t, who_sends_more_behind_a_turn_is_out_of_turn);
	tcase_add_test(t, more_that_is_still_in_the_socket_is_out_of_turn);
	tcase_add_test(t, a_turn_that_is_kept_goes_on);
	tcase_add_test(t, a_drop_says_nothing_more);
	tcase_add_test(t, the_last_reply_survives_what_is_unread);
	tcase_add_test(t, a_reset_is_an_error);
	tcase_add_test(t, pipes_serve_as_well);
}

int
main(void)
{
	return run_suite("serve", add);
}
