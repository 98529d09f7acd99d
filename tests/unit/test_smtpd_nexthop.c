#include "unit.h"

#include <stdio.h>

#include "nexthop.h"

/* The order in which MX are tried. (What the DNS has to say is in tests/relay.) */

static struct config config;
static struct resolve_hosts mx;
static struct server_name hosts[RESOLVE_HOSTS];
static bool loop;

static void
setup(void)
{
	char reason[CONFIG_REASON];

	config_init(&config, "/nonexistent");
	ck_assert_int_eq(config_option(&config, "hostname=self.example", reason), 0);
	ck_assert_int_eq(config_option(&config, "domain=ours.example", reason), 0);
	mx.n = 0;
}

static void
teardown(void)
{
}

static void
add_mx(unsigned preference, const char *host)
{
	mx.list[mx.n].preference = preference;
	snprintf(mx.list[mx.n++].host, sizeof mx.list[0].host, "%s", host);
}

/* The names in order, each with a blank behind it. */
static const char *
order(void)
{
	static char text[4096];
	size_t n = nexthop_order(&mx, &config, hosts, &loop), used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		ck_assert_str_eq(hosts[i].port, "25");
		used += (size_t)snprintf(text + used, sizeof text - used, "%s ", hosts[i].host);
	}
	return text;
}

START_TEST(goes_by_preference)
{
	ck_assert_str_eq(order(), "");
	ck_assert(!loop);
	add_mx(10, "a.example");
	add_mx(20, "b.example");
	add_mx(30, "c.example");
	for (int i = 0; i < 20; i++)
		ck_assert_str_eq(order(), "a.example b.example c.example ");
	ck_assert(!loop);
}
END_TEST

/* Each of three comes first about as often, and those around them keep their places. */
START_TEST(shuffles_equal_ones)
{
	int first[3] = { 0 };

	add_mx(5, "best.example");
	add_mx(10, "0.example");
	add_mx(10, "1.example");
	add_mx(10, "2.example");
	add_mx(20, "worst.example");
	for (int i = 0; i < 3000; i++) {
		order();
		ck_assert_str_eq(hosts[0].host, "best.example");
		ck_assert_str_eq(hosts[4].host, "worst.example");
		ck_assert_str_ne(hosts[1].host, hosts[2].host);
		ck_assert_str_ne(hosts[2].host, hosts[3].host);
		ck_assert_str_ne(hosts[1].host, hosts[3].host);
		first[hosts[1].host[0] - '0']++;
	}
	for (int i = 0; i < 3; i++)
		ck_assert_msg(first[i] > 800 && first[i] < 1200, "%d of 3000", first[i]);
}
END_TEST

START_TEST(stops_before_itself)
{
	add_mx(10, "a.example");
	add_mx(20, "b.example");
	add_mx(20, "SELF.example");
	add_mx(20, "c.example");
	add_mx(30, "d.example");
	for (int i = 0; i < 20; i++)
		ck_assert_str_eq(order(), "a.example ");
	ck_assert(loop);
	mx.n = 0;
	add_mx(10, "ours.example");
	add_mx(10, "a.example");
	ck_assert_str_eq(order(), "");
	ck_assert(loop);
}
END_TEST

START_TEST(leaves_out_what_is_no_host)
{
	add_mx(0, "");
	add_mx(1, "?");
	add_mx(2, "127.0.0.1");
	add_mx(3, "a.example");
	ck_assert_str_eq(order(), "a.example ");
	ck_assert(!loop);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, goes_by_preference);
	tcase_add_test(t, shuffles_equal_ones);
	tcase_add_test(t, stops_before_itself);
	tcase_add_test(t, leaves_out_what_is_no_host);
}

int
main(void)
{
	return run_suite("smtpd_nexthop", add);
}
