/*
 * What a crash may leave of a repair. The mailbox never lacks, and never has two names.
 *
 *    state    mbox       mbox.before-repair  beside it                 who finds it
 * A  idle     as before  none                nothing                   nothing to do
 * B  writing  as before  none                a part of mbox.repaired   the next repair begins anew
 * C  keeping  as before  none, or whole      mbox.repaired, mbox.keep  the same, and keeps the original once more
 * D  renamed  repaired   whole               perhaps an index          its inode is not the mbox's: nobody believes it
 * A is reached by unit/repair: leaves_alone_what_is_well; the others by interop/repair: test_killed_at_every_call.
 * mbox.torn is written in B: a repair that is done again sets the same bytes aside twice.
 */
#include "repair.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bounds.h"
#include "hash.h"
#include "io.h"
#include "recover.h"
#include "snapshot.h"
#include "survey.h"

static const char fresh_name[] = "mbox.repaired", keep_name[] = "mbox.keep",
		  kept_name[] = "mbox.before-repair";

enum { KEPT_MOST = 10000, PASSES = 4 };

struct writer {
	const struct maildrop *maildrop;
	struct repair *repair;
	bool first;	      /* pass: what is found is said */
	struct window window; /* of what is read */
	struct buf buf;
	int out;
	unsigned line_ends; /* the last that were written */
	bool begun;	    /* something was written */
};

static int
write_out(struct writer *w, struct span text)
{
	if (text.n == 0)
		return 0;
	size_t ends = 0;
	while (ends < text.n && text.at[text.n - 1 - ends] == '\n')
		ends++;
	w->line_ends = ends == text.n ? w->line_ends + (unsigned)ends : (unsigned)ends;
	w->begun = true;
	return io_write(w->out, text);
}

/* So that a From_ line may follow. */
static int
write_line_ends(struct writer *w, unsigned missing)
{
	return write_out(w, (struct span){ "\n\n", missing });
}

static int
write_buf(struct writer *w)
{
	if (w->buf.failed) {
		errno = ENOMEM;
		return -1;
	}
	int result = write_out(w, buf_span(&w->buf));
	buf_clear(&w->buf);
	return result;
}

static int
write_mended(struct writer *w, off_t from, off_t to, bool from_line)
{
	struct mend mend = { .sum = 1, .mid_line = from_line };
	struct span line;

	for (; from < to; from += (off_t)line.n) {
		if (window_line(&w->window, from, to, &line) < 0)
			return -1;
		mend_line(&mend, line, &w->buf);
		if (w->buf.len > WINDOW && write_buf(w) < 0)
			return -1;
	}
	return write_buf(w);
}

static int
write_message(struct writer *w, const struct inspect_part *part)
{
	const struct prefix *p = &part->prefix;
	unsigned missing = w->line_ends < 2 ? 2 - w->line_ends : 0;

	if (w->begun && part->from_line && write_line_ends(w, missing) < 0)
		return -1;
	if (!part->reseal) {
		buf_add(&w->buf, p->text, p->length);
		return write_mended(
		    w, part->from + (off_t)p->raw, part->to, part->from_line && p->length == 0);
	}
	/* The entry line anew, for what stands below it; its UIDL stays. */
	struct mbox_entry entry = p->entry;
	entry.wire = part->wire;
	missing = mend_missing(&part->mend);
	uint32_t sum = adler32(part->mend.sum, "\n\n", missing);
	buf_add(&w->buf, p->text, p->from);
	mbox_entry_write(&entry, part->mend.stored + missing, sum, &w->buf);
	if (write_mended(w, part->from + (off_t)p->raw, part->to, false) < 0)
		return -1;
	return write_line_ends(w, missing);
}

static int
write_part(void *context, const struct inspect_part *part)
{
	struct writer *w = context;
	const char *why = "belongs to no message";

	if (part->number > 0)
		w->repair->messages = part->number;
	if (w->first && w->repair->each != NULL)
		(void)w->repair->each(w->repair->context, part);
	switch (part->kind) {
	case INSPECT_TORN:
		why = "torn by a crash";
		/* FALLTHROUGH */
	case INSPECT_STRAY:
		w->repair->set_aside = true;
		return recover_keep(w->maildrop, w->window.fd, part->from, part->to, why);
	case INSPECT_DEAD:
	case INSPECT_HOLE:
		return 0;
	case INSPECT_OURS:
	case INSPECT_REWRITTEN:
	case INSPECT_DAMAGED:
	case INSPECT_FOREIGN:
	case INSPECT_BLANK:
		break;
	}
	return write_message(w, part);
}

/* A new file with the owner's rights of the mailbox. Its descriptor, or -1 with errno. */
static int
create(const struct maildrop *m, const char *name)
{
	struct stat st;

	unlinkat(m->dir, name, 0);
	int fd = io_open(m->dir, name, O_RDWR | O_CREAT | O_EXCL);
	if (fd >= 0 && fstat(m->mbox, &st) == 0 && fchmod(fd, st.st_mode & 0777) == 0)
		return fd;
	io_close(fd);
	return -1;
}

