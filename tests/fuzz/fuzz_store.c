/*
 * A mailbox of any bytes, as crashes and other programs may leave one. Opening it loses no byte, it is the same the next time, with an
 * index and without, and neither a delivery nor a deletion changes what else is there.
 */
#include "hash.h"
#include "mail.h"
#include "redo.h"
#include "snapshot.h"

enum { MESSAGES = 64 };

/* What a session sees: for each message its kind, its UIDL and a hash of what RETR sends. */
struct view {
	enum maildrop_status status;
	size_t n;
	enum index_kind kind[MESSAGES];
	char uidl[MESSAGES][MBOX_UIDL + 1];
	uint8_t hash[MESSAGES][SHA256_SIZE];
};

static void
read_message(struct snapshot *s, size_t i, struct view *view)
{
	struct snapshot_reader reader;
	struct buf out;

	buf_init(&out, MAIL_ROOM);
	MUST(snapshot_read_begin(s, i, -1, false, &reader) == MAILDROP_OK);
	while (!reader.done)
		MUST(snapshot_read(&reader, 100, &out) == MAILDROP_OK);
	/* The entry line of ours says how long it is, and may lie in a file that another wrote. */
	const struct index_entry *entry = &s->all.entries[s->shown == NULL ? i : s->shown[i]];
	if (entry->kind == INDEX_FOREIGN)
		MUST(out.len == snapshot_octets(s, i));
	view->kind[i] = (enum index_kind)entry->kind;
	sha256(out.data, out.len, view->hash[i]);
	buf_free(&out);
}

static void
open_mail(struct snapshot *s, struct view *view)
{
	struct buf holder;

	*view = (struct view){ .n = 0 };
	buf_init(&holder, 1000);
	view->status = snapshot_open(s, mail_root, "anna", "fuzz", &holder);
	buf_free(&holder);
	if (view->status != MAILDROP_OK)
		return;
	for (; view->n < MESSAGES && view->n < s->count; view->n++) {
		const char *uidl = snapshot_uidl(s, view->n);
		MUST(strlen(uidl) > 0 && strlen(uidl) <= MBOX_UIDL);
		memcpy(view->uidl[view->n], uidl, strlen(uidl) + 1);
		for (size_t i = 0; i < view->n; i++)
			MUST(strcmp(view->uidl[i], uidl) != 0);
		read_message(s, view->n, view);
	}
}

static void
look(struct view *view)
{
	struct snapshot s;

	open_mail(&s, view);
	snapshot_close(&s);
}

/* The first `n` of one are the first `n` of the other. */
static void
must_agree(const struct view *a, const struct view *b, size_t n)
{
	MUST(a->status == b->status && a->n >= n && b->n >= n);
	for (size_t i = 0; i < n; i++) {
		must_equal(span_of(a->uidl[i]), span_of(b->uidl[i]));
		MUST(memcmp(a->hash[i], b->hash[i], SHA256_SIZE) == 0);
	}
}

/* What is in mbox and, behind it, in at most so many pieces in mbox.torn, the last first, is what was in mbox. */
static void
must_be_kept(struct span original, size_t most)
{
	struct buf mbox, torn;

	mail_read("mbox", &mbox);
	mail_read("mbox.torn", &torn);
	size_t pieces = mbox.len + torn.len - original.n; /* each has a line end more */
	MUST(mbox.len <= original.n && pieces <= most && (pieces > 0) == (torn.len > 0));
	must_equal(buf_span(&mbox), span_slice(original, 0, mbox.len));
	if (pieces == 1)
		must_equal(
		    span_slice(buf_span(&torn), 0, torn.len - 1), span_slice(original, mbox.len, original.n));
	buf_free(&mbox);
	buf_free(&torn);
}

/*
 * Without an index the last message is looked at again. That of ours with a wrong sum is taken for torn, which was not seen before if
 * something else was cut off behind it then.
 */
static void
look_without_index(struct span input, const struct view *first)
{
	struct view again;

	unlinkat(mail_folder, "mbox.index", 0);
	look(&again);
	if (again.n < first->n)
		MUST(again.n + 1 == first->n && first->kind[again.n] == INDEX_OURS);
	must_agree(first, &again, again.n);
	must_be_kept(input, 2);
}

static void
deliver(void)
{
	struct maildrop m;
	struct spool body;
	struct letter letter = { .id = "new", .sender = "bob@example.org", .body = &body };

	spool_init(&body, mail_root);
	spool_add(&body, span_of("Subject: new\r\n\r\nFrom here\r\n"));
	MUST(spool_finish(&body) == 0);
	letter.trace = span_of("Return-Path: <bob@example.org>\n");
	MUST(maildrop_open(&m, mail_root, "anna") == MAILDROP_OK);
	MUST(maildrop_append(&m, &letter, 0) == MAILDROP_OK && maildrop_sync(&m) == MAILDROP_OK);
	maildrop_close(&m);
	spool_free(&body);
}

static bool
is_odd(const void *context, size_t message)
{
	(void)context;
	return message % 2 == 1;
}

/* What is dead is as good as gone, with an index and without; and no other byte has changed. */
static void
bury_some(void)
{
	struct maildrop m;
	struct listing all;
	struct view before, after;
	bool gone[MESSAGES] = { false }, done = false;

	look(&before);
	MUST(maildrop_open(&m, mail_root, "anna") == MAILDROP_OK && maildrop_lock(&m, true) == MAILDROP_OK);
	MUST(listing_load(&all, &m) == MAILDROP_OK && m.indexed);
	for (size_t i = 0, message = 0; i < all.count && i < MESSAGES; i++)
		gone[i] = !index_is_hidden(&all.entries[i]) && is_odd(NULL, message++);
	if (all.count < MESSAGES && before.n == all.count)
		MUST(redo_bury(&m, all.entries, gone, &done) == MAILDROP_OK);
	listing_free(&all);
	maildrop_unlock(&m);
	maildrop_close(&m);
	for (int indexed = 1; indexed >= 0 && done; indexed--) {
		look(&after);
		MUST(after.status == MAILDROP_OK);
		MUST(after.n == (before.n + 1) / 2 || (indexed == 0 && after.n == (before.n - 1) / 2));
		for (size_t i = 0; i < after.n; i++)
			MUST(memcmp(after.hash[i], before.hash[2 * i], SHA256_SIZE) == 0);
		unlinkat(mail_folder, "mbox.index", 0);
	}
}

static void
delete_some(void)
{
	struct snapshot s;
	struct view before, after;

	open_mail(&s, &before);
	MUST(snapshot_expunge(&s, is_odd, NULL) == MAILDROP_OK);
	snapshot_close(&s);
	look(&after);
	MUST(after.status == MAILDROP_OK && after.n == (before.n + 1) / 2);
	for (size_t i = 0; i < after.n; i++)
		MUST(memcmp(after.hash[i], before.hash[2 * i], SHA256_SIZE) == 0);
}

void
fuzz(struct span input)
{
	struct view first, again;

	mail_begin();
	mail_write("mbox", input);
	look(&first);
	must_be_kept(input, 1);
	look(&again);
	must_agree(&first, &again, first.n);
	MUST(again.n == first.n);
	look_without_index(input, &first);
	if (first.status != MAILDROP_OK || first.n >= MESSAGES - 1)
		return;
	look(&first);
	deliver();
	look(&again);
	must_agree(&first, &again, first.n);
	MUST(again.n == first.n + 1);
	bury_some();
	delete_some();
}
