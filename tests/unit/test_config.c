#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>

#include "config.h"
#include "net.h"

static struct config config;
static char reason[CONFIG_REASON];
static char *root;

static void
begin(void)
{
	root = scratch_dir();
	config_init(&config, root);
	reason[0] = '\0';
}

static void
end(void)
{
	char path[64];

	snprintf(path, sizeof path, "%s/config", root);
	remove(path);
	ck_assert_int_eq(rmdir(root), 0);
	free(root);
}

static int
read_bytes(const char *bytes, size_t n)
{
	char path[64];

	snprintf(path, sizeof path, "%s/config", root);
	write_file(path, bytes, n);
	return config_read(&config, reason);
}

static int
read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static void
refused(const char *option, const char *why)
{
	ck_assert_int_eq(config_option(&config, option, reason), -1);
	ck_assert_str_eq(reason, why);
}

START_TEST(has_the_defaults_of_the_interface)
{
	char host[256];

	ck_assert_int_eq(gethostname(host, sizeof host), 0);
	ck_assert_str_eq(config.root, root);
	ck_assert_str_eq(config.hostname, host);
	ck_assert_str_eq(config.domain, "");
	ck_assert(config_is_local(&config, span_of(host)) && config_is_local(&config, span_of("localhost")));
	ck_assert_int_eq(config.listens, 0);
	ck_assert_str_eq(config.user, "");
	ck_assert_int_eq(config.cleartext, CLEARTEXT_LOOPBACK);
	ck_assert_str_eq(config.relay_from, "127.0.0.0/8 ::1");
	ck_assert(config.sender_check);
	ck_assert_int_eq(config.message_size, 50 * 1024 * 1024);
	ck_assert_int_eq(config.mailbox_size, 0);
	ck_assert_int_eq(config.recipients, 1000);
	ck_assert_int_eq(config.max_sessions, 1000);
	ck_assert_int_eq(config.max_per_source, 100);
	ck_assert_int_eq(config.timeout, 0);
	ck_assert(!config.log_syslog);
	ck_assert_int_eq(config_read(&config, reason), 0);
}
END_TEST

START_TEST(finds_the_root)
{
	struct config other;

	setenv("MAILBOXES", "/srv/mail", 1);
	config_init(&other, NULL);
	ck_assert_str_eq(other.root, "/srv/mail");
	unsetenv("MAILBOXES");
	config_init(&other, NULL);
	ck_assert_str_eq(other.root, "./mailboxes");
}
END_TEST

START_TEST(reads_the_file)
{
	ck_assert_int_eq(read_text("# a comment\r\n"
				   "\n"
				   "  hostname\tmail.example.org   # here\r\n"
				   "domain Example.org.  example.net\n"
				   "listen 127.0.0.1:2525 [::1]:2525\n"
				   "listen 127.0.0.1:0\n"
				   "listen-submission 127.0.0.1:587\n"
				   "relay-from 10.0.0.0/8  2001:db8::/32\n"
				   "sender-check no\n"
				   "message-size 10m\n"
				   "mailbox-size 2G\n"
				   "timeout 60\n"
				   "timeout 61\n"
				   "auth-cleartext no\n"
				   "user mail\n"
				   "log syslog"),
	    0);
	ck_assert_str_eq(config.hostname, "mail.example.org");
	ck_assert_str_eq(config.domain, "Example.org. example.net");
	ck_assert_int_eq(config.listens, 4);
	ck_assert_str_eq(config.listen[1], "[::1]:2525");
	ck_assert_str_eq(config.listen[2], "127.0.0.1:0");
	ck_assert_str_eq(config.listen[3], "127.0.0.1:587");
	ck_assert_int_eq(config.listener[2], LISTENER_PLAIN);
	ck_assert_int_eq(config.listener[3], LISTENER_SUBMISSION);
	ck_assert_str_eq(config.relay_from, "10.0.0.0/8 2001:db8::/32");
	ck_assert(!config.sender_check);
	ck_assert_int_eq(config.message_size, 10 << 20);
	ck_assert(config.mailbox_size == 2LL << 30);
	ck_assert_int_eq(config.timeout, 61);
	ck_assert_int_eq(config.cleartext, CLEARTEXT_NO);
	ck_assert_str_eq(config.user, "mail");
	ck_assert(config.log_syslog);
}
END_TEST

