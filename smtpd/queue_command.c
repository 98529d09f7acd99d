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

/* "42s", "7m", "3h", "2d" */
static void
add_time(int64_t seconds, struct buf *out)
{
	static const struct {
		int from, size;
		char unit;
	} units[] = { { 2 * 86400, 86400, 'd' }, { 2 * 3600, 3600, 'h' }, { 2 * 60, 60, 'm' },
		{ 0, 1, 's' } };
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (seconds < units[i].from)
		i++;
	buf_printf(out, "%lld%c", (long long)(seconds / units[i].size), units[i].unit);
}

/* The lines of a reply, which are parted by LF, behind one another. */
static void
add_reply(struct span reply, struct buf *out)
{
	while (reply.n > 0) {
		buf_add_escaped(out, span_until(reply, '\n', &reply));
		buf_add_string(out, reply.n > 0 ? " / " : "");
	}
}

static void
add_next(int root, const struct queue_recipient *r, struct buf *out)
{
	int64_t now = queue_now();
	bool due = r->next <= now || r->tried < queue_flushed(root);

	buf_add_string(out, due ? "now" : "in ");
	if (!due)
		add_time(r->next - now, out);
}

/* What is read of the queue goes to a terminal: it has been escaped. */
static void
print(struct buf *out)
{
	fputs(buf_string(out), stdout);
	buf_clear(out);
}

static void
list_entry(int root, const struct queue_entry *entry, struct buf *out)
{
	const struct queue_message *m = &entry->message;

	for (size_t i = 0; i < m->recipients_n; i++) {
		const struct queue_recipient *r = &m->recipients[i];
		if (r->state != QUEUE_WAITING)
			continue;
		buf_printf(out, "%s ", m->id);
		add_time(queue_now() - m->created, out);
		buf_printf(out, " %llu <", (unsigned long long)m->size);
		buf_add_escaped(out, m->sender);
		buf_add_string(out, "> <");
		buf_add_escaped(out, r->address);
		buf_add_string(out, "> ");
		add_next(root, r, out);
		buf_add_string(out, r->reply.n > 0 ? ": " : "");
		add_reply(r->reply, out);
		buf_add_char(out, '\n');
		print(out);
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
	struct queue_entry entry;
	struct buf ids, out;

	(void)daemon;
	(void)id;
	buf_init(&ids, SIZE_MAX);
	buf_init(&out, SIZE_MAX);
	int result = queue_list(root, false, note_id, &ids);
	if (result < 0 || ids.failed)
		result = complain(
		    EXITS_SYSTEM, "the queue cannot be read: %s", strerror(ids.failed ? ENOMEM : errno));
	else if (ids.len > 0)
		qsort(ids.data, ids.len / (BASE32_ID + 1), BASE32_ID + 1, compare_ids);
	for (size_t at = 0; result == EXITS_DONE && at < ids.len; at += BASE32_ID + 1) {
		if (queue_open(root, ids.data + at, &entry) == QUEUE_OK)
			list_entry(root, &entry, &out);
		queue_close(&entry);
	}
	buf_free(&ids);
	buf_free(&out);
	return result == EXITS_DONE ? printed("the queue") : result;
}

static void
add_date(const char *name, int64_t seconds, struct buf *out)
{
	buf_printf(out, "%s: ", name);
	date_format(seconds, 0, out);
	buf_add_char(out, '\n');
}

/* Nothing, where the value is empty. */
static void
add_field(const char *name, struct span value, struct buf *out)
{
	if (value.n == 0)
		return;
	buf_printf(out, "%s: ", name);
	add_reply(value, out);
	buf_add_char(out, '\n');
}

/* With what would become of it if it were tried now. */
static void
show_recipient(int root, const struct daemon *daemon, const struct queue_recipient *r, struct buf *out)
{
	static const char *const states[] = { "waiting", "done", "failed" };
	char domain[SMTP_DOMAIN + 1];

	buf_add_char(out, '\n');
	add_field("to", r->address, out);
	buf_printf(out, "state: %s\n", states[r->state]);
	add_field("owner", r->owner, out);
	buf_printf(out, "tries: %d\n", r->tries);
	if (r->tries > 0)
		add_date("last try", r->tried, out);
	add_field("reply", r->reply, out);
	if (r->state != QUEUE_WAITING)
		return;
	buf_add_string(out, "next try: ");
	add_next(root, r, out);
	routes_domain(&daemon->config, r, domain);
	buf_printf(out, "\nnow:%s\n", domain[0] == '\0' ? " to a mailbox here" : "");
	print(out);
	if (domain[0] != '\0')
		explain_next_hop(&daemon->config, root, r->address, span_of(domain));
}

static int
show(int root, const struct daemon *daemon, const char *id)
{
	struct queue_entry entry;
	struct buf out;
	int status = EXITS_DONE;

	buf_init(&out, SIZE_MAX);
	switch (queue_open(root, id, &entry)) {
	case QUEUE_OK:
		buf_printf(&out, "id: %s\n", entry.message.id);
		add_date("created", entry.message.created, &out);
		buf_printf(&out, "size: %llu\nfrom: ", (unsigned long long)entry.message.size);
		buf_add_escaped(&out, entry.message.sender);
		buf_add_char(&out, '\n');
		add_field("user", entry.message.user, &out);
		for (size_t i = 0; i < entry.message.recipients_n; i++)
			show_recipient(root, daemon, &entry.message.recipients[i], &out);
		print(&out);
		status = printed("the entry");
		break;
	case QUEUE_GONE:
		status = complain(EXITS_REFUSED, "there is no %s in the queue", id);
		break;
	case QUEUE_BROKEN:
		status = complain(EXITS_SYSTEM, "%s cannot be read: %s", id, strerror(errno));
	}
	queue_close(&entry);
	buf_free(&out);
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
