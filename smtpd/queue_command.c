#include "queue_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "date.h"
#include "exits.h"
#include "explain.h"
#include "log.h"
#include "program.h"
#include "queue.h"
#include "routes.h"

/* What is read of the queue goes to a terminal: escaped. */
static void
print_escaped(struct span text)
{
	struct buf out;

	buf_init(&out, 4 * text.n + 1);
	buf_add_escaped(&out, text);
	fputs(buf_string(&out), stdout);
	buf_free(&out);
}

/* "42s", "7m", "3h", "2d" */
static void
print_time(int64_t seconds)
{
	static const struct {
		int seconds;
		char unit;
	} units[] = { { 2 * 86400, 'd' }, { 2 * 3600, 'h' }, { 2 * 60, 'm' }, { 0, 's' } };
	static const int sizes[] = { 86400, 3600, 60, 1 };
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (seconds < units[i].seconds)
		i++;
	printf("%lld%c", (long long)(seconds / sizes[i]), units[i].unit);
}

/* The lines of a reply, which are parted by LF, behind one another. */
static void
print_reply(struct span reply)
{
	while (reply.n > 0) {
		print_escaped(span_until(reply, '\n', &reply));
		if (reply.n > 0)
			fputs(" / ", stdout);
	}
}

static void
print_next(int root, const struct queue_recipient *r)
{
	int64_t now = queue_now();

	if (r->next <= now || r->tried < queue_flushed(root)) {
		fputs("now", stdout);
		return;
	}
	fputs("in ", stdout);
	print_time(r->next - now);
}

static void
list_entry(int root, const struct queue_entry *entry)
{
	const struct queue_message *m = &entry->message;

	for (size_t i = 0; i < m->recipients_n; i++) {
		const struct queue_recipient *r = &m->recipients[i];
		if (r->state != QUEUE_WAITING)
			continue;
		printf("%s ", m->id);
		print_time(queue_now() - m->created);
		printf(" %llu <", (unsigned long long)m->size);
		print_escaped(m->sender);
		fputs("> <", stdout);
		print_escaped(r->address);
		fputs("> ", stdout);
		print_next(root, r);
		if (r->reply.n > 0)
			fputs(": ", stdout);
		print_reply(r->reply);
		putchar('\n');
	}
}

static void
note_id(const char *id, void *context)
{
	buf_add(context, id, BASE32_ID + 1);
}

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, BASE32_ID);
}

/* The oldest first, as ids sort by their time. */
static int
list(int root, const struct daemon *daemon, const char *id)
{
	int status = EXITS_DONE;
	struct buf ids;

	(void)daemon;
	(void)id;
	buf_init(&ids, SIZE_MAX);
	if (queue_list(root, false, note_id, &ids) < 0 || ids.failed) {
		status = complain(
		    EXITS_SYSTEM, "the queue cannot be read: %s", strerror(ids.failed ? ENOMEM : errno));
	} else if (ids.len > 0) {
		qsort(ids.data, ids.len / (BASE32_ID + 1), BASE32_ID + 1, compare_ids);
		for (size_t at = 0; at < ids.len; at += BASE32_ID + 1) {
			struct queue_entry entry;
			if (queue_open(root, ids.data + at, &entry) == QUEUE_OK)
				list_entry(root, &entry);
			queue_close(&entry);
		}
	}
	buf_free(&ids);
	return status == EXITS_DONE ? printed("the queue") : status;
}

static void
print_date(const char *name, int64_t seconds)
{
	struct buf date;

	buf_init(&date, 100);
	date_format(seconds, 0, &date);
	printf("%s: %s\n", name, buf_string(&date));
	buf_free(&date);
}

static void
print_field(const char *name, struct span value)
{
	printf("%s: ", name);
	print_escaped(value);
	putchar('\n');
}

