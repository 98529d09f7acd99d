#include "snapshot.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "io.h"
#include "unique.h"

enum { BEHIND = 5 }; /* bytes by which it is seen that a message ends */

/* "2026-11-24 05:31:18 UTC from 127.0.0.1", for whoever finds the session lock taken. Always as long, so that one write does. */
static void
sign_session_lock(int fd, const char *client)
{
	char text[128];
	struct tm tm;
	time_t now = time(NULL);

	gmtime_r(&now, &tm);
	size_t n = strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	snprintf(text + n, sizeof(text) - n, " from %-64.64s\n", client);
	(void)io_write_at(fd, span_of(text), 0);
}

enum maildrop_status
snapshot_lock_session(const struct maildrop *m, const char *client, struct buf *holder, int *fd)
{
	char text[128];

	*fd = io_open(m->dir, "pop3.lock", O_RDWR | O_CREAT);
	if (*fd < 0)
		return maildrop_failed(m, "session lock not opened");
	enum lock_status locked = lock_fcntl(*fd, 0);
	if (locked == LOCK_OK) {
		sign_session_lock(*fd, client);
		return MAILDROP_OK;
	}
	if (locked != LOCK_BUSY)
		return maildrop_failed(m, "session lock not taken");
	ssize_t n = io_read_at(*fd, text, sizeof(text), 0);
	buf_add_escaped(holder, span_trim((struct span){ text, n > 0 ? (size_t)n : 0 }));
	return MAILDROP_IN_USE;
}

/* The index is behind: what it knows but for the last message, which may have grown, and the rest read anew. False: read it all anew. */
static bool
catch_up(const struct maildrop *m, struct index_list *list)
{
	if (m->header.count == 0 || m->header.clean > (uint64_t)m->lock.size)
		return false;
	const struct index_entry *old = index_map(m->index, &m->header);
	if (old == NULL)
		return false;
	const struct index_entry *last = &old[m->header.count - 1];
	bool holds = survey_is_there(m->mbox, m->lock.size, last);
	for (const struct index_entry *e = old; e < last && holds; e++)
		holds = index_list_add(list, e) == 0;
	holds = holds && survey(m->mbox, (off_t)last->offset, m->lock.size, list) == 0;
	index_unmap(old, m->header.count);
	return holds;
}

/* A new index that cannot be written is no loss: the list serves. */
static enum maildrop_status
survey_and_index(struct maildrop *m, struct index_list *list)
{
	if (!catch_up(m, list)) {
		index_list_free(list);
		if (survey(m->mbox, 0, m->lock.size, list) < 0)
			return maildrop_failed(m, "mailbox not read");
	}
	if (survey_tell_twins_apart(list) < 0)
		return maildrop_failed(m, "mailbox not read");
	if (m->index >= 0) {
		index_make_void(m->index); /* for those who have it open still */
		close(m->index);
	}
	m->index = index_replace(m->dir, m->lock.inode, (uint64_t)m->lock.size, list, &m->header);
	m->indexed = m->index >= 0;
	return MAILDROP_OK;
}

/* The index, mapped, if the last message that it knows stands in the mailbox: a size alone may be right by chance. */
static const struct index_entry *
trusted(const struct maildrop *m)
{
	const struct index_entry *entries = index_map(m->index, &m->header);

	if (entries == NULL || survey_is_there(m->mbox, m->lock.size, &entries[m->header.count - 1]))
		return entries;
	index_unmap(entries, m->header.count);
	return NULL;
}

enum maildrop_status
listing_load(struct listing *l, struct maildrop *m)
{
	enum maildrop_status status = MAILDROP_OK;

	*l = (struct listing){ .entries = m->indexed ? trusted(m) : NULL };
	if (l->entries == NULL && !(m->indexed && m->lock.size == 0)) {
		status = survey_and_index(m, &l->own);
		if (status == MAILDROP_OK && m->indexed)
			l->entries = index_map(m->index, &m->header);
	}
	if (l->entries != NULL)
		index_list_free(&l->own);
	l->count = l->entries != NULL ? m->header.count : l->own.count;
	if (l->entries == NULL)
		l->entries = l->own.entries;
	return status;
}

