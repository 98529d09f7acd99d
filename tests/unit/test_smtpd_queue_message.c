#include "queue_message.h"

#include <errno.h>

#include "unit.h"

static const char id[] = "0123456789abcdefghjkmnpqrs";

static struct queue_message
sample(struct queue_recipient recipients[2])
{
	recipients[0] = (struct queue_recipient){
		.address = span_of("\"b o\"@example.net"),
		.dsn = { DSN_SUCCESS | DSN_DELAY, span_of("rfc822;bob+40x") },
		.owner = span_of("owner-list@example.org"),
	};
	recipients[1] = (struct queue_recipient){ .address = span_of("anna@example.org"), .mailbox = true };
	return (struct queue_message){
		.id = "0123456789abcdefghjkmnpqrs",
		.created = 1800000000,
		.size = 1234,
		.sender = span_of("carl@example.com"),
		.user = span_of("carl"),
		.trusted = true,
		.eight_bit = true,
		.ret = DSN_RET_HDRS,
		.envid = span_of("x+2By"),
		.recipients = recipients,
		.recipients_n = 2,
	};
}

static const char sample_text[] = "queue 1 00000240 00000000000000000017\n"
				  "created 1800000000\n"
				  "size 1234\n"
				  "from carl@example.com\n"
				  "user carl\n"
				  "trusted\n"
				  "8bit\n"
				  "ret 2\n"
				  "envid x+2By\n"
				  "to \"b o\"@example.net\n"
				  "notify 10\n"
				  "orcpt rfc822;bob+40x\n"
				  "owner owner-list@example.org\n"
				  "to anna@example.org\n"
				  "mailbox\n"
				  "\n";

START_TEST(writes)
{
	struct queue_recipient recipients[2];
	struct queue_message message = sample(recipients);
	struct buf out;

	buf_init(&out, 1000);
	ck_assert_int_eq(queue_message_write(&message, 17, &out), 0);
	ck_assert_str_eq(buf_string(&out), sample_text);
	buf_free(&out);
	buf_init(&out, sizeof sample_text - 2);
	ck_assert_int_eq(queue_message_write(&message, 17, &out), -1);
	buf_free(&out);
}
END_TEST

START_TEST(reads_what_it_wrote)
{
	struct span text = guarded_span(span_of(sample_text));
	struct queue_message m = { .size = 0 };
	uint64_t content;
	size_t header;

	ck_assert(queue_message_lengths(text, &header, &content));
	ck_assert_uint_eq(header, text.n);
	ck_assert_uint_eq(content, 17);
	ck_assert_int_eq(queue_message_parse(text, &m), 0);
	ck_assert_int_eq(m.created, 1800000000);
	ck_assert_uint_eq(m.size, 1234);
	expect_span(m.sender, "carl@example.com");
	expect_span(m.user, "carl");
	ck_assert(m.trusted && m.eight_bit && !m.utf8);
	ck_assert_int_eq(m.ret, DSN_RET_HDRS);
	expect_span(m.envid, "x+2By");
	ck_assert_uint_eq(m.recipients_n, 2);
	expect_span(m.recipients[0].address, "\"b o\"@example.net");
	ck_assert_uint_eq(m.recipients[0].dsn.notify, DSN_SUCCESS | DSN_DELAY);
	expect_span(m.recipients[0].dsn.orcpt, "rfc822;bob+40x");
	expect_span(m.recipients[0].owner, "owner-list@example.org");
	ck_assert(!m.recipients[0].mailbox && m.recipients[1].mailbox);
	expect_span(m.recipients[1].address, "anna@example.org");
	ck_assert_int_eq(m.recipients[1].state, QUEUE_WAITING);
	free(m.recipients);
}
END_TEST

/* Each byte of a header may be another, or missing: no more than that comes of it. */
START_TEST(survives_any_damage)
{
	char text[sizeof sample_text];
	static const char others[] = { '\0', '\n', ' ', 'x', '9', '\xff' };

	for (size_t i = 0; i < sizeof sample_text - 1; i++) {
		for (size_t k = 0; k < sizeof others; k++) {
			struct queue_message m = { .size = 0 };
			memcpy(text, sample_text, sizeof text);
			text[i] = others[k];
			char *at = guarded(text, sizeof text - 1);
			(void)queue_message_parse((struct span){ at, sizeof text - 1 }, &m);
			free(m.recipients);
			unguard(at, sizeof text - 1);
		}
		struct queue_message m = { .size = 0 };
		char *at = guarded(sample_text, i);
		ck_assert_int_eq(queue_message_parse((struct span){ at, i }, &m), -1);
		free(m.recipients);
		unguard(at, i);
	}
}
END_TEST

