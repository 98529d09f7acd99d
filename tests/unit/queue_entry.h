/*
 * queue_entry: a mail root with a queue, for its tests: the entry 0… with two recipients, and the notices 1… and 2… about it.
 */
#ifndef QUEUE_ENTRY_H
#define QUEUE_ENTRY_H

#include <sys/wait.h>

#include <dirent.h>

#include "log.h"
#include "mail_root.h"
#include "queue.h"

static const char e[] = "0123456789abcdefghjkmnpqrs", n1[] = "1123456789abcdefghjkmnpqrs",
		  n2[] = "2123456789abcdefghjkmnpqrs";
static const char trace[] = "Received: from x\n\tby y; z\n";
static const size_t both[] = { 0, 1 }, second[] = { 1 };
static struct queue_recipient to[2];

static inline void
quiet_setup(void)
{
	setup();
	int null = open("/dev/null", O_WRONLY);
	dup2(null, STDERR_FILENO);
	close(null);
	log_open("test", false);
	to[0] = (struct queue_recipient){ .address = span_of("bob@example.net") };
	to[1] = (struct queue_recipient){ .address = span_of("eve@example.com") };
}

static inline struct queue_message
message_of(const char *id)
{
	struct queue_message message = { .created = 1000,
		.size = 9,
		.sender = span_of("anna@example.org"),
		.recipients = to,
		.recipients_n = 2 };

	memcpy(message.id, id, sizeof message.id);
	return message;
}

static inline void
fill(struct spool *body, const char *content)
{
	spool_init(body, root);
	spool_add(body, span_of(content));
	ck_assert_int_eq(spool_finish(body), 0);
}

static inline void
add_entry(const char *id, const char *content)
{
	struct queue_message message = message_of(id);
	struct spool body;

	fill(&body, content);
	ck_assert_int_eq(queue_add(root, &message, span_of(trace), &body), 0);
	spool_free(&body);
}

static inline struct queue_draft
draft_notice(const char *id)
{
	struct queue_message message = message_of(id);
	struct queue_draft draft;
	struct spool body;

	fill(&body, "it failed\r\n");
	ck_assert_int_eq(queue_draft(root, &message, e, span_of(trace), &body, &draft), 0);
	spool_free(&body);
	return draft;
}

/* What there is in queue/, in order; X.Y is shown by first letters. */
static const char *
names(void)
{
	static char all[1000];
	struct dirent **list;
	char path[100];

	snprintf(path, sizeof path, "%s/queue", dir);
	int n = scandir(path, &list, NULL, alphasort);
	all[0] = '\0';
	for (int i = 0; i < n; i++) {
		const char *dot = strchr(list[i]->d_name, '.');
		size_t at = strlen(all);
		if (list[i]->d_name[0] != '.')
			snprintf(all + at, sizeof all - at, "%s%c%.2s", at == 0 ? "" : " ",
			    list[i]->d_name[0], dot == NULL ? "" : dot);
		free(list[i]);
	}
	free(list);
	return all;
}

static inline struct queue_entry
open_entry(const char *id)
{
	struct queue_entry entry;

	ck_assert_int_eq(queue_open(root, id, &entry), QUEUE_OK);
	return entry;
}

/* In a process of its own, which then dies. */
static inline void
in_child(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		run();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static inline void
expect_content(const char *id, const char *expected)
{
	struct queue_entry entry = open_entry(id);
	off_t at = entry.content;
	struct buf out;
	int result;

	buf_init(&out, 1 << 20);
	while ((result = queue_read(&entry, &at, &out)) > 0)
		;
	ck_assert_int_eq(result, 0);
	expect_span(buf_span(&out), expected);
	buf_free(&out);
	queue_close(&entry);
}

static const struct queue_outcome busy = { .tried = 1010, .next = 1070, .reply = { "mx: 450 busy", 12 } };
static const struct queue_outcome done = { .state = QUEUE_DONE, .tried = 1020 };

static inline struct queue_outcome
failed_with(const char *notice)
{
	return (struct queue_outcome){ .state = QUEUE_FAILED, .tried = 1030, .notice = notice };
}

#endif
