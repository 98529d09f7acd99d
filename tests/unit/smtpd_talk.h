/*
 * smtpd_talk: a whole SMTP session over a world in memory. `talk` feeds a dialogue at several cuts, each piece at the end of a guarded page,
 * and wants the same replies every time.
 */
#ifndef SMTPD_TALK_H
#define SMTPD_TALK_H

#include <stdio.h>

#include "session.h"
#include "unit.h"

/* What the last run of a dialogue came to. */
static struct world {
	struct session session;
	struct buf content;  /* of the transaction under way */
	struct buf stored;   /* of the last message that was stored */
	struct buf refusals; /* words and codes, as they were logged */
	struct buf logins;   /* and these */
	char user[64];	     /* who sent the last message */
	bool trusted, add_date, add_message_id;
	int delays;
	char sender[64], helo[64];
	uint64_t size;
	unsigned notify; /* of the last RCPT */
	char orcpt[64], envid[64];
	enum dsn_ret ret;
	int messages, taken;
	bool esmtp, smtputf8;
	bool early, closed;
} world;

static bool fail_accounts;
static struct reply fail_finish; /* what finish says; code 0: it stores */
static struct session_config settings;
static struct buf said;

static struct reply
fake_mail(void *context, const struct envelope *envelope, const struct path *path)
{
	(void)context;
	ck_assert(span_is(envelope->user, "anna"));
	if (path->whole.n == 0 || !span_is(path->local, "bob"))
		return (struct reply){ 0 };
	return (struct reply){ 553, "5.7.1", "not yours" };
}

static struct reply
fake_rcpt(
    void *context, const struct envelope *envelope, const struct path *path, const struct dsn_request *dsn)
{
	struct world *w = context;

	(void)envelope;
	w->notify = dsn->notify;
	snprintf(w->orcpt, sizeof w->orcpt, "%.*s", (int)dsn->orcpt.n, dsn->orcpt.at);
	if (span_is_nocase(path->local, "full"))
		return (struct reply){ 452, "4.2.2", "full" };
	if (span_is_nocase(path->local, "ghost"))
		return (struct reply){ 550, "5.1.1", "nobody" };
	return (struct reply){ 250, "2.1.5", "Ok" };
}

static void
fake_add(void *context, struct span content)
{
	struct world *w = context;

	buf_add_span(&w->content, content);
}

static struct reply
fake_finish(void *context, const struct envelope *envelope)
{
	struct world *w = context;

	if (fail_finish.code != 0)
		return fail_finish;
	ck_assert_uint_eq(envelope->size, w->content.len);
	buf_clear(&w->stored);
	buf_add_span(&w->stored, buf_span(&w->content));
	snprintf(w->sender, sizeof w->sender, "%.*s", (int)envelope->sender.n, envelope->sender.at);
	snprintf(w->helo, sizeof w->helo, "%.*s", (int)envelope->helo.n, envelope->helo.at);
	snprintf(w->envid, sizeof w->envid, "%.*s", (int)envelope->envid.n, envelope->envid.at);
	w->ret = envelope->ret;
	snprintf(w->user, sizeof w->user, "%.*s", (int)envelope->user.n, envelope->user.at);
	w->trusted = envelope->trusted;
	w->add_date = envelope->add_date;
	w->add_message_id = envelope->add_message_id;
	w->esmtp = envelope->esmtp;
	w->smtputf8 = envelope->smtputf8;
	w->taken = envelope->taken;
	w->messages++;
	return (struct reply){ 250, "2.0.0", "Ok: stored, id=0" };
}

static void
fake_forget(void *context)
{
	struct world *w = context;

	buf_clear(&w->content);
}

static void
fake_refused(void *context, const char *word, struct span argument, const struct reply *reply)
{
	struct world *w = context;

	/* What we do not know may be a secret. */
	ck_assert((word != NULL && strcmp(word, "AUTH") != 0) || argument.n == 0);
	buf_printf(&w->refusals, "%s %d;", word == NULL ? "?" : word, reply->code);
}

static int
fake_random(void *context, uint8_t *nonce)
{
	(void)context;
	memset(nonce, 7, SASL_NONCE);
	return fail_accounts ? -1 : 0;
}

/* anna's and nobody else's. */
static int
fake_credential(void *context, struct span login, char *user, struct credential *credential)
{
	(void)context;
	snprintf(user, SASL_USER + 1, "%.*s", (int)login.n, login.at);
	credential_decoy(login, span_of("secret"), credential);
	if (!span_is_nocase(login, "anna"))
		return 0;
	ck_assert_int_eq(credential_parse(span_of("{PLAIN}apple pie"), credential), 0);
	credential_salt(credential, login, span_of("secret"));
	return 0;
}