START_TEST(an_option_counts_more_than_the_file)
{
	ck_assert_int_eq(config_option(&config, "timeout=5", reason), 0);
	ck_assert_int_eq(config_option(&config, "listen=127.0.0.1:1", reason), 0);
	ck_assert_int_eq(config_option(&config, "listen=127.0.0.1:2", reason), 0);
	ck_assert_int_eq(config_option(&config, "hostname=a.example", reason), 0);
	ck_assert_int_eq(read_text("timeout 7\nlisten 127.0.0.1:3\nhostname b.example\nrecipients 7\n"), 0);
	ck_assert_int_eq(config.timeout, 5);
	ck_assert_int_eq(config.listens, 2);
	ck_assert_str_eq(config.hostname, "a.example");
	ck_assert(config_is_local(&config, span_of("a.example")));
	ck_assert(config_is_local(&config, span_of("localhost")));
	ck_assert_int_eq(config.recipients, 7);
}
END_TEST

START_TEST(a_resolver_is_an_address)
{
	ck_assert_str_eq(config.resolver, "");
	ck_assert_int_eq(config_option(&config, "resolver=127.0.0.1:5353", reason), 0);
	ck_assert_str_eq(config.resolver, "127.0.0.1:5353");
	ck_assert_int_eq(config_option(&config, "resolver=[::1]:53", reason), 0);
	ck_assert_int_eq(config_option(&config, "resolver=127.0.0.1", reason), -1);
	ck_assert_str_eq(reason, "resolver \"127.0.0.1\" is not ADDR:PORT or [ADDR6]:PORT");
	ck_assert_int_eq(config_option(&config, "resolver=dns.example:53", reason), -1);
	ck_assert_int_eq(config_option(&config, "resolver=127.0.0.1:53 127.0.0.2:53", reason), -1);
}
END_TEST

START_TEST(a_domain_that_is_set_stays)
{
	ck_assert_int_eq(config_option(&config, "domain=d.example", reason), 0);
	ck_assert_int_eq(config_option(&config, "hostname=a.example", reason), 0);
	ck_assert(config_is_local(&config, span_of("d.example")));
	ck_assert(!config_is_local(&config, span_of("a.example")));
}
END_TEST

START_TEST(names_the_line_that_is_wrong)
{
	ck_assert_int_eq(read_text("timeout 5\n\ntimeoot 6\n"), -1);
	ck_assert_str_eq(reason, "config:3: key \"timeoot\" is unknown");
	ck_assert_int_eq(read_text("timeout"), -1);
	ck_assert_str_eq(reason, "config:1: key \"timeout\" has no value");
	ck_assert_int_eq(read_text("timeout # 5\n"), -1);
	ck_assert_str_eq(reason, "config:1: key \"timeout\" has no value");
	ck_assert_int_eq(read_text("tls-cert /etc/cert.pem\n"), -1);
	ck_assert_str_eq(reason, "config:1: key \"tls-cert\" is not supported by this version");
	ck_assert_int_eq(read_text("timeout 5m\n"), -1);
	ck_assert_str_eq(reason, "config:1: timeout \"5m\" is not a number of 1 to 86400");
	ck_assert_int_eq(read_bytes("timeout 5\ntime\0out 5\n", 21), -1);
	ck_assert_str_eq(reason, "config:2: a NUL");
	ck_assert_int_eq(read_text("Timeout 5\n"), -1);
	ck_assert_int_eq(read_text("timeout=5\n"), -1);
}
END_TEST

