/*
 * What there may be in queue/, E being an entry and N a notice about it. A name without a dot counts, any other not.
 *
 *    state      files       E's journal       who finds it                                        reached by (tests/unit/test_smtpd_queue*.c)
 * A  writing    E.new       -                 its lock is held: nothing to do                     leaves_a_living_writer
 * B  left off   E.new       -                 queue_list unlinks it                               clears_away_a_dead_writer
 * C  waiting    E           none waits: no    a runner tries, when it is due                      adds, records_a_retry
 * D  torn       E           half a line       it is passed over: the try was not made             passes_over_a_torn_line
 * E  drafted    E, N.E      does not name N   N.E is locked: nothing to do                        leaves_a_living_draft
 * F  undecided  E, N.E      does not name N   queue_list unlinks N.E, the try is made again       drops_an_undecided_notice
 * G  decided    E, N.E      names N           queue_list or queue_record rename N.E to N          puts_a_decided_notice_in_force
 * H  told       E, N        names N           as C, or as I                                       records_a_failure
 * I  over       E           nothing waits     a runner calls queue_record, which unlinks E        finishes
 * J  removed    N.E         -                 queue_list unlinks N.E: E went without naming N     drops_a_notice_about_nothing
 *
 * queue_add goes A, C; a failure C, E, G, H, I, gone: each step is durable before the next (C to I by fdatasync, the names by fsync of queue/).
 * Two things are not made durable: a retry (lost, it is tried a little earlier) and the last unlink of what was delivered (lost in
 * a power cut, it is passed on again: better than not at all; a mailbox that has it takes it once).
 */
#include "queue.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

static int
create(int root, const char *path)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL;
	int fd = io_open(root, path, flags);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if ((mkdirat(root, "queue", 0700) < 0 && errno != EEXIST) || fsync(root) < 0)
		return -1;
	return io_open(root, path, flags);
}

static int
write_message(int fd, const struct queue_message *message, struct span trace, struct spool *body)
{
	struct buf head;

	buf_init(&head, QUEUE_HEADER);
	/* The empty line behind the body, which parts it from the next one in a mailbox, parts it from the journal. */
	int result = queue_message_write(message, trace.n + spool_stored(body) - 1, &head);
	if (result == 0 && buf_add_span(&head, trace) < 0)
		result = -1;
	if (result < 0)
		errno = ENOMEM;
	else
		result = spool_write(body, buf_span(&head), fd);
	buf_free(&head);
	return result;
}

static void
discard(int root, struct queue_draft *draft)
{
	int error = errno;

	unlinkat(root, draft->name, 0);
	close(draft->file);
	errno = error;
}

static int
write_draft(int root, const struct queue_message *message, const char *suffix, struct span trace,
    struct spool *body, struct queue_draft *draft)
{
	memcpy(draft->id, message->id, sizeof draft->id);
	queue_path(draft->id, suffix, draft->name);
	draft->file = create(root, draft->name);
	if (draft->file < 0)
		return -1;
	if (queue_lock(draft->file, QUEUE_LOCK_WRITER, F_WRLCK, F_SETLK) &&
	    write_message(draft->file, message, trace, body) == 0 && fdatasync(draft->file) == 0)
		return 0;
	discard(root, draft);
	return -1;
}

/* From now on the name counts. */
static int
put_in_force(int root, const char *id, const char *draft)
{
	char path[QUEUE_PATH];

	queue_path(id, NULL, path);
	return renameat(root, draft, root, path) < 0 ? -1 : io_sync_directory(root, "queue");
}

int
queue_add(int root, const struct queue_message *message, struct span trace, struct spool *body)
{
	struct queue_draft draft;

	if (write_draft(root, message, "new", trace, body, &draft) < 0)
		return -1;
	int result = put_in_force(root, draft.id, draft.name);
	if (result < 0) {
		/* It may have its name already. */
		discard(root, &draft);
		int error = errno;
		(void)queue_remove(root, draft.id);
		errno = error;
		return -1;
	}
	close(draft.file);
	return 0;
}

