#include "unit.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "bounds.h"
#include "conn.h"

static struct conn conn;
static int peer;      /* the other end of a socket */
static int in, out;   /* the other ends of pipes */
static int stop;      /* a byte written here stops */
static int stop_read; /* conn's stop_fd */

static void
begin(void)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(ends), 0);
	stop_read = ends[0];
	stop = ends[1];
	conn_stop = 0;
	peer = in = out = -1;
}

static void
end(void)
{
	conn_free(&conn);
	close(peer);
	close(in);
	close(out);
	close(stop);
	close(stop_read);
}

static void
with_socket(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(conn_init(&conn, ends[0], ends[0], stop_read), 0);
	ck_assert(conn.socket);
	peer = ends[1];
}

static void
with_pipes(void)
{
	int first[2], second[2];

	ck_assert_int_eq(pipe(first), 0);
	ck_assert_int_eq(pipe(second), 0);
	ck_assert_int_eq(conn_init(&conn, first[0], second[1], stop_read), 0);
	ck_assert(!conn.socket);
	in = first[1];
	out = second[0];
}

static int64_t
soon(void)
{
	return conn_now() + 10000;
}

static void
feed(const char *text)
{
	int fd = peer >= 0 ? peer : in;

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void
expect_input(const char *text)
{
	expect_span(conn_bytes(&conn), text);
}

static void
reads(void)
{
	feed("abc");
	ck_assert_int_eq(conn_fill(&conn, soon()), CONN_OK);
	expect_input("abc");
	conn_consume(&conn, 1);
	feed("de");
	ck_assert_int_eq(conn_fill(&conn, soon()), CONN_OK);
	expect_input("bcde");
	conn_consume(&conn, 99);
	expect_input("");
	ck_assert_uint_eq(conn.received, 5);
	ck_assert_int_eq(conn_fill(&conn, conn_now() + 20), CONN_TIMEOUT);
	close(peer >= 0 ? peer : in);
	peer = in = -1;
	ck_assert_int_eq(conn_fill(&conn, -1), CONN_EOF);
	ck_assert_int_eq(conn_fill(&conn, -1), CONN_EOF);
}

START_TEST(reads_a_socket)
{
	with_socket();
	reads();
}
END_TEST

START_TEST(reads_a_pipe)
{
	with_pipes();
	reads();
}
END_TEST

START_TEST(input_is_bounded)
{
	static char much[CONN_INPUT];

	memset(much, 'x', sizeof much);
	much[sizeof much - 1] = 'y';
	with_socket();
	for (size_t sent = 0; sent < sizeof much; sent = conn.received) {
		ck_assert_int_gt(send(peer, much + sent, sizeof much - sent, MSG_DONTWAIT), 0);
		ck_assert_int_eq(conn_fill(&conn, soon()), CONN_OK);
	}
	feed("more");
	ck_assert_int_eq(conn_fill(&conn, soon()), CONN_ERROR);
	ck_assert_int_eq(errno, ENOBUFS);
	conn_consume(&conn, sizeof much - 2);
	expect_input("xy");
	ck_assert_int_eq(conn_fill(&conn, soon()), CONN_OK);
	expect_input("xymore");
}
END_TEST

START_TEST(a_deadline_that_is_past_is_past)
{
	with_socket();
	feed("abc");
	ck_assert_int_eq(conn_fill(&conn, conn_now() - 1), CONN_TIMEOUT);
	ck_assert_int_eq(conn_pause(&conn, conn_now() - 1), CONN_TIMEOUT);
	int64_t before = conn_now();
	ck_assert_int_eq(conn_pause(&conn, before + 50), CONN_TIMEOUT);
	ck_assert_int_ge(conn_now(), before + 50);
}
END_TEST

static void
sees_what_is_pending(void)
{
	ck_assert(!conn_pending(&conn));
	feed("a");
	ck_assert(conn_pending(&conn));
	expect_input("a");
	ck_assert(conn_pending(&conn));
	conn_consume(&conn, 1);
	ck_assert(!conn_pending(&conn));
	close(peer >= 0 ? peer : in);
	peer = in = -1;
	ck_assert(!conn_pending(&conn));
}

START_TEST(the_end_is_not_pending_input)
{
	with_socket();
	sees_what_is_pending();
	conn_free(&conn);
	with_pipes();
	sees_what_is_pending();
}
END_TEST

START_TEST(a_stop_is_said_once)
{
	with_socket();
	ck_assert(!conn_stopping(&conn));
	feed("a");
	ck_assert_int_eq(write(stop, "", 1), 1);
	ck_assert(conn_stopping(&conn));
	ck_assert_int_eq(conn_fill(&conn, soon()), CONN_STOPPED);
	ck_assert_int_eq(conn_fill(&conn, soon()), CONN_OK);
	ck_assert_int_eq(conn_fill(&conn, conn_now() + 20), CONN_TIMEOUT);
	ck_assert_int_eq(conn_pause(&conn, conn_now() + 20), CONN_TIMEOUT);
	ck_assert(conn_stopping(&conn));
}
END_TEST

START_TEST(the_end_of_the_parent_is_a_stop)
{
	with_pipes();
	close(stop);
	stop = -1;
	ck_assert_int_eq(conn_pause(&conn, soon()), CONN_STOPPED);
}
END_TEST

static void
on_signal(int signal)
{
	conn_stop = signal == SIGUSR2;
}

/* A process that sends us this signal every 20 ms. */
static pid_t
disturb(int signal)
{
	struct sigaction action = { .sa_handler = on_signal };
	pid_t pid;

	sigaction(signal, &action, NULL);
	pid = fork();
	if (pid == 0) {
		struct timespec wait = { 0, 20000000 };
		for (int i = 0; i < 500; i++) {
			nanosleep(&wait, NULL);
			kill(getppid(), signal);
		}
		_exit(0);
	}
	return pid;
}

static void
leave_in_peace(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(signals_interrupt_no_wait)
{
	with_socket();
	pid_t pid = disturb(SIGUSR1);
	int64_t before = conn_now();
	ck_assert_int_eq(conn_fill(&conn, before + 200), CONN_TIMEOUT);
	ck_assert_int_ge(conn_now(), before + 200);
	ck_assert_int_lt(conn_now(), before + 2000);
	leave_in_peace(pid);
}
END_TEST

START_TEST(a_signal_that_stops_interrupts)
{
	with_socket();
	pid_t pid = disturb(SIGUSR2);
	ck_assert_int_eq(conn_fill(&conn, soon()), CONN_STOPPED);
	leave_in_peace(pid);
}
END_TEST

static void
fill_output(size_t n)
{
	static char block[CONN_OUTPUT];

	memset(block, 'o', sizeof block);
	ck_assert_int_eq(buf_add(&conn.output, block, n), 0);
}

/* A process that takes `part` bytes every 20 ms. */
static pid_t
read_slowly(int fd, size_t part)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct timespec wait = { 0, 20000000 };
		static char block[65536];
		close(conn.out);
		while (read(fd, block, part) > 0)
			nanosleep(&wait, NULL);
		_exit(0);
	}
	return pid;
}