static void
fake_login(void *context, bool right, struct span user, const char *method)
{
	struct world *w = context;

	buf_printf(&w->logins, "%s ", right ? "login" : "login-failed");
	buf_add_span(&w->logins, user);
	buf_printf(&w->logins, " %s;", method);
}

static const struct backend fake = {
	.accounts = { fake_random, fake_credential },
	.login = fake_login,
	.mail = fake_mail,
	.rcpt = fake_rcpt,
	.add = fake_add,
	.finish = fake_finish,
	.forget = fake_forget,
	.refused = fake_refused,
};

static inline void
begin(void)
{
	session_free(&world.session);
	buf_free(&world.content);
	buf_free(&world.stored);
	buf_free(&world.refusals);
	buf_free(&world.logins);
	buf_free(&said);
	world = (struct world){ .early = false };
	buf_init(&world.content, 1024 * 1024);
	buf_init(&world.stored, 1024 * 1024);
	buf_init(&world.refusals, 1024 * 1024);
	buf_init(&world.logins, 1024 * 1024);
	buf_init(&said, 1024 * 1024);
	session_init(&world.session, &settings, &fake, &world);
	ck_assert_int_eq(session_protocol.greet(&world.session, &said), EVENT_TURN);
}

/* A copy that ends where a page begins that nobody may read: one such place for all, for there are many. */
static inline struct span
at_the_edge(struct span bytes)
{
	enum { EDGE = 256 * 1024 };
	static char *place;

	if (place == NULL) {
		char *zeros = calloc(1, EDGE);
		ck_assert_ptr_nonnull(zeros);
		place = guarded(zeros, EDGE);
		free(zeros);
	}
	ck_assert_uint_le(bytes.n, EDGE);
	return (struct span){ memcpy(place + EDGE - bytes.n, bytes.at, bytes.n), bytes.n };
}

/* One call of input, and its contract. Bytes taken. */
static inline size_t
give(struct span bytes, bool more)
{
	size_t used, before = said.len;
	enum event event = session_protocol.input(&world.session, at_the_edge(bytes), &used, &said);

	ck_assert_uint_le(used, bytes.n);
	ck_assert(event != EVENT_INPUT || used == bytes.n || said.len > before);
	world.closed = event == EVENT_CLOSE;
	world.delays += event == EVENT_DENIED;
	if (event == EVENT_TURN && (more || used < bytes.n)) {
		buf_cut(&said, before);
		session_protocol.farewell(&world.session, FAREWELL_EARLY, &said);
		world.early = world.closed = true;
	}
	return used;
}

/* Pieces of `cut` bytes; 0: all that has come. A form feed says that the client waits for the replies. */
static inline void
feed(struct span text, size_t cut)
{
	while (text.at != NULL && !world.closed) {
		struct span part = span_until(text, '\f', &text);
		while (part.n > 0 && !world.closed) {
			size_t n = give(span_slice(part, 0, cut == 0 ? part.n : cut), false);
			part = span_slice(part, n, part.n);
		}
	}
}

/* "250 2.1.0, 354" out of replies: code and status of each, of its last line alone. */
static inline void
condense(struct buf *out)
{
	for (struct span rest = buf_span(&said), line; rest.n > 0;) {
		line = span_until(rest, '\n', &rest);
		ck_assert(line.n >= 5 && line.at[line.n - 1] == '\r');
		if (line.at[3] != ' ')
			continue;
		bool status = line.n > 9 && line.at[5] == '.' && line.at[7] == '.';
		struct span text, two = span_until(span_slice(line, 4, line.n), ' ', &text);
		buf_add_string(out, out->len > 0 ? ", " : "");
		buf_add_span(out, span_slice(line, 0, status ? 4 + two.n : 3));
	}
}

static inline void
talk_bytes(struct span text, const char *expected)
{
	static const size_t cuts[] = { 1, 2, 3, 7, 64, 0 };
	struct buf condensed;

	for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
		begin();
		feed(text, cuts[i]);
		buf_init(&condensed, 1024 * 1024);
		condense(&condensed);
		ck_assert_str_eq(buf_string(&condensed), expected);
		buf_free(&condensed);
	}
}

/* The last run is that of the whole text at once: look at it in `world`. */
static inline void
talk(const char *text, const char *expected)
{
	talk_bytes(span_of(text), expected);
}

static inline void
talk_setup(void)
{
	settings =
	    (struct session_config){ .hostname = "mail.example.org", .message_size = 1000, .recipients = 3 };
	fail_finish = (struct reply){ 0 };
	fail_accounts = false;
}

/* A literal with NULs in it, as a span. */
#define BYTES(literal) ((struct span){ literal, sizeof(literal) - 1 })

#define EHLO "EHLO home.example.net\r\n"
#define MAIL "MAIL FROM:<carl@example.net>\r\n"
#define RCPT "RCPT TO:<anna@example.org>\r\n"

#endif
