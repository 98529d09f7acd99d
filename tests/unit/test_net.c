#include "unit.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>

#include "conn.h"
#include "net.h"

static struct peer
peer_of(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(4711) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(4711) };
	struct peer peer;

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		net_peer(&peer, (struct sockaddr *)&v4, sizeof v4);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
		net_peer(&peer, (struct sockaddr *)&v6, sizeof v6);
	}
	return peer;
}

START_TEST(addresses_are_written_as_numbers)
{
	const char *const cases[][3] = { { "127.0.0.1", "127.0.0.1", "[127.0.0.1]" },
		{ "::1", "::1", "[IPv6:::1]" }, { "::ffff:192.0.2.1", "192.0.2.1", "[192.0.2.1]" },
		{ "2001:db8:0:0:0:0:0:1", "2001:db8::1", "[IPv6:2001:db8::1]" },
		{ "1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444:5555:6666:7777:8888",
		    "[IPv6:1111:2222:3333:4444:5555:6666:7777:8888]" } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct peer peer = peer_of(cases[i][0]);
		char literal[NET_ADDRESS];
		ck_assert_str_eq(peer.text, cases[i][1]);
		ck_assert_int_eq(peer.port, 4711);
		net_literal(&peer, literal);
		ck_assert_str_eq(literal, cases[i][2]);
	}
}
END_TEST

START_TEST(a_pipe_is_local)
{
	int ends[2];
	struct peer peer;
	char literal[NET_ADDRESS];

	ck_assert_int_eq(pipe(ends), 0);
	net_peer_of(ends[0], &peer);
	ck_assert_str_eq(peer.text, "local");
	ck_assert_int_eq(peer.address.ss_family, AF_UNSPEC);
	ck_assert(net_is_loopback(&peer));
	ck_assert(!net_contains(span_of("0.0.0.0/0"), &peer));
	net_literal(&peer, literal);
	ck_assert_str_eq(literal, "localhost");
	close(ends[0]);
	close(ends[1]);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	net_peer_of(ends[0], &peer);
	ck_assert_str_eq(peer.text, "local");
	net_here(ends[0], &peer);
	ck_assert_str_eq(peer.text, "local");
	close(ends[0]);
	close(ends[1]);
}
END_TEST

static bool
contains(const char *network, const char *address)
{
	struct peer peer = peer_of(address);
	struct span span = guarded_span(span_of(network));

	return net_contains(span, &peer);
}

START_TEST(networks_contain)
{
	ck_assert(contains("127.0.0.0/8", "127.255.3.4"));
	ck_assert(!contains("127.0.0.0/8", "128.0.0.1"));
	ck_assert(contains("192.0.2.1", "192.0.2.1"));
	ck_assert(!contains("192.0.2.1", "192.0.2.2"));
	ck_assert(contains("192.0.2.99/25", "192.0.2.1"));
	ck_assert(!contains("192.0.2.0/25", "192.0.2.128"));
	ck_assert(contains("192.0.2.0/31", "192.0.2.1"));
	ck_assert(!contains("192.0.2.0/32", "192.0.2.1"));
	ck_assert(contains("0.0.0.0/0", "255.1.2.3"));
	ck_assert(!contains("0.0.0.0/0", "::2"));
	ck_assert(contains("::/0", "2001:db8::1"));
	ck_assert(contains("2001:db8::/33", "2001:db8:7fff::"));
	ck_assert(!contains("2001:db8::/33", "2001:db8:8000::"));
	ck_assert(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
	ck_assert(!contains("::/0", "::ffff:10.1.2.3"));
}
END_TEST

START_TEST(malformed_networks_contain_nothing)
{
	const char *const bad[] = { "", "/", "/0", "0.0.0.0/", "0.0.0.0/33", "0.0.0.0/-1", "0.0.0.0/ 0",
		"0.0.0.0/0/0", "0.0.0.0/0x0", "0/0", "0.0.0/0", "*", "::/129", ":/0",
		"0000000000000000000000000000000000000000000000000000000000000000000000000000000.0.0.0/0" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_msg(!contains(bad[i], "0.0.0.0"), "%s", bad[i]);
		ck_assert_msg(!contains(bad[i], "::"), "%s", bad[i]);
	}
	struct peer peer = peer_of("127.0.0.1");
	ck_assert(!net_contains((struct span){ "127.0.0.1\0", 10 }, &peer));
}
END_TEST

START_TEST(knows_loopback)
{
	const char *const near[] = { "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1" };
	const char *const far[] = { "126.0.0.1", "::2", "::", "0.0.0.0", "::ffff:10.0.0.1" };

	for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
		struct peer peer = peer_of(near[i]);
		ck_assert(net_is_loopback(&peer));
	}
	for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
		struct peer peer = peer_of(far[i]);
		ck_assert(!net_is_loopback(&peer));
	}
}
END_TEST