/* What would become of it if it were tried now. */
static void
show_today(int root, const struct daemon *daemon, const struct queue_recipient *r)
{
	char domain[SMTP_DOMAIN + 1];

	routes_domain(&daemon->config, r, domain);
	if (domain[0] == '\0') {
		puts("now: to a mailbox here");
		return;
	}
	puts("now:");
	explain_next_hop(&daemon->config, root, r->address, span_of(domain));
}

static void
show_recipient(int root, const struct daemon *daemon, const struct queue_recipient *r)
{
	static const char *const states[] = { "waiting", "done", "failed" };

	putchar('\n');
	print_field("to", r->address);
	printf("state: %s\n", states[r->state]);
	if (r->owner.n > 0)
		print_field("owner", r->owner);
	printf("tries: %d\n", r->tries);
	if (r->tries > 0)
		print_date("last try", r->tried);
	if (r->reply.n > 0) {
		fputs("reply: ", stdout);
		print_reply(r->reply);
		putchar('\n');
	}
	if (r->state != QUEUE_WAITING)
		return;
	fputs("next try: ", stdout);
	print_next(root, r);
	putchar('\n');
	show_today(root, daemon, r);
}

static int
show(int root, const struct daemon *daemon, const char *id)
{
	struct queue_entry entry;
	int status = EXITS_DONE;

	switch (queue_open(root, id, &entry)) {
	case QUEUE_OK:
		printf("id: %s\n", entry.message.id);
		print_date("created", entry.message.created);
		printf("size: %llu\n", (unsigned long long)entry.message.size);
		print_field("from", entry.message.sender);
		if (entry.message.user.n > 0)
			print_field("user", entry.message.user);
		for (size_t i = 0; i < entry.message.recipients_n; i++)
			show_recipient(root, daemon, &entry.message.recipients[i]);
		status = printed("the entry");
		break;
	case QUEUE_GONE:
		status = complain(EXITS_REFUSED, "there is no %s in the queue", id);
		break;
	case QUEUE_BROKEN:
		status = complain(EXITS_SYSTEM, "%s cannot be read: %s", id, strerror(errno));
	}
	queue_close(&entry);
	return status;
}

static int
drop(int root, const struct daemon *daemon, const char *id)
{
	(void)daemon;
	if (queue_remove(root, id) == 0) {
		log_begin("removed");
		log_text("id", id);
		log_end();
		return EXITS_DONE;
	}
	if (errno == ENOENT)
		return complain(EXITS_REFUSED, "there is no %s in the queue", id);
	return complain(EXITS_SYSTEM, "%s cannot be removed: %s", id, strerror(errno));
}

static int
flush(int root, const struct daemon *daemon, const char *id)
{
	(void)daemon;
	(void)id;
	if (queue_flush(root) < 0)
		return complain(EXITS_SYSTEM, "the queue cannot be flushed: %s", strerror(errno));
	return EXITS_DONE;
}

static const struct {
	const char *word;
	bool id;
	int (*run)(int root, const struct daemon *, const char *id);
} commands[] = {
	{ "list", false, list },
	{ "flush", false, flush },
	{ "show", true, show },
	{ "remove", true, drop },
};

int
queue_command(struct daemon *daemon)
{
	char **words = daemon->argv + daemon->operand + 1;
	const char *word = words[0] == NULL ? "list" : words[0];
	const char *id = words[0] == NULL ? NULL : words[1];
	size_t i = 0, n = sizeof commands / sizeof commands[0];

	while (i < n && strcmp(word, commands[i].word) != 0)
		i++;
	if (i == n)
		return complain(EXITS_USAGE, "queue: unknown command %s; smtpd -h lists them", word);
	if (commands[i].id != (id != NULL) || (id != NULL && words[2] != NULL))
		return complain(
		    EXITS_USAGE, "queue %s takes %s", word, commands[i].id ? "one ID" : "no argument");
	int status = daemon_enter(daemon);
	if (status != EXITS_DONE)
		return status;
	log_open(daemon->program, daemon->config.log_syslog);
	return commands[i].run(daemon->root, daemon, id);
}
