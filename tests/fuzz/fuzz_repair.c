/*
 * A mailbox of any bytes is judged and repaired: the parts are the file; messages of ours that are whole stay byte for byte, in their order; afterwards nothing
 * is wrong, a session sees the messages that were counted, and another repair has nothing to do.
 */
#include "mail.h"
#include "repair.h"
#include "snapshot.h"

struct seen {
	struct span input;
	off_t end; /* of the part before */
	size_t messages, wrong;
	struct buf intact; /* what has to stay */
};

static int
look(void *context, const struct inspect_part *part)
{
	struct seen *seen = context;

	MUST(part->from == seen->end && part->to > part->from);
	seen->end = part->to;
	MUST(part->number == 0 || part->number == seen->messages + 1);
	seen->messages += part->number > 0;
	seen->wrong += inspect_is_wrong(part);
	return 0;
}

static struct seen
judge(struct span bytes)
{
	struct seen seen = { .input = bytes };
	int fd = openat(mail_folder, "mbox", O_RDONLY);

	MUST(fd >= 0 && inspect(fd, (off_t)bytes.n, look, &seen) == 0);
	MUST(seen.end == (off_t)bytes.n);
	close(fd);
	return seen;
}

/* A foreign one may be taken for torn once nothing stands behind it any more. */
static int
expect_intact(void *context, const struct inspect_part *part)
{
	struct seen *seen = context;
	struct span text = span_slice(seen->input, (size_t)part->from, (size_t)part->to);

	bool changed = part->reseal || part->restored || part->prefix.changed || mend_changed(&part->mend);
	if (part->kind == INSPECT_OURS && !changed)
		buf_add_span(&seen->intact, text);
	return 0;
}

static bool
repair(struct seen *seen)
{
	struct repair repair = { .each = expect_intact, .context = seen };
	struct buf holder;

	buf_init(&holder, 1000);
	MUST(repair_mailbox(mail_root, "anna", &holder, &repair) == MAILDROP_OK);
	buf_free(&holder);
	return repair.rewritten;
}

/* Every byte of `part` is in `whole`, in that order. */
static void
must_be_within(struct span part, struct span whole)
{
	size_t i = 0;

	for (size_t at = 0; at < whole.n && i < part.n; at++)
		i += part.at[i] == whole.at[at];
	MUST(i == part.n);
}

static void
expect_session(size_t messages)
{
	struct snapshot s;
	struct buf holder;

	buf_init(&holder, 1000);
	MUST(snapshot_open(&s, mail_root, "anna", "fuzz", &holder) == MAILDROP_OK);
	MUST(s.count == messages);
	snapshot_close(&s);
	buf_free(&holder);
}

void
fuzz(struct span input)
{
	struct buf now, kept;

	mail_begin();
	mail_write("mbox", input);
	struct seen before = judge(input);
	buf_init(&before.intact, MAIL_ROOM);
	MUST(repair(&before) == (before.wrong > 0));
	mail_read("mbox", &now);
	struct seen after = judge(buf_span(&now));
	MUST(after.wrong == 0);
	if (before.wrong > 0) {
		mail_read("mbox.before-repair", &kept);
		must_equal(buf_span(&kept), input);
		buf_free(&kept);
		must_be_within(buf_span(&before.intact), buf_span(&now));
	} else
		must_equal(buf_span(&now), input);
	expect_session(after.messages);
	buf_init(&after.intact, MAIL_ROOM);
	MUST(!repair(&after));
	unlinkat(mail_folder, "mbox.before-repair", 0);
	buf_free(&before.intact);
	buf_free(&after.intact);
	buf_free(&now);
}