START_TEST(a_source_is_an_address_or_a_customers_network)
{
	struct peer a = peer_of("192.0.2.1"), b = peer_of("192.0.2.2"), mapped = peer_of("::ffff:192.0.2.1");
	struct peer c = peer_of("2001:db8:1:2::1"), d = peer_of("2001:db8:1:2:3::1"),
		    e = peer_of("2001:db8:1:3::1");

	ck_assert(net_source(&a) != net_source(&b));
	ck_assert(net_source(&a) == net_source(&mapped));
	ck_assert(net_source(&c) == net_source(&d));
	ck_assert(net_source(&c) != net_source(&e));
}
END_TEST

START_TEST(parses_addresses)
{
	const char *const good[] = { "127.0.0.1:25", "0.0.0.0:0", "[::1]:65535", "[2001:db8::1]:25" };
	const char *const bad[] = { "", ":", ":25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
		"127.0.0.1:-1", "127.0.0.1:25 ", " 127.0.0.1:25", "127.1:25", "localhost:25", "::1:25",
		"[::1]", "[::1]25", "[::1:25", "::1]:25", "[]:25", "[127.0.0.1]:25", "[::1%lo]:25", "*:25",
		"127.0.0.1:0x19",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee]:25" };
	struct sockaddr_storage address;
	socklen_t n;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		ck_assert_msg(net_parse(good[i], &address, &n) == 0, "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		size_t size = strlen(bad[i]) + 1;
		ck_assert_msg(net_parse(guarded(bad[i], size), &address, &n) == -1, "%s", bad[i]);
	}
	ck_assert_int_eq(net_parse("10.1.2.3:4711", &address, &n), 0);
	struct peer peer;
	net_peer(&peer, (struct sockaddr *)&address, n);
	ck_assert_str_eq(peer.text, "10.1.2.3");
	ck_assert_int_eq(peer.port, 4711);
}
END_TEST

static void
listens_and_dials(const char *address, const char *text)
{
	char name[NET_ADDRESS], reason[200];
	struct sockaddr_storage from;
	socklen_t n = sizeof from;
	struct peer peer, here;
	int fd, listener = net_listen(address, name);

	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(strncmp(name, address, strlen(address) - 1), 0);
	ck_assert_str_ne(name, address);
	ck_assert_int_ne(fcntl(listener, F_GETFD) & FD_CLOEXEC, 0);
	fd = net_dial(name, "1", 10, reason, sizeof reason);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	int other = accept(listener, (struct sockaddr *)&from, &n);
	net_peer_of(other, &peer);
	ck_assert_str_eq(peer.text, text);
	net_here(fd, &here);
	ck_assert_int_eq(peer.port, here.port);
	net_peer_of(fd, &peer);
	net_here(other, &here);
	ck_assert_int_eq(peer.port, here.port);
	close(fd);
	close(other);
	close(listener);
}

START_TEST(listens_and_dials_both_families)
{
	listens_and_dials("127.0.0.1:0", "127.0.0.1");
	listens_and_dials("[::1]:0", "::1");
}
END_TEST

START_TEST(both_families_share_a_port)
{
	char name[NET_ADDRESS], other[NET_ADDRESS], v6[NET_ADDRESS];
	int first = net_listen("0.0.0.0:0", name);

	ck_assert_int_ge(first, 0);
	snprintf(v6, sizeof v6, "[::]%s", strchr(name, ':'));
	int second = net_listen(v6, other);
	ck_assert_int_ge(second, 0);
	ck_assert_str_eq(v6, other);
	close(first);
	close(second);
}
END_TEST

