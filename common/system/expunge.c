/*
 * What QUIT does: the snapshot's marks are carried over to what stands in the mailbox now; then the rest moves together, or, where that
 * would take long, what goes is only buried.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "io.h"
#include "recover.h"
#include "redo.h"
#include "snapshot.h"

/* Entries of now that go. */
struct marks {
	struct listing now;
	bool *gone;
	size_t count; /* of them, the hidden ones, too */
};

static void
marks_free(struct marks *marks)
{
	listing_free(&marks->now);
	free(marks->gone);
}

/* The entry of now for one of the snapshot, at the same place with the same name and length; mail that came since is behind it. */
static bool
mark(struct snapshot *s, const struct index_entry *entry, size_t number, struct marks *marks)
{
	if (number >= marks->now.count)
		return false;
	const struct index_entry *now = &marks->now.entries[number];
	if (now->offset != entry->offset || now->wire != entry->wire || strcmp(now->uidl, entry->uidl) != 0)
		return false;
	s->window.len = 0;
	marks->gone[number] = true;
	return survey_still_there(&s->window, now) == 1;
}

static enum maildrop_status
mark_deleted(
    struct snapshot *s, bool (*deleted)(const void *, size_t), const void *context, struct marks *marks)
{
	enum maildrop_status status = listing_load(&marks->now, &s->maildrop);

	if (status != MAILDROP_OK)
		return status;
	marks->gone = calloc(marks->now.count + 1, sizeof(*marks->gone));
	if (marks->gone == NULL)
		return MAILDROP_TEMP;
	s->window.size = s->maildrop.lock.size;
	for (size_t message = 0; message < s->count; message++) {
		size_t number = s->shown == NULL ? message : s->shown[message];
		if (deleted(context, message) && !mark(s, &s->all.entries[number], number, marks))
			return MAILDROP_CHANGED;
	}
	return MAILDROP_OK;
}

/* Would much more have to be moved than is gained? What a crash tore is always cut out: where it ends nobody knows but the index. */
static bool
is_better_buried(const struct maildrop *m, const struct marks *marks)
{
	uint64_t dead = 0, moved = 0, least = EXPUNGE_MOVED;

	for (size_t i = 0; i < marks->now.count; i++) {
		const struct index_entry *e = &marks->now.entries[i];
		if (e->kind == INDEX_TORN)
			return false;
		least += marks->gone[i] ? EXPUNGE_MARK : 0;
		if (marks->gone[i] || e->kind == INDEX_DEAD)
			dead += e->stored;
		else if (dead > 0)
			moved += e->stored;
	}
	return m->indexed && moved > least && dead < (uint64_t)m->lock.size / 2;
}

/* The place to get rid of what is hidden, too. */
static enum maildrop_status
mark_hidden(const struct snapshot *s, struct marks *marks)
{
	for (size_t i = 0; i < marks->now.count; i++) {
		const struct index_entry *e = &marks->now.entries[i];
		if (e->kind == INDEX_TORN && recover_keep(&s->maildrop, s->maildrop.mbox, (off_t)e->offset,
						 (off_t)(e->offset + e->stored), "torn by a crash") < 0)
			return maildrop_failed(&s->maildrop, "torn message not moved");
		marks->gone[i] |= index_is_hidden(e);
		marks->count += marks->gone[i];
	}
	return MAILDROP_OK;
}

/* What stays: its entries, at their new places; and in runs what of it moves, from `offset` on. */
struct rest {
	struct index_list entries;
	struct redo_piece *pieces;
	size_t count;
	off_t offset;
};

static int
list_rest(const struct marks *marks, struct rest *rest)
{
	uint64_t at = 0;

	rest->pieces = malloc((marks->count + 1) * sizeof(*rest->pieces));
	if (rest->pieces == NULL)
		return -1;
	for (size_t i = 0; i < marks->now.count; i++) {
		struct index_entry entry = marks->now.entries[i];
		struct redo_piece run = { (off_t)entry.offset, (off_t)(entry.offset + entry.stored) };
		if (marks->gone[i])
			continue;
		if (rest->count > 0 && rest->pieces[rest->count - 1].to == run.from)
			rest->pieces[rest->count - 1].to = run.to;
		else if (entry.offset != at)
			rest->pieces[rest->count++] = run;
		rest->offset = rest->count == 0 ? run.to : rest->offset;
		entry.offset = at;
		at += entry.stored;
		if (index_list_add(&rest->entries, &entry) < 0)
			return -1;
	}
	return 0;
}

static enum maildrop_status
cut_out(struct snapshot *s, struct marks *marks)
{
	struct maildrop *m = &s->maildrop;
	struct rest rest = { .count = 0 };
	enum maildrop_status status = mark_hidden(s, marks);

	if (status == MAILDROP_OK && list_rest(marks, &rest) < 0)
		status = maildrop_failed(m, "expunge not planned");
	if (status == MAILDROP_OK)
		status = redo_expunge(m, rest.offset, rest.pieces, rest.count);
	if (status == MAILDROP_OK) {
		if (m->index >= 0)
			index_make_void(m->index);
		io_close(
		    index_replace(m->dir, m->lock.inode, (uint64_t)m->lock.size, &rest.entries, &m->header));
	}
	free(rest.pieces);
	index_list_free(&rest.entries);
	return status;
}

static enum maildrop_status
take_away(struct snapshot *s, struct marks *marks)
{
	bool done = false;
	enum maildrop_status status = MAILDROP_OK;

	if (is_better_buried(&s->maildrop, marks))
		status = redo_bury(&s->maildrop, marks->now.entries, marks->gone, &done);
	return done ? status : cut_out(s, marks);
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
		status = take_away(s, &marks);
	maildrop_unlock(&s->maildrop);
	marks_free(&marks);
	return status;
}
