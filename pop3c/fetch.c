/*
 * A batch of messages is delivered, made durable in DEST, recorded in `seen`, durably; DELE is sent for all of them at the end, then QUIT.
 *
 * state          DEST          seen         server       a crash or a lost connection here
 * A  taking      some, unsafe  as before    all          taken again: twice in DEST at worst, one batch at most
 * B  committed   batch, safe   as before    all          the same, for the moment between two syncs
 * C  recorded    batch, safe   batch, safe  all          the next fetch only deletes
 * D  DELE sent   safe          safe         all          the same: without QUIT the server deletes nothing
 * E  QUIT sent   safe          safe         all or none  the next fetch deletes, or forgets what is no more there
 * F  +OK         safe          forgotten    none         done
 *
 * A server without UIDL has no row C: what it loses the connection to is fetched again.
 */
#include "fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "console.h"

enum { BATCH_MAILS = 100, BATCH_OCTETS = 16 * 1024 * 1024, LINES = 1024 * 1024 * 1024 };

int
fetch_open(struct fetch *f, const char *dest, const char *key, bool keep, bool quiet)
{
	*f = (struct fetch){ .keep = keep, .quiet = quiet };
	mails_init(&f->mails);
	incoming_init(&f->incoming);
	enum seen_status status = seen_open(&f->seen, key);
	if (status == SEEN_BUSY) {
		fprintf(stderr, "pop3c: another fetch from %s is under way\n", key);
		return EXITS_LATER;
	}
	if (status == SEEN_FAILED) {
		fprintf(
		    stderr, "pop3c: %s: %s\n", f->seen.path != NULL ? f->seen.path : key, strerror(errno));
		return EXITS_CANNOT_CREATE;
	}
	return deliver_open(&f->deliver, dest) == DELIVERED ? 0 : f->deliver.exit;
}

void
fetch_close(struct fetch *f)
{
	if (f->deliver.kind != NULL || f->deliver.path != NULL)
		deliver_close(&f->deliver);
	seen_close(&f->seen);
	mails_free(&f->mails);
	incoming_free(&f->incoming);
}

static int
cannot_record(struct fetch *f)
{
	fprintf(stderr, "pop3c: %s: %s\n", f->seen.path, strerror(errno));
	return EXITS_CANNOT_WRITE;
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
		known += mail->known;
	}
	if (f->has_uidl && f->seen.n > known && remember_only(f, true) < 0)
		*exit_status = cannot_record(f);
	if (!f->has_uidl && f->keep)
		fputs("pop3c: the server has no UIDL: what is fetched now is fetched again next time\n",
		    stderr);
	return POP3_OK;
}

/* The messages from `from` on that make up a batch: the index behind it. */
static size_t
batch_end(const struct fetch *f, size_t from)
{
	size_t i = from, mails = 0;
	uint64_t octets = 0;

	for (; i < f->mails.n; i++) {
		const struct mail *mail = &f->mails.at[i];
		if (mail->known)
			continue;
		if (mails > 0 && (mails >= BATCH_MAILS || mail->octets > BATCH_OCTETS - octets))
			break;
		octets += mail->octets < BATCH_OCTETS ? mail->octets : BATCH_OCTETS;
		mails++;
	}
	return i;
}

/* It came whole. */
static bool
put(struct fetch *f)
{
	if (f->broken)
		return false;
	enum delivered result = deliver_put(&f->deliver, &f->incoming);
	f->broken = result == DELIVER_BROKEN;
	if (result == DELIVERED)
		f->octets += f->incoming.octets;
	return result == DELIVERED;
}

static void
say_refused(struct fetch *f, struct pop3_client *c, const struct mail *mail)
{
	progress("%s", "");
	fprintf(stderr, "pop3c: message %lu: %s\n", (unsigned long)mail->number, pop3_words(c, POP3_REFUSED));
	f->refused++;
	if (f->refusal == 0)
		f->refusal = pop3_exit(c, POP3_REFUSED);
}

/* Take the batch in; taken[i - from] says which are in DEST. */
static enum pop3_status
take_batch(struct fetch *f, struct pop3_client *c, size_t from, size_t to, bool *taken)
{
	size_t sent = from, waiting = 0, window = mails_window(c);

	for (size_t i = from; i < to; i++) {
		const struct mail *mail = &f->mails.at[i];
		if (mail->known)
			continue;
		for (; sent < to && waiting < window && !f->broken; sent++)
			if (!f->mails.at[sent].known) {
				pop3_send(c, "RETR %lu", (unsigned long)f->mails.at[sent].number);
				waiting++;
			}
		if (waiting == 0)
			break;
		if (!f->quiet)
			progress("message %lu of %zu", (unsigned long)mail->number, f->mails.n);
		incoming_clear(&f->incoming);
		enum pop3_status status = interrupted() ? POP3_STOPPED : pop3_reply(c);
		waiting--;
		if (status == POP3_OK)
			status = pop3_body(c, POP3_MESSAGE, incoming_add, &f->incoming);
		if (status == POP3_OK)
			taken[i - from] = put(f);
		else if (status == POP3_REFUSED)
			say_refused(f, c, mail);
		else
			return status;
	}
	return POP3_OK;
}

/* States B and C. False: the batch is not safe, or not recorded. */
static bool
commit_batch(struct fetch *f, size_t from, size_t to, const bool *taken, int *exit_status)
{
	uint64_t count = 0;

	for (size_t i = from; i < to; i++) {
		count += taken[i - from];
		if (taken[i - from] && f->mails.at[i].uidl != 0)
			seen_add(&f->seen, mail_uidl(&f->mails, &f->mails.at[i]));
	}
	if (count == 0)
		return true;
	if (deliver_commit(&f->deliver) != DELIVERED)
		return false;
	f->fetched += count;
	if (seen_commit(&f->seen) < 0) {
		*exit_status = cannot_record(f);
		return false;
	}
	for (size_t i = from; i < to; i++) {
		f->mails.at[i].known |= taken[i - from];
		f->mails.at[i].deleted |= taken[i - from] && !f->keep;
	}
	return true;
}

static enum pop3_status
take_all(struct fetch *f, struct pop3_client *c, int *exit_status)
{
	enum pop3_status status = POP3_OK;

	for (size_t from = 0, to; from < f->mails.n && status == POP3_OK && !f->broken; from = to) {
		bool *taken;
		to = batch_end(f, from);
		taken = calloc(to - from, sizeof(*taken));
		if (taken == NULL)
			return POP3_SINK;
		status = take_batch(f, c, from, to, taken);
		f->broken |= !commit_batch(f, from, to, taken, exit_status);
		free(taken);
	}
	return status;
}

/* States D to F. */
static enum pop3_status
delete_and_quit(struct fetch *f, struct pop3_client *c, int *exit_status)
{
	enum pop3_status status = mails_delete(c, &f->mails, &f->deleted);

	if (status == POP3_OK)
		status = pop3_command(c, "QUIT");
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
	progress("%s", "");
	if (status != POP3_OK && status != POP3_STOPPED)
		fprintf(stderr, "pop3c: %s\n", pop3_words(c, status));
	summarize(f);
	if (status != POP3_OK)
		return pop3_exit(c, status);
	if (exit_status == 0)
		exit_status = f->deliver.exit;
	if (exit_status == 0 && f->refused > 0)
		exit_status = f->fetched > 0 ? EXITS_SOME : f->refusal;
	return exit_status;
}
