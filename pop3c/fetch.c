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
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "exits.h"
#include "program.h"

enum {
	BATCH_MAILS = 100,
	BATCH_OCTETS = 16 * 1024 * 1024,
	LARGE = 8 * 1024 * 1024, /* octets of a message in memory, and once there is much of others */
	SMALL = 256 * 1024,
	LINES = 1024 * 1024 * 1024
};

int
fetch_open(struct fetch *f, const char *dest, const char *key, bool keep, bool quiet)
{
	*f = (struct fetch){ .keep = keep, .quiet = quiet, .deliver = { .dir = -1, .file = -1 } };
	mails_init(&f->mails);
	enum seen_status status = seen_open(&f->seen, key);
	if (status == SEEN_BUSY)
		return complain(EXITS_LATER, "another fetch from %s is under way", key);
	if (status == SEEN_FAILED)
		return complain(EXITS_CANNOT_CREATE, "%s: %s", f->seen.path != NULL ? f->seen.path : key,
		    strerror(errno));
	return deliver_open(&f->deliver, dest) == DELIVERED ? 0 : f->deliver.exit;
}

void
fetch_close(struct fetch *f)
{
	deliver_close(&f->deliver);
	seen_close(&f->seen);
	mails_free(&f->mails);
}

static int
cannot_record(struct fetch *f)
{
	return complain(EXITS_CANNOT_WRITE, "%s: %s", f->seen.path, strerror(errno));
}

/* What is known and still on the server, as lines; without what was deleted from it, if asked so. */
static int
remember_only(struct fetch *f, bool deleted_too)
{
	struct buf lines;

	buf_init(&lines, LINES);
	for (size_t i = 0; i < f->mails.n; i++) {
		const struct mail *mail = &f->mails.at[i];
		if (mail->known && mail->uidl != 0 && (deleted_too || !mail->deleted))
			buf_printf(&lines, "%s\n", mail_uidl(&f->mails, mail));
	}
	int result = lines.failed ? -1 : seen_rewrite(&f->seen, buf_span(&lines));
	buf_free(&lines);
	return result;
}

