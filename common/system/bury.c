/*
 * To move what stands behind a small message may take long: the messages that go are marked in place, and the next expunge that has little to
 * move, or half of the mailbox to gain, cuts them out.
 *
 *    state    mbox.redo       mbox               mbox.index   who finds it        reached by unit/bury
 * A  idle     absent or void  whole              as the mbox  removes a void one  ignores_a_plan_that_was_never_finished
 * B  planned  valid, synced   as before          as before    marks               resumes_from_every_state
 * C  marking  valid           marked in part     as before    marks again         resumes_from_every_state
 * D  marked   valid           marked, synced     mixed        marks again         resumes_from_every_state
 * E  told     valid           marked, synced     synced       marks again         hides_any_of_them, but for the redo file
 * The fault scenarios "bury some" and "log in after half a burial" reach each of them, too.
 * Whoever marks again forgets the index: durably, because one of before fits the size of the mailbox, too.
 * In B to E somebody may have appended: none of it is touched, and what smtpd tells the index of it is forgotten with it. Or another program has
 * rewritten the mailbox: where a message of the plan does not stand in its place any more, with each byte as it was or as the mark has it,
 * what that program made of it counts.
 */
#include "redo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "io.h"
#include "scan.h"
#include "survey.h"

/* The line ends that a message may end with are not marked: the next one could not be told from it. */
enum { LINE_ENDS = 4 };

/* What stands behind the mark. 1; 0: it is no single message; -1 with errno. */
static int
sum_up(struct window *w, const struct redo_grave *grave, uint32_t *sum)
{
	const off_t end = (off_t)grave->end;
	struct scan scan;
	struct span text;
	size_t used;

	*sum = 1;
	scan_init(&scan, SCAN_HEADER);
	scan.mid_line = true;
	for (off_t at = (off_t)grave->at + MBOX_MARK; at < end; at += (off_t)used) {
		if (window_at(w, at, SCAN_LOOK + 1, WINDOW, &text) < 0)
			return -1;
		text = span_slice(text, 0, (size_t)(end - at));
		if (scan_push(&scan, text.at, text.n, at + (off_t)text.n == end, &used) == SCAN_NEXT)
			return 0;
		*sum = adler32(*sum, text.at, used);
	}
	return 1;
}

/* 1; 0: this message cannot be marked; -1 with errno. */
static int
dig(struct window *w, const struct index_entry *entry, struct redo_grave *grave)
{
	struct span text;

	if (window_at(w, (off_t)entry->offset, MBOX_PREFIX, WINDOW, &text) < 0)
		return -1;
	size_t at = mbox_mark_at(text);
	if (at == 0 || entry->stored < at + MBOX_MARK + LINE_ENDS)
		return 0;
	*grave = (struct redo_grave){ .at = entry->offset + at, .end = entry->offset + entry->stored };
	memcpy(grave->old, text.at + at, MBOX_MARK);
	return sum_up(w, grave, &grave->sum);
}

/* 1, and a grave for each, to be freed in any case; 0: one cannot be marked; -1 with errno. */
static int
dig_all(const struct maildrop *m, const struct index_entry *entries, const bool *gone,
    struct redo_grave **graves, size_t *count)
{
	struct window w;

	window_init(&w, m->mbox, m->lock.size);
	*graves = calloc(m->header.count, sizeof(**graves));
	int result = *graves == NULL ? -1 : 1;
	*count = 0;
	for (size_t i = 0; i < m->header.count && result == 1; i++)
		if (gone[i])
			result = dig(&w, &entries[i], &(*graves)[(*count)++]);
	window_free(&w);
	return result;
}

/* A to B. */
static int
write_plan(const struct maildrop *m, const struct redo_grave *graves, size_t count, int redo)
{
	struct redo_plan plan = { .burial = { .count = count } };
	struct span body = { (const char *)graves, count * sizeof(*graves) };

	if (redo < 0 || io_write_at(redo, body, redo_body(REDO_BURY)) < 0)
		return -1;
	return redo_publish(m, redo, REDO_BURY, &plan, adler32(1, body.at, body.n));
}

/* B to D. */
static int
mark(const struct maildrop *m, const struct redo_grave *graves, size_t count)
{
	int result = io_set_append(m->mbox, false);

	for (size_t i = 0; i < count && result == 0; i++)
		result = io_write_at(m->mbox, (struct span){ mbox_mark, MBOX_MARK }, (off_t)graves[i].at);
	int error = errno;
	io_set_append(m->mbox, true);
	errno = error;
	return result < 0 ? -1 : fdatasync(m->mbox);
}

enum maildrop_status
redo_bury(struct maildrop *m, const struct index_entry *entries, const bool *gone, bool *done)
{
	enum maildrop_status status = MAILDROP_OK;
	struct redo_grave *graves;
	size_t count;
	int redo = -1, dug = dig_all(m, entries, gone, &graves, &count);

	*done = dug != 0;
	if (dug < 0)
		status = maildrop_failed(m, "mailbox not read");
	else if (dug == 1 && write_plan(m, graves, count, redo = redo_create(m)) < 0) {
		status = maildrop_failed(m, "expunge not planned");
		if (redo >= 0)
			redo_void(m, redo);
	} else if (dug == 1) {
		int result = mark(m, graves, count);
		/* D to E. The name of the index is durable: it was there when the plan was published. */
		if (result == 0 && index_bury(m->index, &m->header, entries, gone) < 0)
			result = index_forget(m->dir, m->index);
		if (result < 0 || redo_void(m, redo) < 0)
			status = maildrop_failed(m, "expunge not finished");
	}
	free(graves);
	io_close(redo);
	return status;
}

/* Does the message of the plan stand there yet, marked or not? 1, 0, or -1 with errno. */
static int
still_holds(struct window *w, const struct redo_grave *grave)
{
	struct span text;
	uint32_t sum;

	if (grave->at + MBOX_MARK > grave->end || grave->end > (uint64_t)w->size)
		return 0;
	if (window_at(w, (off_t)grave->at, MBOX_MARK, WINDOW, &text) < 0)
		return -1;
	for (size_t i = 0; i < MBOX_MARK; i++)
		if (text.at[i] != grave->old[i] && text.at[i] != mbox_mark[i])
			return 0;
	int single = sum_up(w, grave, &sum);
	return single == 1 ? sum == grave->sum : single;
}

/* Those that do, in front. 0, or -1 with errno. */
static int
keep_valid(const struct maildrop *m, struct redo_grave *graves, size_t *count)
{
	struct window w;
	size_t valid = 0;
	int holds = 0;

	window_init(&w, m->mbox, m->lock.size);
	for (size_t i = 0; i < *count && holds >= 0; i++) {
		holds = still_holds(&w, &graves[i]);
		if (holds == 1)
			graves[valid++] = graves[i];
	}
	*count = valid;
	window_free(&w);
	return holds < 0 ? -1 : 0;
}

int
redo_bury_again(struct maildrop *m, int redo, const struct redo_plan *plan)
{
	size_t count = plan->burial.count, n = count * sizeof(struct redo_grave);
	struct redo_grave *graves = malloc(n + 1);
	bool done = graves != NULL && io_read_at(redo, graves, n, redo_body(REDO_BURY)) == (ssize_t)n &&
		    keep_valid(m, graves, &count) == 0 && mark(m, graves, count) == 0 &&
		    index_forget(m->dir, m->index) == 0 && redo_void(m, redo) == 0;

	free(graves);
	return done ? 0 : -1;
}
