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

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bury.h"
#include "hash.h"
#include "io.h"
#include "log.h"
#include "recover.h"
#include "redo_file.h"

static const char magic[8] = "LBREDO02";

enum { PIECE = 256 * 1024 };

struct plan {
	char magic[8];
	uint64_t inode;	   /* of the mbox */
	uint64_t offset;   /* where what stays goes to */
	uint64_t old_size; /* of the mbox */
	uint64_t kept;	   /* bytes that stay; they follow this header */
	uint64_t cut_sum;  /* over what is cut off behind them */
	uint32_t sum;	   /* over the bytes that stay */
	uint32_t plan_sum; /* over the fields above */
};

static uint32_t
sum_of_plan(const struct plan *plan)
{
	return adler32(1, plan, offsetof(struct plan, plan_sum));
}

/* Copies between files, and sums up what it copies. 0, or -1 with errno. */
static int
copy(int from, off_t at, off_t n, int to, off_t to_at, uint32_t *sum)
{
	char *piece = malloc(PIECE);
	int result = piece == NULL ? -1 : 0;

	while (result == 0 && n > 0) {
		ssize_t got = io_read_at(from, piece, n < PIECE ? (size_t)n : PIECE, at);
		if (got <= 0) {
			errno = got == 0 ? EIO : errno;
			result = -1;
			break;
		}
		*sum = adler32(*sum, piece, (size_t)got);
		if (to >= 0)
			result = io_write_at(to, (struct span){ piece, (size_t)got }, to_at);
		at += got;
		to_at += got;
		n -= got;
	}
	free(piece);
	return result;
}

static int
sum_of(int fd, off_t at, off_t n, uint32_t *sum)
{
	*sum = 1;
	return copy(fd, at, n, -1, 0, sum);
}

/* Over what stands between the new end and the old one. */
static int
sum_of_cut(const struct maildrop *m, const struct plan *plan, uint32_t *sum)
{
	off_t end = (off_t)(plan->offset + plan->kept);

	return sum_of(m->mbox, end, (off_t)plan->old_size - end, sum);
}

/*
 * The plan as a new file, durable under its name before this returns. So is the mailbox that it is about: who appended last may not have
 * synced it yet, and if a power cut took the end off, neither B nor C could be told any more.
 */
static int
write_plan(struct maildrop *m, struct plan *plan, int source, const struct redo_piece *pieces, size_t count,
    int *redo)
{
	off_t at = sizeof(*plan);
	uint32_t cut_sum;

	*redo = redo_file_create(m);
	if (*redo < 0)
		return -1;
	memcpy(plan->magic, magic, sizeof(magic));
	plan->inode = m->lock.inode;
	plan->old_size = (uint64_t)m->lock.size;
	plan->sum = 1;
	for (size_t i = 0; i < count; i++) {
		off_t n = pieces[i].to - pieces[i].from;
		if (copy(source, pieces[i].from, n, *redo, at, &plan->sum) < 0)
			return -1;
		at += n;
	}
	plan->kept = (uint64_t)at - sizeof(*plan);
	if (sum_of_cut(m, plan, &cut_sum) < 0)
		return -1;
	plan->cut_sum = cut_sum;
	plan->plan_sum = sum_of_plan(plan);
	if (fdatasync(m->mbox) < 0 ||
	    io_write_at(*redo, (struct span){ (const char *)plan, sizeof(*plan) }, 0) < 0)
		return -1;
	return redo_file_publish(m, *redo);
}

/* B to E. Every step may be done again. */
static int
carry_out(struct maildrop *m, const struct plan *plan, int redo)
{
	uint32_t sum = 1;
	off_t end = (off_t)(plan->offset + plan->kept);

	if (io_set_append(m->mbox, false) < 0)
		return -1;
	int result = copy(redo, sizeof(*plan), (off_t)plan->kept, m->mbox, (off_t)plan->offset, &sum);
	int error = errno;
	io_set_append(m->mbox, true);
	errno = error;
	if (result < 0 || fsync(m->mbox) < 0 || ftruncate(m->mbox, end) < 0 || fsync(m->mbox) < 0)
		return -1;
	m->lock.size = end;
	return redo_file_void(m, redo);
}

enum maildrop_status
redo_expunge(struct maildrop *m, off_t offset, const struct redo_piece *pieces, size_t count)
{
	struct plan plan = { .offset = (uint64_t)offset };
	int redo = -1;

	if (count == 0) {
		/* Nothing follows: one step, that needs no room. */
		if (ftruncate(m->mbox, offset) < 0 || fsync(m->mbox) < 0)
			return maildrop_failed(m, "mailbox not cut");
		m->lock.size = offset;
		return MAILDROP_OK;
	}
	enum maildrop_status status = MAILDROP_OK;
	if (write_plan(m, &plan, m->mbox, pieces, count, &redo) < 0) {
		status = maildrop_failed(m, "expunge not planned");
		if (redo >= 0)
			redo_file_void(m, redo);
	} else if (carry_out(m, &plan, redo) < 0)
		status = maildrop_failed(m, "expunge not finished");
	io_close(redo);
	return status;
}

