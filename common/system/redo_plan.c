/*
 * What the redo file is: how its plans begin, and what makes them durable, valid and void.
 */
#include "redo.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "io.h"
#include "survey.h"

static const char redo_name[] = "mbox.redo", fresh_name[] = "mbox.redo.new";

/* Of the plans: how they begin, and where their sums stand. */
static const struct {
	char magic[9];
	size_t sums;
} kinds[] = {
	[REDO_CUT] = { "LBREDO02", offsetof(struct redo_plan, cut.sums) },
	[REDO_BURY] = { "LBBURY01", offsetof(struct redo_plan, burial.sums) },
};

off_t
redo_body(enum redo_kind kind)
{
	return (off_t)(kinds[kind].sums + sizeof(struct redo_sums));
}

int
redo_open(const struct maildrop *m)
{
	return io_open_renamed(m->dir, redo_name, fresh_name, O_RDWR);
}

int
redo_create(const struct maildrop *m)
{
	unlinkat(m->dir, fresh_name, 0);
	return openat(m->dir, fresh_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static uint32_t
sum_of_plan(enum redo_kind kind, const struct redo_plan *plan)
{
	return adler32(1, plan, kinds[kind].sums + offsetof(struct redo_sums, plan));
}

int
redo_publish(const struct maildrop *m, int fd, enum redo_kind kind, struct redo_plan *plan, uint32_t body_sum)
{
	struct redo_sums *sums = kind == REDO_CUT ? &plan->cut.sums : &plan->burial.sums;

	memcpy(plan->magic, kinds[kind].magic, sizeof(plan->magic));
	plan->inode = m->lock.inode;
	sums->body = body_sum;
	sums->plan = sum_of_plan(kind, plan);
	if (io_write_at(fd, (struct span){ (const char *)plan, (size_t)redo_body(kind) }, 0) < 0 ||
	    fsync(fd) < 0 || renameat(m->dir, fresh_name, m->dir, redo_name) < 0)
		return -1;
	return fsync(m->dir);
}

/* After a power cut an unlinked file may be back: it is emptied first. */
int
redo_void(const struct maildrop *m, int fd)
{
	unlinkat(m->dir, fresh_name, 0);
	if (ftruncate(fd, 0) < 0 || fsync(fd) < 0)
		return -1;
	return unlinkat(m->dir, redo_name, 0);
}

int
redo_sum(int fd, off_t from, off_t end, uint32_t *sum)
{
	struct window w;

	window_init(&w, fd, end);
	int result = window_sum(&w, from, end, sum);
	window_free(&w);
	return result;
}

int
redo_read(const struct maildrop *m, int redo, struct redo_plan *plan, enum redo_kind *kind)
{
	struct stat st;
	struct redo_sums sums;
	uint32_t sum;

	*plan = (struct redo_plan){ .inode = 0 };
	ssize_t got = io_read_at(redo, plan, sizeof(*plan), 0);
	if (got < 0 || fstat(redo, &st) < 0)
		return -1;
	*kind = memcmp(plan->magic, kinds[REDO_BURY].magic, sizeof(plan->magic)) == 0 ? REDO_BURY : REDO_CUT;
	const off_t body = redo_body(*kind);
	memcpy(&sums, (const char *)plan + kinds[*kind].sums, sizeof(sums));
	if (memcmp(plan->magic, kinds[*kind].magic, sizeof(plan->magic)) != 0 || got < body ||
	    sums.plan != sum_of_plan(*kind, plan) || plan->inode != m->lock.inode)
		return 0;
	uint64_t n = plan->cut.kept, left = (uint64_t)(st.st_size - body);
	if (*kind == REDO_BURY)
		n = plan->burial.count > left ? left + 1 : plan->burial.count * sizeof(struct redo_grave);
	else if (plan->cut.offset > plan->cut.old_size || n >= plan->cut.old_size - plan->cut.offset)
		return 0;
	if (n > left)
		return 0;
	return redo_sum(redo, body, body + (off_t)n, &sum) < 0 ? -1 : sum == sums.body;
}

enum redo_state
redo_look(const struct maildrop *m)
{
	struct redo_plan plan;
	enum redo_kind kind;
	int redo = io_open(m->dir, redo_name, O_RDONLY);

	if (redo < 0)
		return errno == ENOENT ? REDO_NONE : REDO_UNREADABLE;
	int valid = redo_read(m, redo, &plan, &kind);
	close(redo);
	return valid < 0 ? REDO_UNREADABLE : valid == 0 ? REDO_VOID : REDO_VALID;
}
