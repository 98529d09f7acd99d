#include "survey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "hash.h"
#include "io.h"
#include "prefix.h"
#include "scan.h"

enum {
	JUMP = 4096,	 /* read(2) of what is only looked at */
	NEAR = 16 * 1024 /* bytes that are copied sooner than another read(2) is called */
};

void
window_init(struct window *w, int fd, off_t size)
{
	*w = (struct window){ .fd = fd, .size = size };
}

void
window_free(struct window *w)
{
	free(w->data);
	w->data = NULL;
}

static int
make_room(struct window *w, size_t room)
{
	free(w->data);
	w->data = malloc(room);
	w->len = 0;
	w->room = w->data == NULL ? 0 : room;
	return w->data == NULL ? -1 : 0;
}

static int
fill(struct window *w, off_t at, size_t want)
{
	if (want > w->room && make_room(w, want) < 0)
		return -1;
	ssize_t got = io_read_at(w->fd, w->data, want, at);
	if (got < 0)
		return -1;
	w->base = at;
	w->len = (size_t)got;
	return 0;
}

int
window_read(struct window *w, off_t at, size_t want)
{
	if (fill(w, at, want) < 0)
		return -1;
	w->size = at + (off_t)w->len;
	return 0;
}

int
window_at(struct window *w, off_t at, size_t least, size_t want, struct span *bytes)
{
	size_t left = at < w->size ? (size_t)(w->size - at) : 0;
	off_t end = w->base + (off_t)w->len;

	if (w->len > 0 && at >= w->base && at < end + NEAR && want < WINDOW)
		want = WINDOW;
	least = least < left ? least : left;
	want = want < left ? want : left;
	if (w->data == NULL || at < w->base || at + (off_t)least > end) {
		if (fill(w, at, want) < 0)
			return -1;
		if (w->len < least) {
			errno = EIO; /* shorter than it was a moment ago, in spite of the lock */
			return -1;
		}
	}
	size_t skip = (size_t)(at - w->base);
	*bytes = least == 0 ? (struct span){ w->data, 0 } : (struct span){ w->data + skip, w->len - skip };
	return 0;
}

int
window_some(struct window *w, off_t at, off_t end, struct span *text)
{
	if (window_at(w, at, 1, WINDOW, text) < 0)
		return -1;
	*text = span_slice(*text, 0, (size_t)(end - at));
	return 0;
}

int
window_line(struct window *w, off_t at, off_t end, struct span *line)
{
	struct span text;

	if (window_at(w, at, MBOX_PREFIX, WINDOW, &text) < 0)
		return -1;
	*line = span_line(span_slice(text, 0, (size_t)(end - at)));
	if (line->n > 1 && at + (off_t)line->n < end && line->at[line->n - 1] == '\r')
		line->n--;
	return 0;
}

int
window_sum(struct window *w, off_t at, off_t end, uint32_t *sum)
{
	struct span text;

	for (*sum = 1; at < end; at += (off_t)text.n) {
		if (window_some(w, at, end, &text) < 0)
			return -1;
		*sum = adler32(*sum, text.at, text.n);
	}
	return 0;
}

int
window_has_nul(struct window *w, off_t at, off_t end)
{
	struct span text;

	for (; at < end; at += (off_t)text.n) {
		if (window_some(w, at, end, &text) < 0)
			return -1;
		if (span_has(text, '\0'))
			return 1;
	}
	return 0;
}

static bool
is_whole(struct span line)
{
	return line.n > 0 && line.at[line.n - 1] == '\n';
}

int
survey_prefix(struct window *w, off_t at, struct survey_prefix *prefix)
{
	struct span text;

	*prefix = (struct survey_prefix){ .from = false };
	if (window_at(w, at, MBOX_PREFIX, JUMP, &text) < 0)
		return -1;
	bool to_end = at + (off_t)text.n == w->size;
	struct span from = span_line(text), entry = span_line(span_slice(text, from.n, text.n));
	prefix->nul = span_has(from, '\0');
	prefix->from = is_whole(from) && mbox_is_from_line(from);
	if (!prefix->from) {
		prefix->begun = to_end && !is_whole(from) && prefix_may_begin(from, "From ");
		return 0;
	}
	prefix->nul |= span_has(entry, '\0');
	prefix->dead = mbox_is_marked(text);
	prefix->ours = is_whole(entry) && mbox_entry_parse(span_slice(entry, 0, entry.n - 1), &prefix->entry);
	prefix->begun = to_end && !is_whole(entry) && prefix_may_begin(entry, "X-UIDL: ");
	prefix->length = (uint32_t)(from.n + (prefix->ours ? entry.n : 0));
	return 0;
}

