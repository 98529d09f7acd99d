/*
 * smtpc: send a message over SMTP. Options, where the message comes from (questions, arguments and a text, or a whole message), then send.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compose.h"
#include "exits.h"
#include "identity.h"
#include "password.h"
#include "program.h"
#include "prompt.h"
#include "send.h"
#include "unique.h"
#include "zone.h"

enum {
	HEADER = 1024 * 1024, /* bytes of a header, at most */
	ADDRESS = 1024
};

/* A message on its way from the options to the server. */
struct job {
	struct options options;
	struct buf user, password; /* who logs in */
	struct buf host;	   /* ours */
	struct buf self;	   /* who runs this, as an address; empty where the system does not know */
	struct names names;
	struct buf header;
	struct envelope envelope;
	struct draft draft;
	struct heading heading;
	struct buf message_id;
	uint64_t body_start;	/* in the draft */
	enum encoding encoding; /* of the body */
	bool eight_bit, utf8;	/* of the whole, as it goes out */
};

static void
job_init(struct job *job)
{
	char id[UNIQUE_ID + 1];

	buf_init(&job->user, PASSWORD_USER);
	buf_init(&job->password, PASSWORD_MAX);
	buf_init(&job->self, ADDRESS);
	names_init(&job->names);
	buf_init(&job->header, (size_t)4 * HEADER);
	draft_init(&job->draft);
	buf_init(&job->host, ADDRESS);
	buf_init(&job->message_id, ADDRESS);
	identity_host(&job->host);
	const char *host = buf_string(&job->host);
	if (identity_address(host, &job->self) < 0)
		buf_clear(&job->self);
	unique_id(host, id);
	buf_printf(&job->message_id, "%s@%s", id, host);
	job->heading.message_id = buf_string(&job->message_id);
	job->heading.now = time(NULL);
	job->heading.zone = zone_at(job->heading.now);
}

static void
job_free(struct job *job)
{
	buf_free(&job->user);
	buf_free(&job->password);
	buf_free(&job->host);
	buf_free(&job->message_id);
	buf_free(&job->self);
	names_free(&job->names);
	buf_free(&job->header);
	draft_free(&job->draft);
	envelope_free(&job->envelope);
	options_free(&job->options);
}

/* Asked for before anything is written that would be lost without it. -1, or an exit status. */
static int
take_password(struct job *job)
{
	const struct options *o = &job->options;

	if (o->user == NULL || o->dry)
		return -1;
	buf_add_string(&job->user, o->user);
	int status = password_find(span_of(o->name.host), o->command, &job->user, &job->password);
	return status == 0 ? -1 : status;
}

static bool
is_null_sender(const char *from)
{
	return from != NULL && (*from == '\0' || strcmp(from, "<>") == 0);
}

/* -f, else who runs this: the envelope's sender, and From. -1, or an exit status. */
static int
take_from(struct job *job)
{
	const char *from = job->options.from, *reason;
	bool null = is_null_sender(from);

	if (from == NULL || null) {
		if (job->self.len == 0)
			return complain(
			    EXITS_USAGE, "-f FROM is needed: the system does not say who you are");
		from = buf_string(&job->self);
	}
	if (envelope_one(span_of(from), strlen("From: "), &job->names.sender, &job->names.from, &reason) < 0)
		return complain(EXITS_USAGE, "-f %s: %s", from, reason);
	if (null)
		buf_clear(&job->names.sender);
	job->heading.from = buf_span(&job->names.from);
	return -1;
}

static int
take_addresses(struct job *job)
{
	const char *reason = "the address is empty";

	for (size_t i = 0; i < job->options.addresses_n; i++) {
		const struct address_argument *a = &job->options.addresses[i];
		struct buf *field = a->kind == 't' ? &job->names.to : a->kind == 'c' ? &job->names.cc : NULL;
		if (job->options.whole)
			field = NULL;
		if (envelope_add_list(&job->envelope, span_of(a->text), strlen("To: "), field, &reason) <= 0)
			return complain(EXITS_USAGE, "%s: %s", a->text, reason);
		reason = "the address is empty";
	}
	job->heading.to = buf_span(&job->names.to);
	job->heading.cc = buf_span(&job->names.cc);
	return -1;
}

static int
cannot_read(const struct job *job)
{
	if (job->draft.text.error != 0)
		return complain(
		    EXITS_CANNOT_WRITE, "no temporary file can hold the message: %s", strerror(errno));
	return complain(EXITS_NO_INPUT, "the message cannot be read: %s", strerror(errno));
}

/* The header to a draft that is text. -1, or an exit status. */
static int
compose_text(struct job *job)
{
	if (compose_header(&job->heading, &job->draft.content, &job->header) < 0)
		return complain(EXITS_USAGE, "the header is too large");
	job->encoding = content_encoding(&job->draft.content);
	/* The header is ASCII but for addresses. */
	job->utf8 = job->envelope.utf8 || !span_is_ascii(buf_span(&job->names.from));
	job->eight_bit = job->utf8;
	return -1;
}