static void
waits_for_no_reader(void)
{
	fill_output(CONN_OUTPUT);
	int64_t before = conn_now();
	ck_assert_int_eq(conn_flush(&conn, 50, -1), CONN_TIMEOUT);
	ck_assert_int_ge(conn_now(), before + 50);
	ck_assert_uint_eq(conn.output.len + conn.sent, CONN_OUTPUT);
	ck_assert_int_eq(conn_flush(&conn, -1, conn_now() + 50), CONN_TIMEOUT);
	ck_assert_int_eq(write(stop, "", 1), 1);
	ck_assert_int_eq(conn_flush(&conn, 50, -1), CONN_TIMEOUT);
	ck_assert_int_lt(conn_now(), before + 3000);
}

START_TEST(a_flush_gives_up)
{
	with_socket();
	waits_for_no_reader();
	conn_free(&conn);
	with_pipes();
	waits_for_no_reader();
}
END_TEST

START_TEST(a_slow_reader_gets_it_all)
{
	with_pipes();
	fill_output(65536 + 80000);
	pid_t pid = read_slowly(out, 4096);
	int64_t before = conn_now();
	ck_assert_int_eq(conn_flush(&conn, 200, -1), CONN_OK);
	/* It took longer than the patience with a wait that gets nothing. */
	ck_assert_int_gt(conn_now() - before, 200);
	ck_assert_uint_eq(conn.sent, 65536 + 80000);
	ck_assert_uint_eq(conn.output.len, 0);
	leave_in_peace(pid);
}
END_TEST

