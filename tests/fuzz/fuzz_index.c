/*
 * A mailbox whose index has rotted: the input is laid over it, bit by bit, but for what makes it the index of this mailbox. It is a
 * cache: it may be believed or not, but no byte of mail is lost, and what is read is bounded.
 */
#include "index.h"

#include "mail.h"
#include "snapshot.h"

static const char mailbox[] = "From a\nSubject: one\n\ntext\n\n"
			      "From bob@example.org Tue Nov 24 05:31:18 2026\nX-UIDL: 1a 123 53 b14f2233\n"
			      "Return-Path: <bob@example.org>\nSubject: x\n\nhello\n\n"
			      "From c\nSubject: three\n\nlast\n\n";

static enum maildrop_status
open_mail(struct snapshot *s)
{
	struct buf holder;

	buf_init(&holder, 1000);
	enum maildrop_status status = snapshot_open(s, mail_root, "anna", "fuzz", &holder);
	buf_free(&holder);
	return status;
}

static void
rot(struct span input)
{
	const size_t known = offsetof(struct index_header, clean);
	struct buf index;

	mail_read("mbox.index", &index);
	MUST(index.len > known);
	for (size_t i = 0; i < input.n && known + i < index.len; i++)
		index.data[known + i] = (char)(index.data[known + i] ^ input.at[i]);
	mail_write("mbox.index", buf_span(&index));
	buf_free(&index);
}

static void
read_all(struct snapshot *s)
{
	struct snapshot_reader reader;
	struct buf out;

	buf_init(&out, MAIL_ROOM);
	for (size_t i = 0; i < s->count; i++) {
		MUST(memchr(snapshot_uidl(s, i), '\0', MBOX_UIDL + 1) != NULL);
		(void)snapshot_octets(s, i);
		buf_clear(&out);
		if (snapshot_read_begin(s, i, -1, true, &reader) != MAILDROP_OK)
			continue;
		while (!reader.done && snapshot_read(&reader, 100, &out) == MAILDROP_OK)
			MUST(out.len <= 2 * sizeof mailbox);
	}
	buf_free(&out);
}

static bool
is_first(const void *context, size_t message)
{
	(void)context;
	return message == 0;
}

/* Is all of the mailbox in its files, whatever became of it? */
static void
must_be_kept(void)
{
	struct buf mbox, torn;

	mail_read("mbox", &mbox);
	mail_read("mbox.torn", &torn);
	MUST(mbox.len + torn.len == sizeof mailbox - 1 + (torn.len > 0));
	must_equal(buf_span(&mbox), (struct span){ mailbox, mbox.len });
	buf_free(&mbox);
	buf_free(&torn);
}

void
fuzz(struct span input)
{
	struct snapshot s;

	mail_begin();
	mail_write("mbox", (struct span){ mailbox, sizeof mailbox - 1 });
	MUST(open_mail(&s) == MAILDROP_OK && s.count == 3);
	snapshot_close(&s);
	rot(input);
	if (open_mail(&s) == MAILDROP_OK)
		read_all(&s);
	must_be_kept();
	if (s.count > 0)
		(void)snapshot_expunge(&s, is_first, NULL);
	snapshot_close(&s);
}