START_TEST(listening_fails_with_errno)
{
	char name[NET_ADDRESS], other[NET_ADDRESS];

	ck_assert_int_eq(net_listen("nonsense", name), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(net_listen("192.0.2.1:0", name), -1);
	ck_assert_int_eq(errno, EADDRNOTAVAIL);
	int fd = net_listen("127.0.0.1:0", name);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(net_listen(name, other), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	close(fd);
}
END_TEST

START_TEST(dialling_takes_many_forms)
{
	char name[NET_ADDRESS], reason[200], server[80];
	int fd, listener = net_listen("127.0.0.1:0", name);
	const char *port = strrchr(name, ':') + 1;

	ck_assert_int_ge(listener, 0);
	fd = net_dial("127.0.0.1", port, 10, reason, sizeof reason);
	ck_assert_int_ge(fd, 0);
	close(fd);
	snprintf(server, sizeof server, "localhost:%s", port);
	fd = net_dial(server, "1", 10, reason, sizeof reason);
	ck_assert_int_ge(fd, 0);
	close(fd);
	close(listener);
	listener = net_listen("[::1]:0", name);
	port = strrchr(name, ':') + 1;
	fd = net_dial("::1", port, 10, reason, sizeof reason);
	ck_assert_int_ge(fd, 0);
	close(fd);
	fd = net_dial("[::1]", port, 10, reason, sizeof reason);
	ck_assert_int_ge(fd, 0);
	close(fd);
	close(listener);
}
END_TEST

START_TEST(dialling_nonsense_says_so)
{
	const char *const bad[] = { "", ":", ":25", "host:", "host:0", "host:65536", "host:smtp", "host:25x",
		"a b:25", "[::1", "[::1]x", "[::1]:", "[]:25", "ho\nst:25", "h\xc3\xb6st:25" };
	char reason[200];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_msg(net_dial(bad[i], "25", 1, reason, sizeof reason) < 0, "%s", bad[i]);
		ck_assert_str_eq(reason, "not a server's name, HOST or HOST:PORT");
	}
}
END_TEST

START_TEST(an_unreachable_server_is_named)
{
	char name[NET_ADDRESS], reason[200], expected[200];
	int listener = net_listen("127.0.0.1:0", name);

	close(listener);
	ck_assert_int_lt(net_dial(name, "25", 5, reason, sizeof reason), 0);
	snprintf(expected, sizeof expected, "cannot reach 127.0.0.1 (127.0.0.1) port %s: %s",
	    strchr(name, ':') + 1, strerror(ECONNREFUSED));
	ck_assert_str_eq(reason, expected);
}
END_TEST

/* A listener whose queue is full answers nothing at all. */
START_TEST(a_silent_server_costs_its_time)
{
	char reason[200], name[NET_ADDRESS];
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof any;
	int fds[8], listener = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&any, n), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&any, &n), 0);
	for (int i = 0; i < 8; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
		connect(fds[i], (struct sockaddr *)&any, n);
	}
	snprintf(name, sizeof name, "127.0.0.1:%u", (unsigned)ntohs(any.sin_port));
	int64_t before = conn_now();
	ck_assert_int_lt(net_dial(name, "25", 1, reason, sizeof reason), 0);
	ck_assert_int_ge(conn_now() - before, 1000);
	ck_assert_int_lt(conn_now() - before, 3000);
	ck_assert_ptr_nonnull(strstr(reason, strerror(ETIMEDOUT)));
	for (int i = 0; i < 8; i++)
		close(fds[i]);
	close(listener);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, addresses_are_written_as_numbers);
	tcase_add_test(t, a_pipe_is_local);
	tcase_add_test(t, networks_contain);
	tcase_add_test(t, malformed_networks_contain_nothing);
	tcase_add_test(t, knows_loopback);
	tcase_add_test(t, a_source_is_an_address_or_a_customers_network);
	tcase_add_test(t, parses_addresses);
	tcase_add_test(t, listens_and_dials_both_families);
	tcase_add_test(t, both_families_share_a_port);
	tcase_add_test(t, listening_fails_with_errno);
	tcase_add_test(t, dialling_takes_many_forms);
	tcase_add_test(t, dialling_nonsense_says_so);
	tcase_add_test(t, an_unreachable_server_is_named);
	tcase_add_test(t, a_silent_server_costs_its_time);
}

int
main(void)
{
	return run_suite("net", add);
}