static int
from_arguments(struct job *job)
{
	int status = take_from(job);

	if (status < 0)
		status = take_addresses(job);
	if (status >= 0)
		return status;
	job->heading.subject = job->options.subject;
	if (draft_read(&job->draft, STDIN_FILENO, DRAFT_AS_IS) < 0)
		return cannot_read(job);
	return compose_text(job);
}

static int
from_questions(struct job *job)
{
	const char *fallback = job->self.len > 0 ? buf_string(&job->self) : NULL;
	int status = prompt(fallback, &job->names, &job->envelope, &job->draft);

	if (status == 0) {
		job->heading.from = buf_span(&job->names.from);
		job->heading.to = buf_span(&job->names.to);
		job->heading.subject = job->names.subject.len > 0 ? buf_string(&job->names.subject) : NULL;
		status = compose_text(job);
	} else if (status > 0) {
		fputs("\nNothing was sent.\n", stderr);
		status = EXITS_DONE;
	} else
		status = cannot_read(job);
	return status;
}

/* The beginning of the draft, in which the header must lie. */
static int
read_head(const struct job *job, struct buf *head)
{
	size_t n = job->draft.content.size < HEADER ? (size_t)job->draft.content.size : HEADER;

	while (head->len < n) {
		char *room = buf_reserve(head, n - head->len);
		ssize_t got =
		    room == NULL ? -1 : scratch_at(&job->draft.text, head->len, room, n - head->len);
		if (got <= 0)
			return -1;
		head->len += (size_t)got;
	}
	return 0;
}

/* The header that the message brought, completed. */
static int
complete(struct job *job, struct span head)
{
	struct completed completed;
	const char *reason = "";
	int status = -1;

	if (compose_complete(head, &job->heading, &job->envelope, &completed, &job->header, &reason) < 0)
		status = complain(EXITS_REFUSED, "the message's header: %s", reason);
	else if (completed.body == HEADER)
		status = complain(EXITS_REFUSED, "the message's header is too large");
	else if (job->draft.content.nul)
		status = complain(EXITS_REFUSED, "the message has a NUL, which no server takes");
	if (job->options.from == NULL && completed.sender.len > 0) {
		buf_clear(&job->names.sender);
		buf_add_span(&job->names.sender, buf_span(&completed.sender));
	}
	job->body_start = completed.body;
	job->encoding = ENCODING_7BIT;
	job->utf8 = completed.utf8 || job->envelope.utf8;
	job->eight_bit = job->draft.content.high > 0 || completed.latin || job->utf8;
	buf_free(&completed.sender);
	return status;
}

static int
from_message(struct job *job)
{
	struct buf head;
	int status = take_from(job);

	if (status < 0)
		status = take_addresses(job);
	if (status >= 0)
		return status;
	if (draft_read(&job->draft, STDIN_FILENO, job->options.ignore_dot ? DRAFT_MESSAGE : DRAFT_DOT) < 0)
		return cannot_read(job);
	buf_init(&head, HEADER);
	status = read_head(job, &head) < 0 ? cannot_read(job) : complete(job, buf_span(&head));
	buf_free(&head);
	if (status < 0 && job->envelope.n == 0)
		status = complain(
		    EXITS_USAGE, "there is nobody to send to: no address in To, Cc, Bcc, or behind -t");
	return status;
}

static int
deliver(struct job *job)
{
	struct body body;
	int status;

	body_init(&body, &job->header, &job->draft.text, job->body_start, job->encoding);
	if (job->options.dry) {
		status = body_print(&body) < 0 ? cannot_read(job) : printed("the message");
	} else {
		struct letter letter = {
			.sender = buf_string(&job->names.sender),
			.envelope = &job->envelope,
			.body = &body,
			.user = buf_span(&job->user),
			.password = buf_span(&job->password),
			.host = buf_string(&job->host),
			.eight_bit = job->eight_bit,
			.utf8 = job->utf8,
		};
		status = send_letter(&job->options, &letter);
	}
	body_free(&body);
	return status;
}

int
main(int argc, char **argv)
{
	struct job job = { .body_start = 0 };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	program_begin("smtpc", options_usage);
	/* A reader of our output that is gone must not stop a message on its way. */
	sigaction(SIGPIPE, &ignore, NULL);
	signal(SIGCHLD, SIG_DFL);
	int status = options_parse(&job.options, argc, argv);
	if (status >= 0) {
		options_free(&job.options);
		return status;
	}
	job_init(&job);
	status = take_password(&job);
	if (status < 0 && job.options.whole)
		status = from_message(&job);
	else if (status < 0)
		status = job.options.interactive ? from_questions(&job) : from_arguments(&job);
	if (status < 0)
		status = deliver(&job);
	job_free(&job);
	return status;
}