/* 1: valid; 0: not; -1 with errno. */
static int
read_plan(const struct maildrop *m, int redo, struct plan *plan)
{
	struct stat st;
	uint32_t sum;

	if (fstat(redo, &st) < 0)
		return -1;
	ssize_t n = io_read_at(redo, plan, sizeof(*plan), 0);
	if (n < 0)
		return -1;
	if (n != sizeof(*plan) || memcmp(plan->magic, magic, sizeof(magic)) != 0 ||
	    plan->plan_sum != sum_of_plan(plan))
		return 0;
	if (plan->inode != m->lock.inode || (uint64_t)st.st_size < sizeof(*plan) + plan->kept ||
	    plan->offset > plan->old_size || plan->kept >= plan->old_size - plan->offset)
		return 0;
	if (sum_of(redo, sizeof(*plan), (off_t)plan->kept, &sum) < 0)
		return -1;
	return sum == plan->sum;
}

enum redo_state
redo_look(const struct maildrop *m)
{
	struct plan plan;
	int redo = io_open(m->dir, redo_file_name, O_RDONLY);

	if (redo < 0)
		return errno == ENOENT ? REDO_NONE : REDO_UNREADABLE;
	int valid = read_plan(m, redo, &plan);
	if (valid == 0)
		valid = bury_look(m, redo);
	close(redo);
	return valid < 0 ? REDO_UNREADABLE : valid == 0 ? REDO_VOID : REDO_VALID;
}

/* Does what was to be cut off stand there still, or blanks in its place? 1, 0, or -1 with errno. */
static int
is_uncut(const struct maildrop *m, const struct plan *plan)
{
	char first;
	uint32_t sum;

	if (io_read_at(m->mbox, &first, 1, (off_t)(plan->offset + plan->kept)) < 0 ||
	    sum_of_cut(m, plan, &sum) < 0)
		return -1;
	return first == '\0' || sum == plan->cut_sum;
}

enum next { NEXT_COPY, NEXT_VOID, NEXT_GIVE_UP, NEXT_ERROR };

/* Which row of the table is it? */
static enum next
find_state(const struct maildrop *m, const struct plan *plan)
{
	off_t end = (off_t)(plan->offset + plan->kept);
	uint32_t sum;

	if (m->lock.size == end)
		return NEXT_COPY; /* E: harmless to do again */
	int uncut = m->lock.size >= (off_t)plan->old_size ? is_uncut(m, plan) : 0;
	if (uncut != 0)
		return uncut > 0 ? NEXT_COPY : NEXT_ERROR;
	if (m->lock.size < end)
		return NEXT_GIVE_UP;
	if (sum_of(m->mbox, (off_t)plan->offset, (off_t)plan->kept, &sum) < 0)
		return NEXT_ERROR;
	/* E, and another program has appended. */
	return sum == plan->sum ? NEXT_VOID : NEXT_GIVE_UP;
}

/* Another program has rewritten the mailbox in between: what it made of it counts, and what was planned is put aside. */
static int
give_up(struct maildrop *m, int redo, const struct plan *plan)
{
	off_t from = sizeof(*plan);
	int result =
	    recover_keep(m, redo, from, from + (off_t)plan->kept, "mailbox was rewritten during an expunge");

	return result < 0 ? -1 : redo_file_void(m, redo);
}

/* What another program has appended is made part of the plan, so that the plan stays one that may be done again. */
static int
extend(struct maildrop *m, struct plan *plan, int *redo)
{
	off_t grown = m->lock.size - (off_t)plan->old_size;
	struct plan longer = { .offset = plan->offset };
	int old = *redo, fresh = -1;

	/* Both parts come from the same file: the redo file takes them in first. */
	struct redo_piece all = { sizeof(*plan), (off_t)(sizeof(*plan) + plan->kept) + grown };
	uint32_t sum = 1;
	if (copy(m->mbox, (off_t)plan->old_size, grown, old, all.to - grown, &sum) < 0)
		return -1;
	int result = write_plan(m, &longer, old, &all, 1, &fresh);
	io_close(old);
	*redo = fresh;
	*plan = longer;
	return result;
}

static int
finish(struct maildrop *m, int *redo)
{
	struct plan plan;
	int valid = read_plan(m, *redo, &plan), marks = valid == 0 ? bury_look(m, *redo) : 0;

	if (valid < 0 || marks < 0)
		return -1;
	if (valid == 0 && marks == 0)
		return unlinkat(m->dir, redo_file_name, 0);
	log_begin("expunge resumed");
	log_text("user", m->name);
	log_end();
	if (marks == 1)
		return bury_finish(m, *redo);
	switch (find_state(m, &plan)) {
	case NEXT_VOID:
		return redo_file_void(m, *redo);
	case NEXT_GIVE_UP:
		return give_up(m, *redo, &plan);
	case NEXT_COPY:
		if (m->lock.size > (off_t)plan.old_size && extend(m, &plan, redo) < 0)
			return -1;
		return carry_out(m, &plan, *redo);
	case NEXT_ERROR:
		break;
	}
	return -1;
}

enum maildrop_status
redo_finish(struct maildrop *m)
{
	int redo = redo_file_open(m);

	if (redo < 0)
		return errno == ENOENT ? MAILDROP_OK : maildrop_failed(m, "redo file not opened");
	/* Whoever gave it its name may have died before that was durable. */
	int result = fsync(m->dir) < 0 ? -1 : finish(m, &redo);
	enum maildrop_status status = result < 0 ? maildrop_failed(m, "expunge not finished") : MAILDROP_OK;
	io_close(redo);
	return status;
}
