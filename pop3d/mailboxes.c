#include "mailboxes.h"

#include "account.h"
#include "log.h"

static int
find_credential(void *context, struct span login, char *user, struct credential *credential)
{
	const struct mailboxes *m = context;

	return account_login(m->root, m->config, login, user, credential);
}

/* The session's words for the store's. */
static enum backend_status
told(enum maildrop_status status, struct buf *reason)
{
	if (status != MAILDROP_OK && reason->len == 0)
		buf_add_string(reason, maildrop_words(status));
	switch (status) {
	case MAILDROP_OK:
		return BACKEND_OK;
	case MAILDROP_IN_USE:
		return BACKEND_IN_USE;
	case MAILDROP_BROKEN:
		return BACKEND_PERM;
	case MAILDROP_TEMP:
	case MAILDROP_FULL:
	case MAILDROP_QUOTA:
	case MAILDROP_TOO_BIG:
	case MAILDROP_CHANGED:
		break;
	}
	return BACKEND_TEMP;
}

static enum backend_status
open_drop(void *context, const char *user, struct buf *reason)
{
	struct mailboxes *m = context;

	m->is_open = true;
	return told(snapshot_open(&m->snapshot, m->root, user, m->client, reason), reason);
}

static void
close_drop(void *context)
{
	struct mailboxes *m = context;

	if (m->is_open)
		snapshot_close(&m->snapshot);
	m->is_open = false;
}

static size_t
count(void *context)
{
	const struct mailboxes *m = context;

	return snapshot_count(&m->snapshot);
}

static uint64_t
total(void *context)
{
	const struct mailboxes *m = context;

	return snapshot_total(&m->snapshot);
}

static uint64_t
octets(void *context, size_t message)
{
	const struct mailboxes *m = context;

	return snapshot_octets(&m->snapshot, message);
}

static const char *
uidl(void *context, size_t message)
{
	const struct mailboxes *m = context;

	return snapshot_uidl(&m->snapshot, message);
}

static enum backend_status
read_begin(void *context, size_t message, long lines, struct buf *reason)
{
	struct mailboxes *m = context;

	return told(snapshot_read_begin(&m->snapshot, message, lines, true, &m->reader), reason);
}

static enum backend_status
read_some(void *context, size_t limit, struct buf *out, bool *done, struct buf *reason)
{
	struct mailboxes *m = context;
	enum maildrop_status status = snapshot_read(&m->reader, limit, out);

	*done = m->reader.done;
	return told(status, reason);
}

static enum backend_status
expunge(void *context, bool (*deleted)(const void *, size_t), const void *whose, struct buf *reason)
{
	struct mailboxes *m = context;

	return told(snapshot_expunge(&m->snapshot, deleted, whose), reason);
}

static void
log_note(void *context, const struct backend_note *note)
{
	(void)context;
	log_begin(note->event);
	log_span("user", note->user);
	if (note->method != NULL)
		log_text("method", note->method);
	if (note->uidl != NULL)
		log_text("uidl", note->uidl);
	if (note->counted != NULL)
		log_number(note->counted, (long long)note->number);
	if (note->reason != NULL)
		log_text("reason", note->reason);
	log_end();
}

const struct backend mailboxes_backend = {
	.accounts = { account_random, find_credential },
	.open = open_drop,
	.close = close_drop,
	.count = count,
	.octets = octets,
	.uidl = uidl,
	.total = total,
	.read_begin = read_begin,
	.read = read_some,
	.expunge = expunge,
	.log = log_note,
};