int
queue_draft(int root, const struct queue_message *message, const char *about, struct span trace,
    struct spool *body, struct queue_draft *draft)
{
	if (write_draft(root, message, about, trace, body, draft) < 0)
		return -1;
	if (io_sync_directory(root, "queue") == 0)
		return 0;
	discard(root, draft);
	return -1;
}

static bool
nothing_waits(const struct queue_message *message, const size_t *but, size_t n)
{
	size_t waiting = 0;

	for (size_t i = 0; i < message->recipients_n; i++)
		waiting += message->recipients[i].state == QUEUE_WAITING;
	for (size_t i = 0; i < n; i++)
		waiting -= message->recipients[but[i]].state == QUEUE_WAITING;
	return waiting == 0;
}

/* What a record named counts, also where who wrote it died: maybe before the name was durable. */
static int
put_notices_in_force(const struct queue_entry *entry)
{
	char draft[QUEUE_PATH];

	for (size_t at = 0; at < entry->notices.len; at += BASE32_ID + 1) {
		const char *id = entry->notices.data + at;
		queue_path(id, entry->message.id, draft);
		if (put_in_force(entry->root, id, draft) < 0 &&
		    (errno != ENOENT || io_sync_directory(entry->root, "queue") < 0))
			return -1;
	}
	return 0;
}

static int
append_record(struct queue_entry *entry, const struct queue_outcome *outcome, const size_t *which, size_t n)
{
	struct queue_outcome brief = *outcome;
	struct stat st;
	struct buf line;

	if (fstat(entry->file, &st) < 0)
		return -1;
	if (st.st_size - entry->end > QUEUE_JOURNAL_WORDY)
		brief.reply.n = 0;
	if (st.st_size - entry->end > QUEUE_JOURNAL) {
		errno = EFBIG;
		return -1;
	}
	buf_init(&line, QUEUE_JOURNAL);
	int result = queue_journal_write(entry->message.id, &brief, which, n, &line);
	if (result < 0)
		errno = ENOMEM;
	else
		result = io_write_at(entry->file, buf_span(&line), st.st_size);
	buf_free(&line);
	bool matters = outcome->state != QUEUE_WAITING || outcome->notice != NULL;
	return result == 0 && matters ? fdatasync(entry->file) : result;
}

/* Under the writer's lock. What all have been delivered of needs no record. */
static int
record(struct queue_entry *entry, const struct queue_outcome *outcome, const size_t *which, size_t n)
{
	if (queue_read_journal(entry) < 0)
		return -1;
	bool over = outcome->state != QUEUE_WAITING && nothing_waits(&entry->message, which, n);
	if (n > 0 && (!over || outcome->notice != NULL) &&
	    (append_record(entry, outcome, which, n) < 0 || queue_read_journal(entry) < 0))
		return -1;
	if ((over || outcome->notice != NULL) && put_notices_in_force(entry) < 0)
		return -1;
	if (!over)
		return 0;
	return queue_remove(entry->root, entry->message.id) < 0 ? -1 : 1;
}

int
queue_record(struct queue_entry *entry, const struct queue_outcome *outcome, const size_t *which, size_t n,
    struct queue_draft *notice)
{
	int result = -1;

	if (queue_lock(entry->file, QUEUE_LOCK_WRITER, F_WRLCK, F_SETLKW)) {
		/* Where the postmaster has removed it there is nothing to be told. */
		result = queue_is_there(entry) ? record(entry, outcome, which, n) : 1;
		int error = errno;
		queue_lock(entry->file, QUEUE_LOCK_WRITER, F_UNLCK, F_SETLK);
		errno = error;
	}
	if (notice != NULL)
		close(notice->file);
	return result;
}

int
queue_remove(int root, const char *id)
{
	char path[QUEUE_PATH];

	errno = ENOENT;
	if (!queue_is_id(id))
		return -1;
	queue_path(id, NULL, path);
	return unlinkat(root, path, 0);
}
