/*
 * A batch of messages is taken in, put into DEST, made durable there, recorded in `seen`, durably; DELE is sent for all of them at the end,
 * then QUIT.
 *
 * state          DEST          seen         server       a crash, a kill or a lost connection here
 * A  taking      as before     as before    all          what came whole is put and recorded, unless this program itself is killed
 * B  putting     some, unsafe  as before    all          killed: they are taken again, and stand there twice: one batch at most
 * C  committed   batch, safe   as before    all          the same, for the moment between two syncs
 * D  recorded    batch, safe   batch, safe  all          the next fetch only deletes
 * E  DELE sent   safe          safe         all          the same: without QUIT the server deletes nothing
 * F  QUIT sent   safe          safe         all or none  the next fetch deletes, or forgets what is no more there
 * G  +OK         safe          forgotten    none         done
 *
 * Only the moment of B and C doubles messages, never the time that the network takes. A server without UIDL has no row D: what is not
 * deleted is fetched again.
 */
#include "fetch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "exits.h"
#include "program.h"
#include "scratch.h"

enum {
	BATCH_MAILS = 100,
	BATCH_OCTETS = 16 * 1024 * 1024, /* as the server claims */
	BATCH_MEMORY = 8 * 1024 * 1024,
	KEY = 1024,
	LINES = 1024 * 1024 * 1024
};

/* What came whole. */
struct batch {
	struct scratch content;
	size_t n;
	struct {
		struct mail *mail;
		size_t at, end; /* in content */
	} message[BATCH_MAILS];
};

int
fetch_open(struct fetch *f, const struct client *client, const char *dest, bool keep)
{
	struct buf key; /* by which the maildrop is known here */

	*f = (struct fetch){ .keep = keep, .quiet = client->quiet, .deliver = { .dir = -1, .file = -1 } };
	buf_init(&key, KEY);
	buf_add_span(&key, buf_span(&client->login));
	buf_printf(&key, "@%s:%s", client->name.host, client->name.port);
	enum seen_status status = seen_open(&f->seen, buf_string(&key));
	buf_free(&key);
	if (status == SEEN_BUSY)
		return complain(EXITS_LATER, "%s: another fetch is under way", buf_string(&f->seen.path));
	if (status == SEEN_FAILED)
		return complain(EXITS_CANNOT_CREATE, "%s: %s", buf_string(&f->seen.path), strerror(errno));
	return deliver_open(&f->deliver, dest) == DELIVERED ? 0 : f->deliver.exit;
}

void
fetch_close(struct fetch *f)
{
	deliver_close(&f->deliver);
	seen_close(&f->seen);
	mails_free(&f->mails);
}

static void
cannot_record(struct fetch *f)
{
	f->exit = complain(EXITS_CANNOT_WRITE, "%s: %s", buf_string(&f->seen.path), strerror(errno));
}

/* LIST and UIDL; which of them were fetched before. */
static enum pop3_status
look(struct fetch *f, struct pop3_client *c)
{
	enum pop3_status status = mails_list(c, &f->mails);
	size_t known = 0;

	if (status == POP3_OK && f->mails.n > 0)
		status = mails_uidl(c, &f->mails);
	bool has_uidl = status != POP3_REFUSED || f->mails.n == 0;
	if (status != POP3_OK && has_uidl)
		return status;
	for (size_t i = 0; i < f->mails.n; i++) {
		struct mail *mail = &f->mails.at[i];
		mail->known = mail->uidl != NULL && seen_take(&f->seen, mail->uidl);
		mail->wanted = !mail->known;
		known += mail->known;
	}
	f->outdated = has_uidl && (f->seen.n > known || f->seen.torn);
	if (!has_uidl && f->keep)
		complain(0, "the server has no UIDL: what is fetched now is fetched again next time");
	return POP3_OK;
}

/* The messages from `from` on that make up a batch: the index behind it. */
static size_t
batch_end(const struct fetch *f, size_t from)
{
	size_t i = from, mails = 0, most = f->deliver.kind->at_once ? 1 : BATCH_MAILS;
	uint64_t octets = 0;

	for (; i < f->mails.n; i++) {
		const struct mail *mail = &f->mails.at[i];
		if (mail->known)
			continue;
		if (mails > 0 && (mails >= most || mail->octets > BATCH_OCTETS - octets))
			break;
		octets += mail->octets < BATCH_OCTETS ? mail->octets : BATCH_OCTETS;
		mails++;
	}
	return i;
}

/* What cannot be kept is told by store_batch; the server is listened to in any case. */
static int
keep_message(void *content, struct span piece)
{
	scratch_add(content, piece);
	return 0;
}

