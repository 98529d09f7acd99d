/*
 * An expunge in place. A rename would orphan the descriptor of every program that opens the mailbox before it locks it, and what
 * that program then appends would be lost.
 *
 *    state        mbox.redo         mbox                       who finds it               reached by unit/redo
 * A  idle         absent or void    whole                      removes a void one         ignores_a_plan_that_was_never_finished
 * B  planned      valid, synced     as before                  does the copy              resumes_from_every_state
 * C  copying      valid             mixed, old size            does the copy again        resumes_from_every_state
 * D  copied       valid             whole, and behind it what  does the copy again, cuts  resumes_from_every_state
 *                                   was there before, or                             resumes_a_cut_that_left_only_blanks
 *                                   blanks
 * E  cut          valid             whole, new size            makes the redo file void   tells_a_long_append_from_an_expunge_to_be_done
 * The fault scenarios "expunge some" and "log in after half an expunge" reach each of them, too.
 * A redo file that is not valid was never finished: the mailbox is as before.
 * In B to E somebody may have appended: another program, who knows nothing of redo files, or smtpd, which does not look for one where
 * the index ends with the mailbox. What lies beyond the old size in B to D, or beyond the new one in E, is kept. What stands between the
 * two sizes tells B to D from E: the copying does not touch it, and the cutting at most blanks it out (a power cut in D may keep the blanks
 * and not the cut).
 */
#include "redo.h"

#include <errno.h>
#include <unistd.h>

#include "hash.h"
#include "io.h"
#include "log.h"
#include "recover.h"
#include "survey.h"

/* from..end of one file to `at` in another, summed up. 0, or -1 with errno. */
static int
copy(int source, off_t from, off_t end, int to, off_t at, uint32_t *sum)
{
	struct window w;
	struct span text;
	int result = 0;

	window_init(&w, source, end);
	for (; from < end && result == 0; from += (off_t)text.n, at += (off_t)text.n) {
		if (window_some(&w, from, end, &text) < 0 || io_write_at(to, text, at) < 0)
			result = -1;
		else
			*sum = adler32(*sum, text.at, text.n);
	}
	window_free(&w);
	return result;
}

static off_t
end_of(const struct redo_plan *plan)
{
	return (off_t)(plan->cut.offset + plan->cut.kept);
}

/*
 * The plan as a new file, durable under its name before this returns. So is the mailbox that it is about: who appended last may not have
 * synced it yet, and if a power cut took the end off, neither B nor C could be told any more.
 */
static int
write_plan(struct maildrop *m, off_t offset, const struct redo_piece *pieces, size_t count,
    struct redo_plan *plan, int fd)
{
	const off_t body = redo_body(REDO_CUT);
	off_t at = body;
	uint32_t sum = 1, cut_sum;

	for (size_t i = 0; i < count; at += pieces[i].to - pieces[i].from, i++)
		if (copy(m->mbox, pieces[i].from, pieces[i].to, fd, at, &sum) < 0)
			return -1;
	*plan = (struct redo_plan){ .cut = { .offset = (uint64_t)offset,
					.old_size = (uint64_t)m->lock.size,
					.kept = (uint64_t)(at - body) } };
	if (redo_sum(m->mbox, end_of(plan), m->lock.size, &cut_sum) < 0 || fdatasync(m->mbox) < 0)
		return -1;
	plan->cut.cut_sum = cut_sum;
	return redo_publish(m, fd, REDO_CUT, plan, sum);
}

/* B to D. May be done again. */
static int
copy_down(struct maildrop *m, const struct redo_plan *plan, int redo)
{
	const off_t body = redo_body(REDO_CUT);
	uint32_t sum = 1;

	if (io_set_append(m->mbox, false) < 0)
		return -1;
	int result = copy(redo, body, body + (off_t)plan->cut.kept, m->mbox, (off_t)plan->cut.offset, &sum);
	int error = errno;
	io_set_append(m->mbox, true);
	errno = error;
	return result < 0 ? -1 : fsync(m->mbox);
}

/* D to A. */
static int
cut_off(struct maildrop *m, const struct redo_plan *plan, int redo)
{
	if (ftruncate(m->mbox, end_of(plan)) < 0 || fsync(m->mbox) < 0)
		return -1;
	m->lock.size = end_of(plan);
	return redo_void(m, redo);
}