START_TEST(long_lines_are_refused)
{
	char text[10000];

	memset(text, 'x', sizeof text);
	ck_assert_int_eq(read_bytes(text, sizeof text), -1);
	ck_assert_str_eq(reason, "config:1: the line is too long");
	memcpy(text, "\nhostname ", 10);
	text[5000] = '\n';
	ck_assert_int_eq(read_bytes(text, 5001), -1);
	ck_assert_str_eq(reason, "config:2: the line is too long");
	text[4096] = '\n';
	ck_assert_int_eq(read_bytes(text, 4097), -1);
	ck_assert_str_eq(reason, "config:2: hostname \"xxxxxxxxxxxxxxxxxxxxxxxx...\" is not a domain name");
	memset(text + 1, '#', 4000);
	ck_assert_int_eq(read_bytes(text, 4097), 0);
}
END_TEST

START_TEST(only_a_regular_file_is_read)
{
	char path[64];

	snprintf(path, sizeof path, "%s/config", root);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(config_read(&config, reason), -1);
	ck_assert_str_eq(reason, "config: not a regular file");
	ck_assert_int_eq(remove(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(config_read(&config, reason), -1);
	ck_assert_str_eq(reason, "config: not a regular file");
}
END_TEST

START_TEST(bad_values_are_named)
{
	refused("timeout", "option \"timeout\" is not KEY=VALUE");
	refused("=5", "key \"\" is unknown");
	refused("timeout=", "key \"timeout\" has no value");
	refused("timeout=  ", "key \"timeout\" has no value");
	refused("timeout=0", "timeout \"0\" is not a number of 1 to 86400");
	refused("timeout=-1", "timeout \"-1\" is not a number of 1 to 86400");
	refused("timeout=86401", "timeout \"86401\" is not a number of 1 to 86400");
	refused(
	    "timeout=99999999999999999999", "timeout \"99999999999999999999\" is not a number of 1 to 86400");
	refused("recipients=1k", "recipients \"1k\" is not a number of 1 to 100000");
	const char *size = "message-size \"%s\" is not a size (bytes, or with K, M, G) of 1 to 1048576G";
	const char *bad[] = { "0", "K", "1.5M", "1KB", "-1", "9007199254740993", "1048577G",
		"9223372036854775807G", "18446744073709551617" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char option[64], why[CONFIG_REASON];
		snprintf(option, sizeof option, "message-size=%s", bad[i]);
		snprintf(why, sizeof why, size, bad[i]);
		refused(option, why);
	}
	refused("auth-cleartext=Yes", "auth-cleartext \"Yes\" is not no, loopback or yes");
	refused("sender-check=Yes", "sender-check \"Yes\" is not yes or no");
	refused("relay-from=10.0.0.0/33",
	    "relay-from \"10.0.0.0/33\" is not a list of networks (ADDR or ADDR/BITS), or none");
	refused("relay-from=none example.org",
	    "relay-from \"none example.org\" is not a list of networks (ADDR or ADDR/BITS), or none");
	refused("log=file", "log \"file\" is not stderr or syslog");
	refused("user=two words", "user \"two words\" is not one word of up to 63 bytes");
	refused("listen=localhost:25", "listen \"localhost:25\" is not ADDR:PORT or [ADDR6]:PORT");
	refused("listen=127.0.0.1", "listen \"127.0.0.1\" is not ADDR:PORT or [ADDR6]:PORT");
	refused("hostname=a b", "hostname \"a b\" is not a domain name");
	refused("hostname=a\rb", "hostname \"a\\x0db\" is not a domain name");
	refused("hostname=.a", "hostname \".a\" is not a domain name");
	refused("domain=a b\x01", "domain \"a b\\x01\" is not a list of domain names");
	refused("domain=a,b", "domain \"a,b\" is not a list of domain names");
	refused("proxy-from=10.0.0.0/8", "key \"proxy-from\" is not supported by this version");
}
END_TEST

START_TEST(good_sizes_are_taken)
{
	const struct {
		const char *option;
		long long bytes;
	} cases[] = { { "message-size=1", 1 }, { "message-size=1k", 1024 }, { "message-size=3K", 3072 },
		{ "message-size= 2M ", 2 << 20 }, { "message-size=1g", 1LL << 30 },
		{ "message-size=1048576G", 1LL << 50 }, { "message-size=1125899906842624", 1LL << 50 } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ck_assert_int_eq(config_option(&config, cases[i].option, reason), 0);
		ck_assert(config.message_size == cases[i].bytes);
	}
	ck_assert_int_eq(config_option(&config, "mailbox-size=0", reason), 0);
}
END_TEST

START_TEST(listens_on_at_most_sixteen)
{
	for (int i = 0; i < CONFIG_LISTEN / 2; i++)
		ck_assert_int_eq(config_option(&config, "listen=127.0.0.1:0 [::1]:0", reason), 0);
	ck_assert_int_eq(config.listens, CONFIG_LISTEN);
	ck_assert_int_eq(config_option(&config, "listen=127.0.0.1:0", reason), -1);
}
END_TEST

START_TEST(local_domains_compare_without_case_and_dot)
{
	ck_assert_int_eq(
	    config_option(&config, "domain=Example.org. example.net [127.0.0.1] [IPv6:::1]", reason), 0);
	ck_assert(config_is_local(&config, span_of("example.ORG")));
	ck_assert(config_is_local(&config, span_of("example.org.")));
	ck_assert(config_is_local(&config, span_of("EXAMPLE.net")));
	ck_assert(config_is_local(&config, span_of("[127.0.0.1]")));
	ck_assert(config_is_local(&config, span_of("[ipv6:::1]")));
	ck_assert(!config_is_local(&config, span_of("example.org..")));
	ck_assert(!config_is_local(&config, span_of("xample.org")));
	ck_assert(!config_is_local(&config, span_of("example.org example.net")));
	ck_assert(!config_is_local(&config, span_of("")));
	ck_assert(!config_is_local(&config, span_of(".")));
	ck_assert(!config_is_local(&config, span_of("localhost")));
	ck_assert(config_is_local(&config, guarded_span(span_of("example.org."))));
}
END_TEST

static bool
relays_from(const char *address)
{
	struct sockaddr_storage parsed;
	socklen_t n;
	struct peer peer;

	ck_assert_int_eq(net_parse(address, &parsed, &n), 0);
	net_peer(&peer, (struct sockaddr *)&parsed, n);
	return config_relays_from(&config, &peer);
}

START_TEST(relays_from_networks)
{
	struct peer nowhere;

	net_peer_of(-1, &nowhere);
	ck_assert(relays_from("127.0.0.1:1") && relays_from("127.9.9.9:1") && relays_from("[::1]:1"));
	ck_assert(
	    !relays_from("128.0.0.1:1") && !relays_from("[::2]:1") && !config_relays_from(&config, &nowhere));
	ck_assert_int_eq(config_option(&config, "relay-from=192.0.2.0/24 0.0.0.0/32", reason), 0);
	ck_assert(relays_from("192.0.2.255:1") && !relays_from("127.0.0.1:1") && !relays_from("[::1]:1"));
	ck_assert(!config_relays_from(&config, &nowhere));
	ck_assert_int_eq(config_option(&config, "relay-from=none", reason), 0);
	ck_assert(!relays_from("127.0.0.1:1"));
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, relays_from_networks);
	tcase_add_test(t, has_the_defaults_of_the_interface);
	tcase_add_test(t, finds_the_root);
	tcase_add_test(t, reads_the_file);
	tcase_add_test(t, an_option_counts_more_than_the_file);
	tcase_add_test(t, a_resolver_is_an_address);
	tcase_add_test(t, a_domain_that_is_set_stays);
	tcase_add_test(t, names_the_line_that_is_wrong);
	tcase_add_test(t, long_lines_are_refused);
	tcase_add_test(t, only_a_regular_file_is_read);
	tcase_add_test(t, bad_values_are_named);
	tcase_add_test(t, good_sizes_are_taken);
	tcase_add_test(t, listens_on_at_most_sixteen);
	tcase_add_test(t, local_domains_compare_without_case_and_dot);
}

int
main(void)
{
	return run_suite("config", add);
}