int
survey_is_boundary(struct window *w, off_t at)
{
	const size_t before = at < 2 ? 0 : 2;
	struct span text;

	if (at > w->size || at == 1)
		return 0;
	if (window_at(w, at - (off_t)before, before + 5, JUMP, &text) < 0)
		return -1;
	if (before > 0 && memcmp(text.at, "\n\n", before) != 0)
		return 0;
	return at == w->size || mbox_is_from_line(span_slice(text, before, text.n));
}

int
survey_read_through(struct window *w, off_t at, struct scan *scan)
{
	struct span text;
	size_t used;

	for (;;) {
		if (window_at(w, at, SCAN_LOOK + 1, WINDOW, &text) < 0)
			return -1;
		bool at_end = at + (off_t)text.n == w->size;
		if (scan_push(scan, text.at, text.n, at_end, &used) == SCAN_NEXT || at_end)
			return 0;
		at += (off_t)used;
	}
}

/* A message that is not, or not any more, as smtpd wrote it. */
static int
read_entry(struct window *w, const struct survey_prefix *prefix, struct index_entry *entry)
{
	struct scan scan;
	uint32_t known = prefix->ours ? prefix->length : 0;

	scan_init(&scan, prefix->ours ? SCAN_HEADER : SCAN_FROM);
	if (survey_read_through(w, (off_t)entry->offset + known, &scan) < 0)
		return -1;
	entry->stored = known + scan.stored;
	entry->wire = scan_wire(&scan);
	entry->prefix = prefix->ours ? known : (uint32_t)scan.from;
	entry->separator = (uint16_t)scan_separator(&scan);
	if (!prefix->ours)
		scan_uidl(&scan, entry->uidl);
	bool too_short = entry->stored < prefix->entry.stored && !scan.read_mark;
	bool torn = prefix->nul || (prefix->ours && (scan.nul || too_short));
	entry->kind = torn ? INDEX_TORN : prefix->ours ? INDEX_OURS : INDEX_FOREIGN;
	if (prefix->dead)
		entry->kind = INDEX_DEAD;
	return 0;
}

int
survey_is_certified(struct window *w, off_t at, const struct survey_prefix *prefix)
{
	const off_t text = at + (off_t)prefix->length, end = at + (off_t)prefix->entry.stored;
	uint32_t head, sum;

	if (end <= text || end > w->size)
		return 0;
	if (window_sum(w, at, text - (off_t)strlen("01234567\n"), &head) < 0 ||
	    window_sum(w, text, end, &sum) < 0)
		return -1;
	return adler32_combine(head, sum, (uint64_t)(end - text)) == prefix->entry.sum;
}

/*
 * May the message be passed over by what its entry line says? -1 with errno. Of deliveries that were not synced yet when the power went
 * bytes may lack where the file has their whole length.
 */
static int
can_jump(struct window *w, off_t at, const struct survey_prefix *prefix)
{
	if (prefix->entry.stored <= prefix->length || prefix->entry.stored > (uint64_t)(w->size - at))
		return 0;
	off_t end = at + (off_t)prefix->entry.stored;
	int hole = w->size - at > SURVEY_DOUBTED ? 0 : window_has_nul(w, at, end);
	return hole == 0 ? survey_is_boundary(w, end) : hole < 0 ? -1 : 0;
}

/* The message at entry->offset. behind: the one before ends there by its entry line alone. 1: so does this one; 0; -1 with errno. */
static int
survey_one(struct window *w, bool behind, struct index_entry *entry)
{
	struct survey_prefix prefix;

	if (survey_prefix(w, (off_t)entry->offset, &prefix) < 0)
		return -1;
	if (!prefix.from && !prefix.begun) {
		struct span text;
		if (window_at(w, (off_t)entry->offset, 5, JUMP, &text) < 0)
			return -1;
		/* A From_ line may be longer than any of ours. Else blocks that were never written may stand behind one that is ours. */
		prefix.nul |= !mbox_is_from_line(text);
		if (!behind && !mbox_is_from_line(text)) {
			errno = EBADMSG;
			return -1;
		}
	}
	if (!prefix.ours)
		return read_entry(w, &prefix, entry);
	memcpy(entry->uidl, prefix.entry.uidl, sizeof(entry->uidl));
	int jump = can_jump(w, (off_t)entry->offset, &prefix);
	if (jump < 0 || (jump == 0 && read_entry(w, &prefix, entry) < 0))
		return -1;
	/* A NUL hides a message of ours, unless it stands behind one that is whole. */
	int certified = 0;
	if (jump == 0 && entry->kind == INDEX_TORN)
		certified = survey_is_certified(w, (off_t)entry->offset, &prefix);
	if (jump == 0 && certified < 1)
		return certified;
	entry->stored = prefix.entry.stored;
	entry->wire = prefix.entry.wire;
	entry->prefix = prefix.length;
	entry->separator = 1;
	entry->kind = INDEX_OURS;
	return certified;
}