/* What is in source as a new file, mended. Its descriptor, or -1 with errno. */
static int
write_mended_file(const struct maildrop *m, struct repair *repair, int source, off_t size)
{
	struct writer w = { .maildrop = m, .repair = repair, .first = source == m->mbox };

	w.out = create(m, fresh_name);
	if (w.out < 0)
		return -1;
	repair->messages = 0;
	buf_init(&w.buf, 4 * WINDOW);
	window_init(&w.window, source, size);
	int result = inspect(source, size, write_part, &w);
	window_free(&w.window);
	buf_free(&w.buf);
	if (result == 0)
		return w.out;
	io_close(w.out);
	return -1;
}

static int
stop_where_wrong(void *context, const struct inspect_part *part)
{
	(void)context;
	return inspect_is_wrong(part) ? 1 : 0;
}

/* What was mended may look like something else that is wrong: a part of a From_ line before NULs is one at the file's end without them. */
static int
write_repaired(const struct maildrop *m, struct repair *repair)
{
	struct stat st = { .st_size = m->lock.size };
	int source = m->mbox, wrong = 1;

	for (int pass = 0; pass < PASSES && wrong == 1; pass++) {
		int fresh = write_mended_file(m, repair, source, st.st_size);
		if (source != m->mbox)
			io_close(source);
		if (fresh < 0)
			return -1;
		source = fresh;
		wrong = fstat(source, &st) < 0 ? -1 : inspect(source, st.st_size, stop_where_wrong, NULL);
	}
	int result = wrong < 0 ? -1 : fsync(source);
	io_close(source);
	return result;
}

/* Never over one that is there. */
static int
link_kept(const struct maildrop *m, struct repair *repair)
{
	snprintf(repair->kept, sizeof(repair->kept), "%s", kept_name);
	for (int i = 1; linkat(m->dir, keep_name, m->dir, repair->kept, 0) < 0; i++) {
		if (errno != EEXIST || i > KEPT_MOST)
			return -1;
		snprintf(repair->kept, sizeof(repair->kept), "%s.%d", kept_name, i);
	}
	return 0;
}

/*
 * The original, as a copy: were it the same file under a second name, a crash would leave a mailbox with two names, which the daemons refuse.
 */
static int
keep_original(const struct maildrop *m, struct repair *repair)
{
	int fd = create(m, keep_name);
	bool kept = fd >= 0 && io_copy(m->mbox, 0, m->lock.size, fd) == 0 && fsync(fd) == 0 &&
		    link_kept(m, repair) == 0 && unlinkat(m->dir, keep_name, 0) == 0 && fsync(m->dir) == 0;

	io_close(fd);
	return kept ? 0 : -1;
}

static enum maildrop_status
rewrite(const struct maildrop *m, struct repair *repair)
{
	if (write_repaired(m, repair) < 0 || keep_original(m, repair) < 0 ||
	    renameat(m->dir, fresh_name, m->dir, "mbox") < 0) {
		enum maildrop_status status = maildrop_failed(m, "mailbox not repaired");
		unlinkat(m->dir, fresh_name, 0);
		unlinkat(m->dir, keep_name, 0);
		return status;
	}
	repair->rewritten = true;
	unlinkat(m->dir, "mbox.index", 0);
	return fsync(m->dir) < 0 ? maildrop_failed(m, "mailbox not synced") : MAILDROP_OK;
}

/* Under all locks. */
static enum maildrop_status
mend_mailbox(struct maildrop *m, struct repair *repair)
{
	enum maildrop_status status = redo_finish(m);

	if (status != MAILDROP_OK)
		return status;
	int wrong = inspect(m->mbox, m->lock.size, stop_where_wrong, NULL);
	if (wrong == 1)
		return rewrite(m, repair);
	if (wrong == 0)
		wrong = checkup_index(m, m->lock.size);
	if (wrong < 0)
		return maildrop_failed(m, "mailbox not read");
	if (wrong == 1 && index_forget(m->dir, m->index) < 0)
		return maildrop_failed(m, "index not removed");
	repair->index_dropped = wrong == 1;
	return MAILDROP_OK;
}

enum maildrop_status
repair_mailbox(int root, const char *name, struct buf *holder, struct repair *repair)
{
	struct maildrop m;
	int session_lock = -1;
	enum maildrop_status status = maildrop_open(&m, root, name);

	if (status == MAILDROP_OK)
		status = snapshot_lock_session(&m, "pop3d mailbox repair", holder, &session_lock);
	if (status == MAILDROP_OK &&
	    lock_mbox(m.dir, "mbox", m.mbox, MBOX_LOCK_SECONDS, false, &m.lock) != LOCK_OK) {
		errno = errno == ENOSPC ? ENOSPC : EBUSY;
		status = maildrop_failed(&m, "mailbox not locked");
	} else if (status == MAILDROP_OK) {
		status = mend_mailbox(&m, repair);
		maildrop_unlock(&m);
	}
	io_close(session_lock);
	maildrop_close(&m);
	return status;
}