enum maildrop_status
redo_expunge(struct maildrop *m, off_t offset, const struct redo_piece *pieces, size_t count)
{
	struct redo_plan plan;

	if (count == 0) {
		/* Nothing follows: one step, that needs no room. */
		if (ftruncate(m->mbox, offset) < 0 || fsync(m->mbox) < 0)
			return maildrop_failed(m, "mailbox not cut");
		m->lock.size = offset;
		return MAILDROP_OK;
	}
	enum maildrop_status status = MAILDROP_OK;
	int redo = redo_create(m);
	if (redo < 0 || write_plan(m, offset, pieces, count, &plan, redo) < 0) {
		status = maildrop_failed(m, "expunge not planned");
		if (redo >= 0)
			redo_void(m, redo);
	} else if (copy_down(m, &plan, redo) < 0 || cut_off(m, &plan, redo) < 0)
		status = maildrop_failed(m, "expunge not finished");
	io_close(redo);
	return status;
}

/* Does what was to be cut off stand there still, or blanks in its place? 1, 0, or -1 with errno. */
static int
is_uncut(const struct maildrop *m, const struct redo_plan *plan)
{
	char first;
	uint32_t sum;

	if (io_read_at(m->mbox, &first, 1, end_of(plan)) < 0 ||
	    redo_sum(m->mbox, end_of(plan), (off_t)plan->cut.old_size, &sum) < 0)
		return -1;
	return first == '\0' || sum == plan->cut.cut_sum;
}

/* What another program has appended is planned anew, behind the copy, so that each plan stays one that may be carried out again. */
static int
copy_and_cut(struct maildrop *m, struct redo_plan *plan, int redo)
{
	struct redo_piece grown = { (off_t)plan->cut.old_size, m->lock.size };

	if (copy_down(m, plan, redo) < 0)
		return -1;
	if (grown.to <= grown.from)
		return cut_off(m, plan, redo);
	redo = redo_create(m);
	int result = redo < 0 ? -1 : write_plan(m, end_of(plan), &grown, 1, plan, redo);
	if (result == 0)
		result = copy_down(m, plan, redo) < 0 ? -1 : cut_off(m, plan, redo);
	io_close(redo);
	return result;
}

/* Which row of the table is it? */
static int
finish_cut(struct maildrop *m, struct redo_plan *plan, int redo)
{
	const off_t body = redo_body(REDO_CUT), end = end_of(plan), kept = (off_t)plan->cut.kept;
	bool copied = false;

	/* E is harmless to do again. */
	int again = m->lock.size == end				? 1
		    : m->lock.size >= (off_t)plan->cut.old_size ? is_uncut(m, plan)
								: 0;
	if (again != 0)
		return again < 0 ? -1 : copy_and_cut(m, plan, redo);
	if (m->lock.size > end) {
		uint32_t sum;
		if (redo_sum(m->mbox, (off_t)plan->cut.offset, end, &sum) < 0)
			return -1;
		copied = sum == plan->cut.sums.body;
	}
	/* Either it is E, and another program has appended; or one has rewritten the mailbox: what it made of it counts. */
	if (!copied &&
	    recover_keep(m, redo, body, body + kept, "mailbox was rewritten during an expunge") < 0)
		return -1;
	return redo_void(m, redo);
}

static int
finish(struct maildrop *m, int redo)
{
	struct redo_plan plan;
	enum redo_kind kind;
	int valid = redo_read(m, redo, &plan, &kind);

	/* Whoever gave it its name may have died before that was durable. */
	if (valid < 0 || fsync(m->dir) < 0)
		return -1;
	if (valid == 0)
		return redo_void(m, redo);
	log_begin("expunge resumed");
	log_text("user", m->name);
	log_end();
	return kind == REDO_CUT ? finish_cut(m, &plan, redo) : redo_bury_again(m, redo, &plan);
}

enum maildrop_status
redo_finish(struct maildrop *m)
{
	int redo = redo_open(m);

	if (redo < 0)
		return errno == ENOENT ? MAILDROP_OK : maildrop_failed(m, "redo file not opened");
	enum maildrop_status status =
	    finish(m, redo) < 0 ? maildrop_failed(m, "expunge not finished") : MAILDROP_OK;
	io_close(redo);
	return status;
}
