#include "unit.h"

#include <sys/stat.h>

#include <stdio.h>

#include "routes.h"

static char *root;
static int root_fd;
static struct route route;
static struct buf reason;

static void
setup(void)
{
	root = scratch_dir();
	root_fd = open(root, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(root_fd, 0);
	buf_init(&reason, 1000);
}

static void
teardown(void)
{
	buf_free(&reason);
	close(root_fd);
	ck_assert_int_eq(unlinkat(AT_FDCWD, root, AT_REMOVEDIR), 0);
	free(root);
}

static void
write_as(const char *name, const char *text, mode_t mode)
{
	char path[100];

	snprintf(path, sizeof path, "%s/%s", root, name);
	write_file(path, text, strlen(text));
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void
clear(void)
{
	unlinkat(root_fd, "routes", 0);
	unlinkat(root_fd, "routes.auth", 0);
}

static int
find(const char *domain)
{
	struct kept routes;

	buf_clear(&reason);
	kept_init(&routes, ROUTES_TEXT);
	(void)kept_refresh(&routes, root_fd, "routes");
	int result = routes_find(root_fd, &routes, span_of(domain), &route, &reason);
	kept_free(&routes);
	return result;
}

/* Where the mail for a domain goes: "host port", or "none". */
static void
expect(const char *text, const char *domain, const char *server)
{
	char got[300] = "none", *copy = guarded(text, strlen(text));
	struct span found;
	int line = routes_line((struct span){ copy, strlen(text) }, span_of(domain), &found);

	if (line > 0)
		snprintf(got, sizeof got, "%d %.*s", line, (int)found.n, found.at);
	ck_assert_str_eq(got, server);
	unguard(copy, strlen(text));
}

START_TEST(finds_a_domain)
{
	expect("", "example.org", "none");
	expect("example.org mail:1", "example.org", "1 mail:1");
	expect("example.org mail:1", "example.net", "none");
	expect("example.org mail:1", "mail.example.org", "none");
	expect("a.example x\n  Example.ORG.\tmail:1 \r\n", "example.org", "2 mail:1");
	expect("example.org mail:1\n", "EXAMPLE.org.", "1 mail:1");
	expect("example.org a\nexample.org b\n", "example.org", "1 a");
	expect("# example.org a\n\n \nexample.org b # why\n", "example.org", "4 b");
	expect("example.org\n", "example.org", "1 ");
	expect("[127.0.0.1] b\n", "[127.0.0.1]", "1 b");
	expect("b\xc3\xbc.example b\n", "b\xc3\xbc.example", "1 b");
}
END_TEST

START_TEST(finds_a_smarthost)
{
	expect("* smart\nexample.org mail\n", "example.org", "2 mail");
	expect("* smart\nexample.org mail\n", "example.net", "1 smart");
	expect("* smart\n* other\n", "example.net", "1 smart");
	expect("* smart\n", "*", "1 smart");
}
END_TEST

START_TEST(reads_the_file)
{
	ck_assert_int_eq(find("example.org"), 0);
	write_as("routes", "", 0644);
	ck_assert_int_eq(find("example.org"), 0);
	write_as("routes", "example.org mail.example.net\n* [::1]:2525\n", 0644);
	ck_assert_int_eq(find("example.org"), 1);
	ck_assert_str_eq(route.server.host, "mail.example.net");
	ck_assert_str_eq(route.server.port, "25");
	ck_assert(!route.login);
	ck_assert_int_eq(find("example.net"), 1);
	ck_assert_str_eq(route.server.host, "::1");
	ck_assert_str_eq(route.server.port, "2525");
	clear();
}
END_TEST

START_TEST(says_what_is_wrong)
{
	write_as("routes", "example.org mail:99999\nexample.com a b\nexample.net\n", 0644);
	ck_assert_int_eq(find("example.org"), -1);
	ck_assert_str_eq(buf_string(&reason), "routes:1: not a domain and host[:port]");
	ck_assert_int_eq(find("example.com"), -1);
	ck_assert_int_eq(find("example.net"), -1);
	ck_assert_int_eq(find("example"), 0);
	clear();
	ck_assert_int_eq(mkdirat(root_fd, "routes", 0700), 0);
	ck_assert_int_eq(find("example.org"), -1);
	ck_assert_str_eq(buf_string(&reason), "routes cannot be read: Invalid argument");
	ck_assert_int_eq(unlinkat(root_fd, "routes", AT_REMOVEDIR), 0);
}
END_TEST

START_TEST(reads_a_login)
{
	write_as("routes", "* smart.example:587\n", 0644);
	write_as("routes.auth",
	    "# smart.example:587 x y\nsmart.example a b\nSMART.example:0587 anna  apple  pie# \n", 0600);
	ck_assert_int_eq(find("example.org"), 1);
	ck_assert(route.login);
	ck_assert_str_eq(route.user, "anna");
	ck_assert_str_eq(route.password, "apple  pie#");
	write_as("routes.auth", "smart.example a b\n", 0600);
	ck_assert_int_eq(find("example.org"), 1);
	ck_assert(!route.login);
	write_as("routes.auth", "smart.example:587 anna\n", 0600);
	ck_assert_int_eq(find("example.org"), -1);
	ck_assert_str_eq(buf_string(&reason), "routes.auth:1: not a host, a user and a password");
	clear();
}
END_TEST

START_TEST(refuses_a_login_that_others_may_read)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0644 };

	write_as("routes", "* smart.example:587\n", 0644);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		write_as("routes.auth", "smart.example:587 anna secret\n", modes[i]);
		ck_assert_int_eq(find("example.org"), -1);
		ck_assert_str_eq(
		    buf_string(&reason), "routes.auth may be read by others: its mode must be 600");
		ck_assert_str_eq(route.password, "");
	}
	clear();
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, finds_a_domain);
	tcase_add_test(t, finds_a_smarthost);
	tcase_add_test(t, reads_the_file);
	tcase_add_test(t, says_what_is_wrong);
	tcase_add_test(t, reads_a_login);
	tcase_add_test(t, refuses_a_login_that_others_may_read);
}

int
main(void)
{
	return run_suite("smtpd_routes", add);
}
