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
#include "bury.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "io.h"
#include "redo_file.h"
#include "scan.h"
#include "survey.h"

static const char magic[8] = "LBBURY01";

/* The line ends that a message may end with are not marked: the next one could not be told from it. */
enum { LINE_ENDS = 4 };

struct plan {
	char magic[8];
	uint64_t inode;	     /* of the mbox */
	uint64_t count;	     /* of the graves that follow this header */
	uint32_t graves_sum; /* over them */
	uint32_t plan_sum;   /* over the fields above */
};

/* A message that goes. */
struct grave {
	uint64_t at;	     /* of the mark */
	uint64_t end;	     /* of the message */
	uint32_t sum;	     /* over what stands between the mark and the end */
	char old[MBOX_MARK]; /* what the mark overwrites */
	char unused[6];
};

static uint32_t
sum_of_plan(const struct plan *plan)
{
	return adler32(1, plan, offsetof(struct plan, plan_sum));
}

static struct span
bytes_of(const struct grave *graves, size_t count)
{
	return (struct span){ (const char *)graves, count * sizeof(*graves) };
}

/* What stands behind the mark. 1; 0: it is no single message; -1 with errno. */
static int
sum_up(struct window *w, const struct grave *grave, uint32_t *sum)
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
dig(struct window *w, const struct index_entry *entry, struct grave *grave)
{
	struct span text;

	if (window_at(w, (off_t)entry->offset, MBOX_PREFIX, WINDOW, &text) < 0)
		return -1;
	size_t at = mbox_mark_at(text);
	if (at == 0 || entry->stored < at + MBOX_MARK + LINE_ENDS)
		return 0;
	*grave = (struct grave){ .at = entry->offset + at, .end = entry->offset + entry->stored };
	memcpy(grave->old, text.at + at, MBOX_MARK);
	return sum_up(w, grave, &grave->sum);
}

static int
dig_all(const struct maildrop *m, const struct index_entry *entries, const bool *gone, struct grave **graves,
    size_t *count)
{
	struct window w;
	int result = 1;

	window_init(&w, m->mbox, m->lock.size);
	*count = 0;
	for (size_t i = 0; i < m->header.count; i++)
		*count += gone[i];
	*graves = malloc((*count + 1) * sizeof(**graves));
	if (*graves == NULL)
		result = -1;
	for (size_t i = 0, n = 0; i < m->header.count && result == 1; i++)
		if (gone[i])
			result = dig(&w, &entries[i], &(*graves)[n++]);
	window_free(&w);
	return result;
}

/* A to B. */
static int
write_plan(const struct maildrop *m, const struct grave *graves, size_t count, int redo)
{
	struct span bytes = bytes_of(graves, count);
	struct plan plan = {
		.inode = m->lock.inode, .count = count, .graves_sum = adler32(1, bytes.at, bytes.n)
	};

	memcpy(plan.magic, magic, sizeof(magic));
	plan.plan_sum = sum_of_plan(&plan);
	if (io_write(redo, (struct span){ (const char *)&plan, sizeof(plan) }) < 0 ||
	    io_write(redo, bytes) < 0)
		return -1;
	return redo_file_publish(m, redo);
}

/* B to D. */
static int
mark(const struct maildrop *m, const struct grave *graves, size_t count)
{
	int result = io_set_append(m->mbox, false);

	for (size_t i = 0; i < count && result == 0; i++)
		result = io_write_at(m->mbox, (struct span){ mbox_mark, MBOX_MARK }, (off_t)graves[i].at);
	int error = errno;
	io_set_append(m->mbox, true);
	errno = error;
	return result < 0 ? -1 : fdatasync(m->mbox);
}

/* D to E. The name of the index is durable: it was there when the plan was published. */
static int
tell_index(struct maildrop *m, const struct index_entry *entries, const bool *gone)
{
	return index_bury(m->index, &m->header, entries, gone) == 0 ? 0 : index_forget(m->dir, m->index);
}

enum maildrop_status
bury(struct maildrop *m, const struct index_entry *entries, const bool *gone, bool *done)
{
	enum maildrop_status status = MAILDROP_OK;
	struct grave *graves;
	size_t count;
	int redo = -1, dug = dig_all(m, entries, gone, &graves, &count);

	*done = dug != 0;
	if (dug < 0)
		status = maildrop_failed(m, "mailbox not read");
	else if (dug == 1 && ((redo = redo_file_create(m)) < 0 || write_plan(m, graves, count, redo) < 0)) {
		status = maildrop_failed(m, "expunge not planned");
		if (redo >= 0)
			redo_file_void(m, redo);
	} else if (dug == 1 && (mark(m, graves, count) < 0 || tell_index(m, entries, gone) < 0 ||
				   redo_file_void(m, redo) < 0))
		status = maildrop_failed(m, "expunge not finished");
	free(graves);
	io_close(redo);
	return status;
}

/* 1: valid, and the graves, to be freed in any case; 0: not; -1 with errno. */
static int
read_plan(const struct maildrop *m, int redo, struct plan *plan, struct grave **graves)
{
	struct stat st;

	*graves = NULL;
	if (fstat(redo, &st) < 0)
		return -1;
	ssize_t n = io_read_at(redo, plan, sizeof(*plan), 0);
	if (n < 0)
		return -1;
	if (n != sizeof(*plan) || memcmp(plan->magic, magic, sizeof(magic)) != 0 ||
	    plan->plan_sum != sum_of_plan(plan) || plan->inode != m->lock.inode ||
	    plan->count > ((uint64_t)st.st_size - sizeof(*plan)) / sizeof(**graves))
		return 0;
	struct span bytes = bytes_of(NULL, plan->count);
	*graves = malloc(bytes.n + 1);
	if (*graves == NULL)
		return -1;
	bytes.at = (const char *)*graves;
	n = io_read_at(redo, *graves, bytes.n, sizeof(*plan));
	return n < 0 ? -1 : (size_t)n == bytes.n && adler32(1, bytes.at, bytes.n) == plan->graves_sum;
}

int
bury_look(const struct maildrop *m, int redo)
{
	struct plan plan;
	struct grave *graves;
	int valid = read_plan(m, redo, &plan, &graves);
	free(graves);
	return valid;
}

/* Does the message of the plan stand there yet, marked or not? 1, 0, or -1 with errno. */
static int
still_holds(struct window *w, const struct grave *grave)
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
keep_valid(const struct maildrop *m, struct grave *graves, size_t *count)
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
bury_finish(struct maildrop *m, int redo)
{
	struct plan plan;
	struct grave *graves;
	int result = read_plan(m, redo, &plan, &graves) == 1 ? 0 : -1;
	size_t count = result < 0 ? 0 : plan.count;

	if (result == 0)
		result = keep_valid(m, graves, &count);
	if (result == 0)
		result = mark(m, graves, count);
	if (result == 0)
		result = index_forget(m->dir, m->index);
	if (result == 0)
		result = redo_file_void(m, redo);
	free(graves);
	return result;
}