int
survey(int mbox, off_t from, off_t size, struct index_list *list)
{
	struct window w;
	int result = 0;

	window_init(&w, mbox, size);
	while (result >= 0 && from < size) {
		struct index_entry entry = { .offset = (uint64_t)from };
		result = survey_one(&w, result == 1, &entry);
		if (result >= 0 && index_list_add(list, &entry) < 0)
			result = -1;
		from += (off_t)entry.stored;
	}
	window_free(&w);
	return result < 0 ? -1 : 0;
}

/* Where in the table, of a power of two of entry numbers + 1, a UIDL is, or belongs. FNV-1a, linear probing. */
static size_t *
find_slot(size_t *table, size_t size, const struct index_list *list, const char *uidl)
{
	size_t slot = 2166136261U;

	for (const char *c = uidl; *c != '\0'; c++)
		slot = (slot ^ (unsigned char)*c) * 16777619U;
	while (table[slot & (size - 1)] != 0 &&
	       strcmp(list->entries[table[slot & (size - 1)] - 1].uidl, uidl) != 0)
		slot++;
	return &table[slot & (size - 1)];
}

int
survey_tell_twins_apart(struct index_list *list)
{
	size_t size = 64;

	while (size < list->count * 2)
		size *= 2;
	size_t *table = calloc(size, sizeof(*table));
	unsigned *twins = calloc(list->count + 1, sizeof(*twins));
	for (size_t i = 0; i < list->count && table != NULL && twins != NULL; i++) {
		char *uidl = list->entries[i].uidl;
		size_t *slot = find_slot(table, size, list, uidl);
		char name[MBOX_UIDL + 1];
		memcpy(name, uidl, sizeof(name));
		for (size_t twin = *slot; *slot != 0;) {
			snprintf(uidl, sizeof(name), "%.22s-%x", name, ++twins[twin - 1] + 1);
			slot = find_slot(table, size, list, uidl);
		}
		*slot = i + 1;
	}
	int result = table == NULL || twins == NULL ? -1 : 0;
	free(table);
	free(twins);
	return result;
}

/* A twin's ordinal stands behind the name. */
static bool
is_named(const struct index_entry *entry, const char *uidl)
{
	return strcmp(entry->uidl, uidl) == 0 || strncmp(entry->uidl, uidl, strcspn(entry->uidl, "-")) == 0;
}

/* What begins with anything else hides no message that its sum shows to be whole. */
static int
is_certified_there(struct window *w, const struct index_entry *entry)
{
	struct survey_prefix prefix;

	if (survey_prefix(w, (off_t)entry->offset, &prefix) < 0)
		return -1;
	if (!prefix.ours || prefix.entry.stored != entry->stored)
		return 0;
	return survey_is_certified(w, (off_t)entry->offset, &prefix);
}

/* Does it still end there, with the next message or the file? One that nobody has separated from the next may have got a line end since. */
static int
is_as_long(struct window *w, const struct index_entry *entry)
{
	struct span next;
	off_t end = (off_t)(entry->offset + entry->stored);

	if (entry->separator == 0)
		return 1;
	if (end > w->size)
		return 0;
	if (window_at(w, end, 5, JUMP, &next) < 0)
		return -1;
	/* Or with blocks that a power cut left unwritten. */
	if (next.n == 0 || next.at[0] == '\0' || memcmp(next.at, "From ", next.n < 5 ? next.n : 5) == 0)
		return 1;
	return entry->kind == INDEX_OURS ? is_certified_there(w, entry) : 0;
}

static int
begins_there(struct window *w, const struct index_entry *entry)
{
	struct survey_prefix prefix;
	struct scan scan;
	struct span text;
	size_t used;
	char uidl[MBOX_UIDL + 1];

	if (survey_prefix(w, (off_t)entry->offset, &prefix) < 0)
		return -1;
	if (entry->kind == INDEX_DEAD || prefix.dead)
		return entry->kind == INDEX_DEAD && prefix.dead;
	if (entry->kind == INDEX_OURS)
		return prefix.ours && is_named(entry, prefix.entry.uidl);
	size_t enough = entry->stored < WINDOW ? (size_t)entry->stored : WINDOW;
	if (window_at(w, (off_t)entry->offset, enough, enough, &text) < 0)
		return -1;
	if (prefix.ours || !mbox_is_from_line(text))
		return 0;
	scan_init(&scan, SCAN_FROM);
	scan_push(&scan, text.at, text.n, true, &used);
	if (scan.part != SCAN_BODY && entry->stored > text.n)
		return 1; /* a header of more than a window */
	scan_uidl(&scan, uidl);
	return is_named(entry, uidl);
}

int
survey_still_there(struct window *w, const struct index_entry *entry)
{
	int there = begins_there(w, entry);

	return there == 1 ? is_as_long(w, entry) : there;
}

bool
survey_is_there(int mbox, off_t size, const struct index_entry *entry)
{
	struct window w;

	window_init(&w, mbox, size);
	bool there = survey_still_there(&w, entry) == 1;
	window_free(&w);
	return there;
}