void
listing_free(struct listing *l)
{
	if (l->entries != l->own.entries)
		index_unmap(l->entries, l->count);
	index_list_free(&l->own);
	*l = (struct listing){ .entries = NULL };
}

enum maildrop_status
listing_has(struct maildrop *m, const char *uidl, bool *has)
{
	struct listing l = { .entries = NULL };
	enum maildrop_status status = maildrop_lock(m, true);

	*has = false;
	if (status != MAILDROP_OK)
		return status;
	status = listing_load(&l, m);
	maildrop_unlock(m);
	for (size_t i = l.count; i > 0 && !*has; i--)
		*has = l.entries[i - 1].kind != INDEX_TORN && strcmp(l.entries[i - 1].uidl, uidl) == 0;
	listing_free(&l);
	return status;
}

/* Number what is shown. */
static enum maildrop_status
number(struct snapshot *s)
{
	const struct listing *all = &s->all;

	if (s->maildrop.header.hidden == 0) {
		s->count = all->count;
		s->total = s->maildrop.header.wire;
		return MAILDROP_OK;
	}
	for (size_t i = 0; i < all->count; i++) {
		bool shown = !index_is_hidden(&all->entries[i]);
		s->count += shown;
		s->total += shown ? all->entries[i].wire : 0;
	}
	s->shown = malloc((s->count + 1) * sizeof(*s->shown));
	if (s->shown == NULL)
		return maildrop_failed(&s->maildrop, "mailbox not read");
	for (size_t i = 0, message = 0; i < all->count; i++)
		if (!index_is_hidden(&all->entries[i]))
			s->shown[message++] = i;
	return MAILDROP_OK;
}

enum maildrop_status
snapshot_open(struct snapshot *s, int root, const char *name, const char *client, struct buf *holder)
{
	*s = (struct snapshot){ .session_lock = -1 };
	enum maildrop_status status = maildrop_open(&s->maildrop, root, name);
	if (status == MAILDROP_OK)
		status = snapshot_lock_session(&s->maildrop, client, holder, &s->session_lock);
	if (status == MAILDROP_OK)
		status = maildrop_lock(&s->maildrop, true);
	if (status != MAILDROP_OK)
		return status;
	status = listing_load(&s->all, &s->maildrop);
	maildrop_unlock(&s->maildrop);
	if (status == MAILDROP_OK)
		status = number(s);
	window_init(&s->window, s->maildrop.mbox, s->maildrop.lock.size);
	return status;
}

void
snapshot_close(struct snapshot *s)
{
	listing_free(&s->all);
	free(s->shown);
	window_free(&s->window);
	maildrop_close(&s->maildrop);
	io_close(s->session_lock);
	*s = (struct snapshot){ .session_lock = -1, .maildrop = { .dir = -1, .mbox = -1, .index = -1 } };
}

static const struct index_entry *
entry_of(const struct snapshot *s, size_t message)
{
	return &s->all.entries[s->shown == NULL ? message : s->shown[message]];
}

uint64_t
snapshot_octets(const struct snapshot *s, size_t message)
{
	return entry_of(s, message)->wire;
}

const char *
snapshot_uidl(const struct snapshot *s, size_t message)
{
	return entry_of(s, message)->uidl;
}

/* Whether the message is in its place, and if so what stands at `at`. -1 with errno. */
static int
read_piece(struct snapshot *s, const struct index_entry *entry, off_t at)
{
	const off_t begin = (off_t)entry->offset, end = begin + (off_t)entry->stored;
	const size_t n = end - at < WINDOW ? (size_t)(end - at) : WINDOW;
	struct span text;
	struct stat st;

	/* A message of the usual size in one go, with how the next one begins. */
	if (at == begin && n + BEHIND <= WINDOW) {
		if (window_read(&s->window, at, n + BEHIND) < 0)
			return -1;
	} else if (fstat(s->maildrop.mbox, &st) < 0)
		return -1;
	else {
		s->window.size = st.st_size;
		s->window.len = 0;
	}
	int there = survey_still_there(&s->window, entry);
	return there == 1 && window_at(&s->window, at, 1, n, &text) < 0 ? -1 : there;
}

