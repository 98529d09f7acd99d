#include "bounce.h"
#include "bounds.h"
#include "io.h"
#include "queue_entry.h"

static struct buf text;
static struct bounce_recipient told[2000];

/* A notice about the entry for the first n recipients, as it is stored. */
static void
write_notice(struct queue_entry *entry, size_t n, enum bounce_action action)
{
	struct spool body;
	const struct bounce_notice notice = { .hostname = "mail.example.org",
		.id = n1,
		.to = entry->message.sender,
		.action = action,
		.about = &entry->message,
		.recipients = told,
		.recipients_n = n };

	for (size_t i = 0; i < n; i++)
		told[i] = (struct bounce_recipient){
			.recipient = &entry->message.recipients[i], .status = "4.4.7", .host = ""
		};
	spool_init(&body, root);
	ck_assert_int_eq(bounce_write(&notice, entry, &body), 0);
	int file = fileno(tmpfile());
	struct stat st;
	ck_assert_int_eq(spool_write(&body, span_of(""), file), 0);
	buf_init(&text, 64 << 20);
	ck_assert_int_eq(io_read_regular(file, &st, &text), 0);
	close(file);
	spool_free(&body);
}

static bool
has(const char *part)
{
	return strstr(buf_string(&text), part) != NULL;
}

static void
add_returnable(enum dsn_ret ret, struct span content)
{
	struct queue_message message = message_of(e);
	struct spool body;

	message.ret = ret;
	spool_init(&body, root);
	spool_add(&body, content);
	ck_assert_int_eq(spool_finish(&body), 0);
	ck_assert_int_eq(queue_add(root, &message, span_of(trace), &body), 0);
	spool_free(&body);
}

static const char small[] = "Subject: Dinner\r\n\r\nAt eight.\r\n";

START_TEST(returns_the_header)
{
	for (int ret = DSN_RET_NONE; ret <= DSN_RET_HDRS; ret += DSN_RET_HDRS) {
		add_returnable((enum dsn_ret)ret, span_of(small));
		struct queue_entry entry = open_entry(e);
		write_notice(&entry, 2, BOUNCE_FAILED);
		ck_assert(has("\nwith the subject: Dinner\n\nIt could not be delivered"));
		ck_assert(has("\n  bob@example.net\n") && has("\n  eve@example.com\n"));
		ck_assert(has("\nFinal-Recipient: rfc822; bob@example.net\nAction: failed\nStatus: 4.4.7\n"));
		ck_assert(has("\nContent-Type: text/rfc822-headers\n\nReceived: from x\n\tby y; z\nSubject: "
			      "Dinner\n\n--="));
		ck_assert(!has("At eight."));
		buf_free(&text);
		queue_close(&entry);
		ck_assert_int_eq(queue_remove(root, e), 0);
	}
}
END_TEST

START_TEST(returns_the_whole_where_that_was_asked_for)
{
	add_returnable(DSN_RET_FULL, span_of(small));
	struct queue_entry entry = open_entry(e);
	write_notice(&entry, 1, BOUNCE_FAILED);
	ck_assert(has("\nContent-Type: message/rfc822\n\nReceived: from x\n\tby y; z\nSubject: Dinner\n\nAt "
		      "eight.\n\n--="));
	ck_assert(has("\nIt is attached.\n"));
	buf_free(&text);
	write_notice(&entry, 1, BOUNCE_DELAYED);
	ck_assert(has("\nContent-Type: text/rfc822-headers\n") && !has("At eight."));
	buf_free(&text);
	queue_close(&entry);
}
END_TEST

/* Too large, or with a line that is too long: the header, up to its end wherever the file is cut into pieces. */
START_TEST(returns_the_header_of_what_cannot_go_back)
{
	static char content[2 * BOUNCE_ORIGINAL];
	size_t n = 0;

	for (int i = 0; i < 900; i++)
		n += (size_t)sprintf(content + n, "X-Field-%d: %0*d\r\n", i, i % 90 + 1, i);
	n += (size_t)sprintf(content + n, "\r\n%01000d\r\n", 0);
	add_returnable(DSN_RET_FULL, (struct span){ content, n });
	struct queue_entry entry = open_entry(e);
	write_notice(&entry, 1, BOUNCE_FAILED);
	ck_assert(has("\nX-Field-899: ") && !has("00000000000000000000000000000000000000000000000000000000000"
						 "000000000000000000000000000000000000000"));
	ck_assert(has("\nContent-Type: text/rfc822-headers\n\nReceived"));
	buf_free(&text);
	queue_close(&entry);
	ck_assert_int_eq(queue_remove(root, e), 0);
	for (n = 0; n + 64 < sizeof content; n += 64)
		sprintf(content + n, n == 0 ? "Subject: large%*s\r\n\r\n" : "Bob%*s\r\n\r\n",
		    n == 0 ? 46 : 57, "");
	add_returnable(DSN_RET_FULL, (struct span){ content, n });
	entry = open_entry(e);
	write_notice(&entry, 1, BOUNCE_FAILED);
	ck_assert(has("\nSubject: large") && !has("\nBob "));
	buf_free(&text);
	queue_close(&entry);
}
END_TEST

START_TEST(tells_of_many)
{
	struct queue_message message = message_of(e);
	struct queue_recipient *many = calloc(2000, sizeof *many);
	struct spool body;

	ck_assert_ptr_nonnull(many);
	for (size_t i = 0; i < 2000; i++)
		many[i].address = span_of(i == 1999 ? "last@example.net" : "bob@example.net");
	message.recipients = many;
	message.recipients_n = 2000;
	fill(&body, small);
	ck_assert_int_eq(queue_add(root, &message, span_of(trace), &body), 0);
	spool_free(&body);
	struct queue_entry entry = open_entry(e);
	write_notice(&entry, 2000, BOUNCE_FAILED);
	ck_assert(has("\n  last@example.net\n") && has("\nFinal-Recipient: rfc822; last@example.net\n"));
	ck_assert(has("\nSubject: Dinner\n\n--=_1123456789abcdefghjkmnpqrs--\n"));
	buf_free(&text);
	queue_close(&entry);
	free(many);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, quiet_setup, teardown);
	tcase_add_test(t, returns_the_header);
	tcase_add_test(t, returns_the_whole_where_that_was_asked_for);
	tcase_add_test(t, returns_the_header_of_what_cannot_go_back);
	tcase_add_test(t, tells_of_many);
}

int
main(void)
{
	return run_suite("smtpd bounce", add);
}