/* LIST and UIDL; which of them were fetched before; what is no more on the server is forgotten. */
static enum pop3_status
look(struct fetch *f, struct pop3_client *c, int *exit_status)
{
	enum pop3_status status = mails_list(c, &f->mails);
	size_t known = 0;

	if (status != POP3_OK || f->mails.n == 0)
		f->has_uidl = true;
	else {
		status = mails_uidl(c, &f->mails);
		f->has_uidl = status == POP3_OK;
		if (status == POP3_REFUSED)
			status = POP3_OK;
	}
	if (status != POP3_OK)
		return status;
	for (size_t i = 0; i < f->mails.n; i++) {
		struct mail *mail = &f->mails.at[i];
		mail->known = mail->uidl != 0 && seen_take(&f->seen, mail_uidl(&f->mails, mail));
		mail->wanted = !mail->known;
		known += mail->known;
	}
	if (f->has_uidl && (f->seen.n > known || f->seen.torn) && remember_only(f, true) < 0)
		*exit_status = cannot_record(f);
	if (!f->has_uidl && f->keep)
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

/* A message while it comes, and then; zeroed for a mail that is known. */
struct incoming {
	struct scratch content;
	bool whole; /* it came to its end */
};

/* State A: what comes of the mails from..; the server may claim any size, so what came decides how much is held in memory. */
struct batch {
	struct fetch *fetch;
	size_t from;
	struct incoming *incoming;
	uint64_t octets;
};

/* What cannot be kept is told by deliver_put; the server is listened to in any case. */
static int
keep_message(void *content, struct span piece)
{
	scratch_add(content, piece);
	return 0;
}

static enum pop3_status
take_message(struct mails_query *query, struct pop3_client *c, struct mail *mail)
{
	struct batch *batch = query->context;
	struct fetch *f = batch->fetch;
	struct incoming *in = &batch->incoming[mail - &f->mails.at[batch->from]];

	scratch_init(&in->content, batch->octets < BATCH_OCTETS ? LARGE : SMALL);
	if (!f->quiet)
		progress("message %lu of %zu", (unsigned long)mail->number, f->mails.n);
	enum pop3_status status = interrupted() ? POP3_STOPPED : pop3_reply(c);
	if (status == POP3_OK)
		status = pop3_body(c, POP3_MESSAGE, keep_message, &in->content);
	in->whole = status == POP3_OK;
	batch->octets += in->content.size;
	if (status != POP3_REFUSED)
		return status;
	progress_end();
	if (f->refused++ == 0)
		f->refusal = pop3_exit(c, status);
	complain(0, "message %lu: %s", (unsigned long)mail->number, pop3_words(c, status));
	return POP3_OK;
}

/* States B to D. What was put, and is safe and recorded, becomes known. False: nothing more can be delivered. */
static bool
store_batch(struct fetch *f, size_t from, size_t to, struct incoming *batch, int *exit_status)
{
	enum delivered result = DELIVERED;
	uint64_t count = 0;

	for (size_t i = from; i < to; i++) {
		struct incoming *in = &batch[i - from];
		if (in->whole && result != DELIVER_BROKEN)
			result = deliver_put(&f->deliver, &in->content);
		in->whole &= result == DELIVERED;
		if (in->whole && f->mails.at[i].uidl != 0)
			seen_add(&f->seen, mail_uidl(&f->mails, &f->mails.at[i]));
		count += in->whole;
	}
	if (count > 0 && deliver_commit(&f->deliver) != DELIVERED)
		return false;
	f->fetched += count;
	if (seen_commit(&f->seen) < 0) {
		*exit_status = cannot_record(f);
		return false;
	}
	for (size_t i = from; i < to; i++)
		f->mails.at[i].known |= batch[i - from].whole;
	return result != DELIVER_BROKEN;
}

static enum pop3_status
take_all(struct fetch *f, struct pop3_client *c, int *exit_status)
{
	enum pop3_status status = POP3_OK;
	bool usable = true;

	for (size_t from = 0, to; from < f->mails.n && status == POP3_OK && usable; from = to) {
		to = batch_end(f, from);
		struct batch batch = { f, from, calloc(to - from, sizeof(*batch.incoming)), 0 };
		struct mails_query query = { "RETR", "", take_message, &batch };
		if (batch.incoming == NULL)
			return POP3_SINK;
		status = mails_ask(c, &f->mails, from, to, &query);
		usable = store_batch(f, from, to, batch.incoming, exit_status);
		for (size_t i = from; i < to; i++)
			if (batch.incoming[i - from].content.bound > 0)
				scratch_free(&batch.incoming[i - from].content);
		free(batch.incoming);
	}
	return status;
}

/* States E to G. */
static enum pop3_status
delete_and_quit(struct fetch *f, struct pop3_client *c, int *exit_status)
{
	enum pop3_status status = mails_delete(c, &f->mails, &f->deleted);

	if (status == POP3_OK && f->deleted > 0 && remember_only(f, false) < 0)
		*exit_status = cannot_record(f);
	if (status != POP3_OK)
		f->deleted = 0;
	return status;
}

static void
summarize(const struct fetch *f)
{
	if (f->quiet)
		return;
	fprintf(stderr, "%llu %s fetched into %s, %llu deleted from the server\n",
	    (unsigned long long)f->fetched, f->fetched == 1 ? "message" : "messages", f->deliver.name,
	    (unsigned long long)f->deleted);
}

int
fetch_run(struct fetch *f, struct pop3_client *c)
{
	int exit_status = 0;
	enum pop3_status status = look(f, c, &exit_status);

	if (status == POP3_OK && exit_status == 0)
		status = take_all(f, c, &exit_status);
	for (size_t i = 0; i < f->mails.n && !f->keep; i++)
		f->mails.at[i].deleted |= f->mails.at[i].known;
	if (status == POP3_OK)
		status = delete_and_quit(f, c, &exit_status);
	progress_end();
	if (status != POP3_OK && status != POP3_STOPPED)
		complain(0, "%s", pop3_words(c, status));
	summarize(f);
	if (status != POP3_OK)
		return pop3_exit(c, status);
	if (exit_status == 0)
		exit_status = f->deliver.exit;
	if (exit_status == 0 && f->refused > 0)
		exit_status = f->fetched > 0 ? EXITS_SOME : f->refusal;
	return exit_status;
}