/* Who rewrites the mailbox has it locked: what is read under the lock is not in the middle of that. */
static enum maildrop_status
read_locked(struct snapshot *s, const struct index_entry *entry, off_t at)
{
	int mbox = s->maildrop.mbox;
	enum lock_status locked = lock_fcntl_shared(mbox, MBOX_LOCK_SECONDS);

	if (locked != LOCK_OK) {
		errno = locked == LOCK_BUSY ? EBUSY : errno;
		return maildrop_failed(&s->maildrop, "mailbox not locked");
	}
	int there = read_piece(s, entry, at);
	lock_fcntl_release(mbox);
	if (there < 0)
		return maildrop_failed(&s->maildrop, "mailbox not read");
	if (there == 1)
		return MAILDROP_OK;
	/* The next session finds out what stands there now. */
	index_forget(s->maildrop.dir, s->maildrop.index);
	return MAILDROP_CHANGED;
}

enum maildrop_status
snapshot_read_begin(struct snapshot *s, size_t message, long lines, bool stuff, struct snapshot_reader *r)
{
	const struct index_entry *entry = entry_of(s, message);

	*r = (struct snapshot_reader){
		.snapshot = s, .message = message, .lines = lines, .wire = { .stuff = stuff }
	};
	r->at = (off_t)(entry->offset + entry->prefix);
	r->end = (off_t)(entry->offset + entry->stored - entry->separator);
	return read_locked(s, entry, (off_t)entry->offset);
}

/* How much of the text TOP still wants. */
static size_t
cut_for_top(struct snapshot_reader *r, struct span text)
{
	for (size_t i = 0; i < text.n;) {
		const char *lf = memchr(text.at + i, '\n', text.n - i);
		size_t next = lf == NULL ? text.n : (size_t)(lf - text.at) + 1;
		bool empty = !r->line_begun && (text.at[i] == '\n' || (next - i == 2 && text.at[i] == '\r'));
		if (r->in_body && r->lines-- == 0) {
			r->lines = 0;
			return i;
		}
		if (lf == NULL && r->in_body)
			r->lines++;
		r->in_body |= lf != NULL && empty;
		r->line_begun = lf == NULL;
		i = next;
	}
	return text.n;
}

enum maildrop_status
snapshot_read(struct snapshot_reader *r, size_t limit, struct buf *out)
{
	struct snapshot *s = r->snapshot;
	const struct index_entry *entry = entry_of(s, r->message);
	size_t before = out->len;

	while (r->at < r->end && out->len - before < limit) {
		size_t left = (size_t)(r->end - r->at);
		struct span text;
		enum maildrop_status status = MAILDROP_OK;
		if (r->at >= s->window.base + (off_t)s->window.len)
			status = read_locked(s, entry, r->at);
		if (status != MAILDROP_OK)
			return status;
		if (window_at(&s->window, r->at, 1, 0, &text) < 0)
			return maildrop_failed(&s->maildrop, "mailbox not read");
		text = span_slice(text, 0, left < limit ? left : limit);
		size_t wanted = r->lines < 0 ? text.n : cut_for_top(r, text);
		if (mbox_to_wire(&r->wire, span_slice(text, 0, wanted), out) < 0)
			return MAILDROP_TEMP;
		r->at = wanted < text.n ? r->end : r->at + (off_t)wanted;
	}
	if (r->at < r->end)
		return MAILDROP_OK;
	r->done = true;
	return mbox_to_wire_end(&r->wire, out) < 0 ? MAILDROP_TEMP : MAILDROP_OK;
}
