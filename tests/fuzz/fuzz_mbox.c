/*
 * Messages, parted by \xff in the input, are quoted into a mailbox. Each comes back as it was, and a scan of the mailbox finds where
 * each begins and how long it is on the wire.
 */
#include "mbox.h"

#include "fuzz.h"
#include "hash.h"
#include "scan.h"

enum { MESSAGES = 16 };

struct stored {
	size_t from, end;
	uint64_t wire;
};

/* What is stored goes back over the wire as `content`, with a line end where it lacks one. */
static void
must_come_back(struct span stored, struct span content, uint64_t octets)
{
	struct mbox_wire wire = { .stuff = false };
	struct cuts cuts = { (uint32_t)content.n };
	struct buf out;

	buf_init(&out, 2 * stored.n + 16);
	stored.n--; /* the empty line behind it */
	while (stored.n > 0) {
		struct span piece = fuzz_cut(&stored, cuts_next(&cuts));
		MUST(mbox_to_wire(&wire, piece, &out) == 0);
	}
	MUST(mbox_to_wire_end(&wire, &out) == 0);
	MUST(out.len == octets);
	MUST(out.len == content.n ||
	     (out.len == content.n + 2 && memcmp(out.data + content.n, "\r\n", 2) == 0));
	must_equal(span_slice(buf_span(&out), 0, content.n), content);
	buf_free(&out);
}

/* What a session passes on: CRLF lines without a NUL. */
static void
clean(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.at[i] == '\n')
			buf_add_string(out, "\r\n");
		else if (text.at[i] != '\r' && text.at[i] != '\0')
			buf_add_char(out, text.at[i]);
	MUST(!out->failed);
}

static struct stored
store(struct span content, struct buf *mailbox)
{
	struct mbox_quoter quoter;
	struct cuts cuts = { (uint32_t)content.n };
	struct stored at = { .from = mailbox->len };

	MUST(mbox_from_line("anna@example.org", 0, mailbox) == 0);
	size_t body = mailbox->len;
	mbox_quoter_init(&quoter);
	for (struct span rest = content; rest.n > 0;) {
		struct span piece = fuzz_cut(&rest, cuts_next(&cuts));
		MUST(mbox_quote(&quoter, piece, mailbox) == 0);
	}
	MUST(mbox_quote_end(&quoter, mailbox) == 0);
	struct span stored = span_slice(buf_span(mailbox), body, mailbox->len);
	MUST(quoter.stored == stored.n && quoter.sum == adler32(1, stored.at, stored.n));
	must_come_back(stored, content, quoter.wire);
	at.end = mailbox->len;
	at.wire = quoter.wire;
	return at;
}

/* The last message is at the end of the file. */
static void
must_be_found(struct span mailbox, const struct stored *at)
{
	struct scan scan;
	struct cuts cuts = { (uint32_t)mailbox.n };
	size_t i = at->from, used;
	char uidl[MBOX_UIDL + 1];
	enum scan_result result;

	scan_init(&scan, SCAN_FROM);
	do {
		struct span rest = span_slice(mailbox, i, mailbox.n);
		struct span piece = fuzz_cut(&rest, SCAN_LOOK + cuts_next(&cuts));
		result = scan_push(&scan, piece.at, piece.n, rest.n == 0, &used);
		MUST(used <= piece.n && (rest.n > 0 || result == SCAN_NEXT || used == piece.n));
		i += used;
	} while (result == SCAN_MORE && i < mailbox.n);
	MUST(i == at->end && scan.stored == at->end - at->from);
	MUST(scan_wire(&scan) == at->wire && scan_separator(&scan) == 1);
	scan_uidl(&scan, uidl);
	MUST(strlen(uidl) > 0);
}

void
fuzz(struct span input)
{
	struct stored at[MESSAGES];
	struct buf mailbox, content;
	struct mbox_entry entry;
	size_t n = 0;

	mbox_entry_parse(input, &entry);
	buf_init(&mailbox, 4 * input.n + (size_t)MESSAGES * 100);
	buf_init(&content, 2 * input.n);
	for (struct span rest = input; n < MESSAGES && rest.n > 0; n++) {
		buf_clear(&content);
		clean(fuzz_part(&rest, '\xff'), &content);
		at[n] = store(buf_span(&content), &mailbox);
	}
	buf_free(&content);
	for (size_t i = 0; i < n; i++)
		must_be_found(buf_span(&mailbox), &at[i]);
	buf_free(&mailbox);
}