static void
expect_malformed(const char *lines)
{
	struct queue_message m = { .size = 0 };
	struct buf text;

	buf_init(&text, 1000);
	buf_printf(&text, "queue 1 00000000 00000000000000000000\n%s", lines);
	errno = 0;
	ck_assert_int_eq(queue_message_parse(guarded_span(buf_span(&text)), &m), -1);
	ck_assert_int_eq(errno, EBADMSG);
	free(m.recipients);
	buf_free(&text);
}

START_TEST(refuses_what_is_malformed)
{
	expect_malformed("\n");
	expect_malformed("from a@b\n\n");
	expect_malformed("to a@b\n");
	expect_malformed("to a@b\n\nmore\n");
	expect_malformed("to \n\n");
	expect_malformed("to\n\n");
	expect_malformed("to a@b\rc\n\n");
	expect_malformed("to a@b\ncreated 1\n\n");
	expect_malformed("mailbox\nto a@b\n\n");
	expect_malformed("unknown\nto a@b\n\n");
	expect_malformed("trusted 1\nto a@b\n\n");
	expect_malformed("ret 3\nto a@b\n\n");
	expect_malformed("created -1\nto a@b\n\n");
}
END_TEST

START_TEST(refuses_wrong_lengths)
{
	uint64_t content;
	size_t header;
	static const char *const wrong[] = {
		"queue 1 00000240 0000000000000000001",
		"queue 2 00000240 00000000000000000017\n",
		"queue 1 00000240 00000000000000000017 ",
		"queue 1 00000038 00000000000000000017\n",
		"queue 1 99999999 00000000000000000017\n",
		"queue 1 00000240 99999999999999999999\n",
		"queue 1 00000240  0000000000000000017\n",
		"queue 1 0000242 000000000000000000017\n",
		"queue 1 -0000242 00000000000000000017\n",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert(!queue_message_lengths(guarded_span(span_of(wrong[i])), &header, &content));
}
END_TEST

START_TEST(knows_ids)
{
	ck_assert(queue_is_id(id));
	ck_assert(!queue_is_id(""));
	ck_assert(!queue_is_id("0123456789abcdefghjkmnpqr"));
	ck_assert(!queue_is_id("0123456789abcdefghjkmnpqrst"));
	ck_assert(!queue_is_id("0123456789ABCDEFGHJKMNPQRS"));
	ck_assert(!queue_is_id("../3456789abcdefghjkmnpqrs"));
}
END_TEST

/* A message of five recipients after that journal. */
static struct queue_message
after(struct buf *journal, int *notices)
{
	struct queue_message message = { .recipients = calloc(5, sizeof(struct queue_recipient)),
		.recipients_n = 5 };
	struct buf named;

	memcpy(message.id, id, sizeof id);
	ck_assert_ptr_nonnull(message.recipients);
	buf_init(&named, 1000);
	ck_assert_int_eq(queue_journal_read(journal, &message, &named), 0);
	for (size_t at = 0; at < named.len; at += sizeof id, ++*notices)
		ck_assert_str_eq(named.data + at, id);
	buf_free(&named);
	return message;
}

START_TEST(keeps_a_journal)
{
	const size_t some[] = { 0, 1, 2, 4 }, one[] = { 3 };
	struct queue_outcome later = {
		.tried = 100, .next = 160, .reply = span_of("mx: 450-4.2.1 one\n450 4.2.1 two")
	};
	struct queue_outcome failed = {
		.state = QUEUE_FAILED, .tried = 200, .reply = span_of(""), .notice = id
	};
	struct buf journal;
	int notices = 0;

	buf_init(&journal, 1000);
	ck_assert_int_eq(queue_journal_write(id, &later, some, 4, &journal), 0);
	/* About the same try, and then another one. */
	later.delayed = true;
	later.reply = span_of("");
	ck_assert_int_eq(queue_journal_write(id, &later, some, 1, &journal), 0);
	later.tried = 150;
	ck_assert_int_eq(queue_journal_write(id, &later, some, 1, &journal), 0);
	ck_assert_int_eq(queue_journal_write(id, &failed, one, 1, &journal), 0);
	ck_assert_ptr_nonnull(
	    strstr(buf_string(&journal), " 100 160 waiting - 0-2,4 mx: 450-4.2.1 one\v450"));
	struct queue_message m = after(&journal, &notices);
	ck_assert_int_eq(notices, 1);
	ck_assert_int_eq(m.recipients[0].tries, 2);
	expect_span(m.recipients[0].reply, "mx: 450-4.2.1 one\n450 4.2.1 two");
	ck_assert(m.recipients[0].delayed && !m.recipients[1].delayed);
	ck_assert_int_eq(m.recipients[2].tries, 1);
	ck_assert_int_eq(m.recipients[2].tried, 100);
	ck_assert_int_eq(m.recipients[2].next, 160);
	ck_assert_int_eq(m.recipients[2].state, QUEUE_WAITING);
	expect_span(m.recipients[4].reply, "mx: 450-4.2.1 one\n450 4.2.1 two");
	ck_assert_int_eq(m.recipients[3].state, QUEUE_FAILED);
	ck_assert_int_eq(m.recipients[3].tried, 200);
	free(m.recipients);
	buf_free(&journal);
}
END_TEST

/* Cut at any place, or with any byte lost: the lines before and behind it count, and it counts whole or not at all. */
START_TEST(passes_over_what_is_torn)
{
	const size_t all[] = { 0, 1, 2, 3, 4 };
	struct queue_outcome outcome = { .state = QUEUE_DONE, .tried = 1, .reply = span_of("x") };
	struct buf first, whole, torn;
	int notices = 0;

	buf_init(&first, 1000);
	buf_init(&whole, 1000);
	ck_assert_int_eq(queue_journal_write(id, &outcome, all, 1, &first), 0);
	buf_add_span(&whole, buf_span(&first));
	const size_t from = whole.len;
	ck_assert_int_eq(queue_journal_write(id, &outcome, &all[1], 2, &whole), 0);
	for (size_t cut = from; cut < whole.len; cut++) {
		for (int hole = 0; hole < 2; hole++) {
			buf_init(&torn, 1000);
			buf_add(&torn, whole.data, hole == 0 ? cut : whole.len);
			if (hole == 1)
				torn.data[cut] = '\0';
			ck_assert_int_eq(queue_journal_write(id, &outcome, &all[4], 1, &torn), 0);
			struct queue_message m = after(&torn, &notices);
			ck_assert_int_eq(m.recipients[0].state, QUEUE_DONE);
			ck_assert_int_eq(m.recipients[4].state, QUEUE_DONE);
			/* The line end that it lacks the next one has. */
			bool complete = hole == 0 && cut == whole.len - 1;
			ck_assert_int_eq(m.recipients[1].state, complete ? QUEUE_DONE : QUEUE_WAITING);
			ck_assert_int_eq(m.recipients[1].state, m.recipients[2].state);
			free(m.recipients);
			buf_free(&torn);
		}
	}
	buf_free(&first);
	buf_free(&whole);
}
END_TEST

static void
expect_ignored(const char *which_id, const char *line)
{
	struct queue_outcome outcome = { .state = QUEUE_DONE, .reply = span_of(line) };
	const size_t beyond[] = { 5 };
	struct buf journal;
	int notices = 0;

	buf_init(&journal, 1000);
	ck_assert_int_eq(queue_journal_write(which_id, &outcome, beyond, 1, &journal), 0);
	struct queue_message m = after(&journal, &notices);
	for (size_t i = 0; i < 5; i++)
		ck_assert_int_eq(m.recipients[i].state, QUEUE_WAITING);
	free(m.recipients);
	buf_free(&journal);
}

START_TEST(ignores_what_is_not_its_own)
{
	const size_t all[] = { 0 };
	struct queue_outcome outcome = { .state = QUEUE_DONE };
	struct buf journal;
	int notices = 0;

	expect_ignored(id, "");
	/* A reply can't end its line: whatever it says, it is a reply. */
	expect_ignored(id, "\n00000001 1 1 done - 0 ");
	buf_init(&journal, 1000);
	ck_assert_int_eq(queue_journal_write("0123456789abcdefghjkmnpqrz", &outcome, all, 1, &journal), 0);
	struct queue_message m = after(&journal, &notices);
	ck_assert_int_eq(m.recipients[0].state, QUEUE_WAITING);
	free(m.recipients);
	buf_free(&journal);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, writes);
	tcase_add_test(t, reads_what_it_wrote);
	tcase_add_test(t, survives_any_damage);
	tcase_add_test(t, refuses_what_is_malformed);
	tcase_add_test(t, refuses_wrong_lengths);
	tcase_add_test(t, knows_ids);
	tcase_add_test(t, keeps_a_journal);
	tcase_add_test(t, passes_over_what_is_torn);
	tcase_add_test(t, ignores_what_is_not_its_own);
}

int
main(void)
{
	return run_suite("queue_message", add);
}