START_TEST(a_deadline_ends_even_progress)
{
	with_pipes();
	fill_output(CONN_OUTPUT);
	pid_t pid = read_slowly(out, 4096);
	int64_t before = conn_now();
	ck_assert_int_eq(conn_flush(&conn, 10000, before + 300), CONN_TIMEOUT);
	ck_assert_int_lt(conn_now() - before, 3000);
	leave_in_peace(pid);
}
END_TEST

START_TEST(a_peer_that_is_gone_is_an_error)
{
	with_socket();
	close(peer);
	fill_output(10);
	ck_assert_int_eq(conn_flush(&conn, 1000, -1), CONN_ERROR);
	ck_assert_int_eq(errno, EPIPE);
	conn_free(&conn);
	with_pipes();
	close(out);
	fill_output(10);
	ck_assert_int_eq(conn_flush(&conn, 1000, -1), CONN_ERROR);
	ck_assert_int_eq(errno, EPIPE);
	peer = out = -1;
}
END_TEST

START_TEST(lingering_ends)
{
	static char much[CONN_LINGER_BYTES];
	int64_t before = conn_now();
	char c;

	/* The peer does not close. */
	with_socket();
	conn_linger(&conn);
	ck_assert_int_ge(conn_now() - before, CONN_LINGER);
	ck_assert_int_lt(conn_now() - before, CONN_LINGER + 2000);
	ck_assert_int_eq(read(peer, &c, 1), 0);

	/* The peer does not stop sending. */
	conn_free(&conn);
	close(peer);
	with_socket();
	pid_t pid = fork();
	if (pid == 0) {
		close(conn.in);
		while (send(peer, much, sizeof much, MSG_NOSIGNAL) > 0)
			;
		_exit(0);
	}
	before = conn_now();
	conn_linger(&conn);
	ck_assert_int_lt(conn_now() - before, CONN_LINGER);
	ck_assert_uint_ge(conn.received, CONN_LINGER_BYTES);
	ck_assert_uint_le(conn.received, CONN_LINGER_BYTES + CONN_INPUT);
	conn_free(&conn);
	waitpid(pid, NULL, 0);
	with_pipes();
	before = conn_now();
	conn_linger(&conn);
	ck_assert_int_lt(conn_now() - before, CONN_LINGER);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, reads_a_socket);
	tcase_add_test(t, reads_a_pipe);
	tcase_add_test(t, input_is_bounded);
	tcase_add_test(t, a_deadline_that_is_past_is_past);
	tcase_add_test(t, the_end_is_not_pending_input);
	tcase_add_test(t, a_stop_is_said_once);
	tcase_add_test(t, the_end_of_the_parent_is_a_stop);
	tcase_add_test(t, signals_interrupt_no_wait);
	tcase_add_test(t, a_signal_that_stops_interrupts);
	tcase_add_test(t, a_flush_gives_up);
	tcase_add_test(t, a_slow_reader_gets_it_all);
	tcase_add_test(t, a_deadline_ends_even_progress);
	tcase_add_test(t, a_peer_that_is_gone_is_an_error);
	tcase_add_test(t, lingering_ends);
}

int
main(void)
{
	return run_suite("conn", add);
}
