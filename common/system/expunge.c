/*
 * What QUIT does: the snapshot's marks are carried over to what stands in the mailbox now, and the rest moves together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "recover.h"
#include "redo.h"
#include "snapshot.h"

/* Entries of now that go. */
struct marks {
	struct index_list now;
	bool *gone;
	size_t count; /* of those that go */
};

static void
marks_free(struct marks *marks)
{
	index_list_free(&marks->now);
	free(marks->gone);
}

/* The entry of now for one of the snapshot, at the same place with the same name; mail that came since is behind it. */
static bool
mark(struct snapshot *s, const struct index_entry *entry, size_t number, struct marks *marks)
{
	if (number >= marks->now.count)
		return false;
	const struct index_entry *now = &marks->now.entries[number];
	if (now->offset != entry->offset || strcmp(now->uidl, entry->uidl) != 0)
		return false;
	s->window.len = 0;
	marks->gone[number] = true;
	marks->count++;
	return survey_still_there(&s->window, now) == 1;
}

static enum maildrop_status
mark_deleted(
    struct snapshot *s, bool (*deleted)(const void *, size_t), const void *context, struct marks *marks)
{
	enum maildrop_status status = snapshot_survey(&s->maildrop, &marks->now);

	if (status != MAILDROP_OK)
		return status;
	marks->gone = calloc(marks->now.count + 1, sizeof(*marks->gone));
	if (marks->gone == NULL)
		return MAILDROP_TEMP;
	s->window.size = s->maildrop.lock.size;
	for (size_t message = 0; message < s->count; message++) {
		size_t number = s->shown == NULL ? message : s->shown[message];
		if (deleted(context, message) && !mark(s, &s->entries[number], number, marks))
			return MAILDROP_CHANGED;
	}
	/* The place to get rid of what a crash tore, too. */
	for (size_t i = 0; i < marks->now.count && marks->count > 0; i++) {
		const struct index_entry *e = &marks->now.entries[i];
		if (e->kind != INDEX_TORN)
			continue;
		if (recover_keep(&s->maildrop, s->maildrop.mbox, (off_t)e->offset,
			(off_t)(e->offset + e->stored), "torn by a crash") < 0)
			return maildrop_failed(&s->maildrop, "torn message not moved");
		marks->gone[i] = true;
		marks->count++;
	}
	return MAILDROP_OK;
}

/* Runs of what stays behind the first that goes. Returns their number, -1 without memory. */
static ssize_t
list_pieces(const struct marks *marks, size_t first, struct redo_piece **pieces)
{
	ssize_t count = 0;

	*pieces = malloc((marks->count + 1) * sizeof(**pieces));
	if (*pieces == NULL)
		return -1;
	for (size_t i = first; i < marks->now.count; i++) {
		const struct index_entry *e = &marks->now.entries[i];
		if (marks->gone[i])
			continue;
		if (marks->gone[i - 1])
			(*pieces)[count++].from = (off_t)e->offset;
		(*pieces)[count - 1].to = (off_t)(e->offset + e->stored);
	}
	return count;
}

/* The entries that stay, at their new places. */
static void
reindex(struct snapshot *s, struct marks *marks)
{
	struct maildrop *m = &s->maildrop;
	uint64_t at = 0;
	size_t kept = 0;

	for (size_t i = 0; i < marks->now.count; i++) {
		if (marks->gone[i])
			continue;
		struct index_entry entry = marks->now.entries[i];
		entry.offset = at;
		at += entry.stored;
		marks->now.entries[kept++] = entry;
	}
	marks->now.count = kept;
	int index = index_replace(m->dir, m->lock.inode, (uint64_t)m->lock.size, &marks->now, &m->header);
	if (index >= 0)
		close(index);
}

static enum maildrop_status
cut_out(struct snapshot *s, struct marks *marks)
{
	size_t first = 0;
	struct redo_piece *pieces;

	while (first < marks->now.count && !marks->gone[first])
		first++;
	if (first == marks->now.count)
		return MAILDROP_OK;
	ssize_t count = list_pieces(marks, first, &pieces);
	if (count < 0)
		return MAILDROP_TEMP;
	off_t offset = (off_t)marks->now.entries[first].offset;
	enum maildrop_status status = redo_expunge(&s->maildrop, offset, pieces, (size_t)count);
	free(pieces);
	if (status == MAILDROP_OK)
		reindex(s, marks);
	return status;
}

enum maildrop_status
snapshot_expunge(
    struct snapshot *s, bool (*deleted)(const void *context, size_t message), const void *context)
{
	struct marks marks = { .gone = NULL };
	size_t wanted = 0;

	for (size_t message = 0; message < s->count; message++)
		wanted += deleted(context, message);
	if (wanted == 0)
		return MAILDROP_OK;
	ino_t inode = s->maildrop.lock.inode;
	enum maildrop_status status = maildrop_lock(&s->maildrop, true);
	if (status != MAILDROP_OK)
		return status;
	if (s->maildrop.lock.inode != inode)
		status = MAILDROP_CHANGED; /* another file has the name now */
	if (status == MAILDROP_OK)
		status = mark_deleted(s, deleted, context, &marks);
	if (status == MAILDROP_OK)
		status = cut_out(s, &marks);
	maildrop_unlock(&s->maildrop);
	marks_free(&marks);
	return status;
}