/* State A. The server may claim any size, so what comes decides how much is held in memory. */
static enum pop3_status
take_batch(struct fetch *f, struct mails_query *query, struct batch *batch)
{
	struct pop3_client *c = query->client;
	enum pop3_status status = POP3_OK;
	struct mail *mail;

	while (status == POP3_OK && (mail = mails_next(query)) != NULL) {
		size_t at = (size_t)batch->content.size;
		if (!f->quiet)
			progress(mail->number, f->mails.n);
		status = interrupted() ? POP3_STOPPED : pop3_reply(c);
		if (status == POP3_REFUSED) {
			progress_end();
			if (f->refused++ == 0)
				f->refusal = pop3_exit(c, status);
			complain(0, "message %lu: %s", (unsigned long)mail->number, pop3_words(c, status));
			status = POP3_OK;
			continue;
		}
		if (status == POP3_OK)
			status = pop3_body(c, POP3_MESSAGE, keep_message, &batch->content);
		if (status != POP3_OK)
			break;
		batch->message[batch->n].mail = mail;
		batch->message[batch->n].at = at;
		batch->message[batch->n++].end = (size_t)batch->content.size;
	}
	return status;
}

/* State B: put all that can be; the batch is then what was put. Can more follow? */
static bool
put_batch(struct fetch *f, struct batch *batch)
{
	enum delivered result = DELIVERED;
	size_t put = 0;
	struct span all;

	if (scratch_end(&batch->content, &all) < 0) {
		batch->n = 0;
		f->deliver.exit = complain(EXITS_CANNOT_WRITE, "a temporary file: %s", strerror(errno));
		return false;
	}
	for (size_t i = 0; i < batch->n && result != DELIVER_BROKEN; i++) {
		result =
		    deliver_put(&f->deliver, span_slice(all, batch->message[i].at, batch->message[i].end));
		if (result == DELIVERED)
			batch->message[put++] = batch->message[i];
	}
	batch->n = put;
	return result != DELIVER_BROKEN;
}

/* States B to D. What was put, and is safe and recorded, becomes known. False: nothing more can be delivered. */
static bool
store_batch(struct fetch *f, struct batch *batch)
{
	bool usable = put_batch(f, batch);
	struct buf lines;

	if (deliver_commit(&f->deliver) != DELIVERED)
		return false;
	f->fetched += batch->n;
	buf_init(&lines, (size_t)BATCH_MAILS * (POP3_UIDL + 1));
	for (size_t i = 0; i < batch->n; i++)
		if (batch->message[i].mail->uidl != NULL)
			buf_printf(&lines, "%s\n", batch->message[i].mail->uidl);
	if (lines.failed || (lines.len > 0 && seen_append(&f->seen, buf_span(&lines)) < 0))
		cannot_record(f);
	buf_free(&lines);
	for (size_t i = 0; i < batch->n && f->exit == 0; i++)
		batch->message[i].mail->known = true;
	return usable && f->exit == 0;
}

static enum pop3_status
take_all(struct fetch *f, struct pop3_client *c)
{
	struct mails_query query = mails_query(c, &f->mails, "RETR");
	enum pop3_status status = POP3_OK;
	bool usable = true;

	while (query.next < f->mails.n && status == POP3_OK && usable) {
		struct batch batch = { .n = 0 };
		scratch_init(&batch.content, BATCH_MEMORY);
		query.end = batch_end(f, query.next);
		status = take_batch(f, &query, &batch);
		usable = store_batch(f, &batch);
		scratch_free(&batch.content);
	}
	return status;
}

/* What is known and still on the server is all that is remembered. */
static void
forget_others(struct fetch *f)
{
	struct buf lines;

	buf_init(&lines, LINES);
	for (size_t i = 0; i < f->mails.n; i++) {
		const struct mail *mail = &f->mails.at[i];
		if (mail->known && mail->uidl != NULL && !mail->deleted)
			buf_printf(&lines, "%s\n", mail->uidl);
	}
	if (lines.failed || seen_rewrite(&f->seen, buf_span(&lines)) < 0)
		cannot_record(f);
	buf_free(&lines);
}

int
fetch_run(struct fetch *f, struct pop3_client *c)
{
	enum pop3_status status = look(f, c);

	if (status == POP3_OK)
		status = take_all(f, c);
	/* States E to G. */
	for (size_t i = 0; i < f->mails.n && !f->keep; i++)
		f->mails.at[i].deleted = f->mails.at[i].known;
	if (status == POP3_OK)
		status = mails_delete(c, &f->mails, &f->deleted);
	if (status != POP3_OK)
		f->deleted = 0;
	else if (f->deleted > 0 || f->outdated)
		forget_others(f);
	progress_end();
	if (status != POP3_OK && status != POP3_STOPPED)
		complain(0, "%s", pop3_words(c, status));
	if (!f->quiet)
		fprintf(stderr, "%llu %s fetched into %s, %llu deleted from the server\n",
		    (unsigned long long)f->fetched, f->fetched == 1 ? "message" : "messages", f->deliver.name,
		    (unsigned long long)f->deleted);
	if (status != POP3_OK)
		return pop3_exit(c, status);
	if (f->exit != 0 || f->deliver.exit != 0)
		return f->exit != 0 ? f->exit : f->deliver.exit;
	return f->refused == 0 ? EXITS_DONE : f->fetched > 0 ? EXITS_SOME : f->refusal;
}
