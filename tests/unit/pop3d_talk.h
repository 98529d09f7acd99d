/*
 * pop3d_talk: the POP3 session over a backend that lives in memory. Each dialogue is fed whole, byte by byte, and line by line with
 * a guard page behind each line, with the same result.
 */
#ifndef POP3D_TALK_H
#define POP3D_TALK_H

#include <stdio.h>

#include "unit.h"

#include "bounds.h"
#include "dot.h"
#include "session.h"

#define TIMESTAMP "<1896.697170952@dbc.mtview.ca.us>"

enum { MESSAGES = 8, LOG = 16 * 1024, TRANSCRIPT = 64 * 1024 };

/* A mailbox, and what is to go wrong with it. */
struct fake {
	const char *messages[MESSAGES]; /* CRLF lines */
	size_t count;			/* more than MESSAGES: the first, again and again */
	size_t piece;			/* bytes a read gives at most; 0: all */
	const char *open_code, *begin_code, *read_code, *expunge_code;
	size_t reads_before_failure;
	bool no_accounts, no_random;

	/* What happened. */
	size_t reading, at, reads;
	long lines;
	struct dot_stuffer stuffer;
	bool is_open, was_opened;
	int opens, expunges;
	char expunged[256];
	char log[LOG];
};

static const struct fake two_messages = { .messages = { "Subject: one\r\n\r\nfirst\r\n",
					      "Subject: two\r\n\r\n.dot\r\n\r\nlast\r\n" },
	.count = 2 };

static inline int
fake_random(void *context, uint8_t *nonce)
{
	const struct fake *f = context;

	memset(nonce, 7, SASL_NONCE);
	return f->no_random ? -1 : 0;
}

static inline int
fake_credential(void *context, struct span login, char *user, struct credential *credential)
{
	static const char *const accounts[][2] = { { "anna", "{PLAIN}apple  pie" },
		{ "mrose", "{PLAIN}tanstaaf" } };
	const struct fake *f = context;
	static const uint8_t salt[] = "salt of bob's";
	struct buf verifier;

	if (f->no_accounts)
		return -1;
	size_t n = 0;
	for (; n < login.n && n < SASL_USER; n++)
		user[n] = ascii_lower(login.at[n]);
	user[n] = '\0';
	for (size_t i = 0; i < 2; i++) {
		if (!span_is_nocase(login, accounts[i][0]))
			continue;
		ck_assert_int_eq(credential_parse(span_of(accounts[i][1]), credential), 0);
		credential_salt(credential, login, span_of("secret"));
		return 0;
	}
	if (!span_is_nocase(login, "bob")) {
		credential_decoy(login, span_of("secret"), credential);
		return 0;
	}
	buf_init(&verifier, 1024);
	ck_assert_int_eq(credential_make(span_of("banana"), salt, sizeof salt, 4096, &verifier), 0);
	int result = credential_parse(buf_span(&verifier), credential);
	buf_free(&verifier);
	return result;
}

static inline const char *
failing(const char *code, struct buf *reason)
{
	if (code != NULL)
		buf_add_string(reason, "because\r\nof that");
	return code;
}

static inline const char *
text_of(const struct fake *f, size_t message)
{
	ck_assert_uint_lt(message, f->count);
	return f->messages[f->count > MESSAGES ? 0 : message];
}

static inline struct message
fake_message(void *context, size_t message)
{
	static char uidl[32];
	const struct fake *f = context;

	ck_assert(f->is_open);
	snprintf(uidl, sizeof uidl, "uidl%zu", message + 1);
	return (struct message){ strlen(text_of(f, message)), uidl };
}

static inline const char *
fake_open(void *context, const char *user, size_t *count, uint64_t *octets, struct buf *reason)
{
	struct fake *f = context;

	ck_assert(!f->is_open);
	ck_assert(strcmp(user, "anna") == 0 || strcmp(user, "bob") == 0 || strcmp(user, "mrose") == 0);
	f->is_open = f->was_opened = true;
	*count = f->count;
	*octets = 0;
	for (size_t i = 0; i < f->count; i++)
		*octets += fake_message(context, i).octets;
	/* It fails once. */
	return failing(f->opens++ == 0 ? f->open_code : NULL, reason);
}

static inline void
fake_close(void *context)
{
	struct fake *f = context;

	f->is_open = false;
}

static inline const char *
fake_begin(void *context, size_t message, long lines, struct buf *reason)
{
	struct fake *f = context;

	f->reading = message;
	f->at = 0;
	f->lines = lines;
	f->stuffer = (struct dot_stuffer){ .in_line = false };
	return failing(f->begin_code, reason);
}

/* Bytes of the message with so many lines of its body. */
static inline size_t
length_with(const char *text, long lines)
{
	const char *end = strstr(text, "\r\n\r\n");

	ck_assert_ptr_nonnull(end);
	end += 4;
	for (; lines != 0 && *end != '\0'; lines--)
		end = strchr(end, '\n') + 1;
	return (size_t)(end - text);
}

static inline const char *
fake_read(void *context, size_t limit, struct buf *out, bool *done, struct buf *reason)
{
	struct fake *f = context;
	const char *text = text_of(f, f->reading);
	size_t left = length_with(text, f->lines) - f->at;
	size_t n = f->piece > 0 && f->piece < left ? f->piece : left;

	ck_assert_uint_eq(limit, OUTPUT_CHUNK);
	if (f->reads++ >= f->reads_before_failure && f->read_code != NULL)
		return failing(f->read_code, reason);
	dot_stuff(&f->stuffer, text + f->at, n, out);
	f->at += n;
	*done = n == left;
	return NULL;
}

static inline const char *
fake_expunge(void *context, bool (*deleted)(const void *, size_t), const void *whose, struct buf *reason)
{
	struct fake *f = context;
	size_t n = 0;

	ck_assert(f->is_open);
	f->expunges++;
	for (size_t i = 0; i < f->count; i++)
		if (deleted(whose, i))
			n += (size_t)snprintf(f->expunged + n, sizeof f->expunged - n, "%zu ", i + 1);
	return failing(f->expunge_code, reason);
}

static inline void
fake_log(void *context, const struct note *note)
{
	struct fake *f = context;
	size_t n = strlen(f->log);

	n += (size_t)snprintf(f->log + n, LOG - n, "%s user=%.*s", note->event, (int)note->user.n,
	    note->user.n > 0 ? note->user.at : "");
	if (note->method != NULL)
		n += (size_t)snprintf(f->log + n, LOG - n, " method=%s", note->method);
	if (note->uidl != NULL)
		n += (size_t)snprintf(f->log + n, LOG - n, " uidl=%s", note->uidl);
	if (note->counted != NULL)
		n += (size_t)snprintf(f->log + n, LOG - n, " %s=%d", note->counted, (int)note->number);
	if (note->reason != NULL && note->reason[0] != '\0')
		n += (size_t)snprintf(f->log + n, LOG - n, " reason");
	snprintf(f->log + n, LOG - n, "\n");
}

static const struct backend fake_backend = { { fake_random, fake_credential }, fake_open, fake_close,
	fake_message, fake_begin, fake_read, fake_expunge, fake_log };

/* A session and what it said. */
struct talk {
	struct fake fake;
	struct session session;
	struct buf out, said;
	enum event event;
	int delays;
	size_t longest; /* of out */
};

static inline void
flush(struct talk *t)
{
	ck_assert(!t->out.failed);
	if (t->out.len > t->longest)
		t->longest = t->out.len;
	ck_assert_int_eq(buf_add_span(&t->said, buf_span(&t->out)), 0);
	buf_clear(&t->out);
}

/* The reply is finished, in as many pieces as it takes. */
static inline void
hear_out(struct talk *t)
{
	while (t->event == EVENT_OUTPUT) {
		ck_assert(session_protocol.in_transfer(&t->session));
		flush(t);
		t->event = session_protocol.output(&t->session, &t->out);
	}
	if (t->event == EVENT_DENIED) {
		t->delays++;
		t->event = EVENT_INPUT;
	}
	flush(t);
}

static inline void
begin(struct talk *t, const struct fake *fake, bool cleartext, const char *timestamp)
{
	struct session_settings settings = {
		.hostname = "mail.example.org", .timestamp = timestamp, .cleartext = cleartext
	};

	*t = (struct talk){ .fake = *fake };
	buf_init(&t->out, CONN_OUTPUT);
	buf_init(&t->said, 64 * 1024 * 1024);
	session_init(&t->session, &fake_backend, &t->fake, &settings);
	t->event = session_protocol.greet(&t->session, &t->out);
	hear_out(t);
	buf_clear(&t->said);
}

static inline void
feed(struct talk *t, const char *bytes, size_t n)
{
	while (n > 0 && t->event == EVENT_INPUT) {
		size_t used = 0;
		t->event = session_protocol.input(&t->session, (struct span){ bytes, n }, &used, &t->out);
		ck_assert_uint_gt(used, 0);
		ck_assert_uint_le(used, n);
		hear_out(t);
		bytes += used;
		n -= used;
	}
}

static inline void
say(struct talk *t, const char *text)
{
	buf_clear(&t->said);
	feed(t, text, strlen(text));
}

static inline void
end(struct talk *t)
{
	session_free(&t->session);
	ck_assert(!t->fake.is_open);
	buf_free(&t->out);
	buf_free(&t->said);
}

static inline void
feed_bytes(struct talk *t, const char *text)
{
	for (; *text != '\0'; text++)
		feed(t, text, 1);
}

static inline void
feed_guarded_lines(struct talk *t, const char *text)
{
	while (*text != '\0') {
		const char *newline = strchr(text, '\n');
		size_t n = newline == NULL ? strlen(text) : (size_t)(newline - text) + 1;
		char *copy = guarded(text, n);
		feed(t, copy, n);
		unguard(copy, n);
		text += n;
	}
}

/* Line by line; a pattern's * stands for the rest of a line. */
static inline void
expect(struct span said, const char *patterns)
{
	struct span rest = said, line, pattern_rest = span_of(patterns), pattern;

	while (rest.n > 0 && pattern_rest.n > 0) {
		line = span_until(rest, '\n', &rest);
		pattern = span_until(pattern_rest, '\n', &pattern_rest);
		ck_assert_msg(line.n > 0 && line.at[line.n - 1] == '\r', "a line without CRLF");
		line.n--;
		bool any = pattern.n > 0 && pattern.at[pattern.n - 1] == '*';
		if (any)
			pattern.n--;
		if (any ? line.n < pattern.n : line.n != pattern.n)
			ck_abort_msg(
			    "\"%.*s\" instead of \"%.*s\"", (int)line.n, line.at, (int)pattern.n, pattern.at);
		if (pattern.n > 0 && memcmp(line.at, pattern.at, pattern.n) != 0)
			ck_abort_msg(
			    "\"%.*s\" instead of \"%.*s\"", (int)line.n, line.at, (int)pattern.n, pattern.at);
	}
	if (rest.n > 0 || pattern_rest.n > 0)
		ck_abort_msg("said \"%.*s\", wanted \"%.*s\"", (int)said.n, said.at, (int)pattern_rest.n,
		    pattern_rest.n > 0 ? pattern_rest.at : "");
}

/* The same dialogue in three ways; the first talk is handed out for a closer look, and the caller ends it. */
static inline void
dialogue_of(struct talk *t, const struct fake *fake, bool cleartext, const char *timestamp, const char *input,
    const char *expected)
{
	void (*const ways[])(struct talk *, const char *) = { say, feed_bytes, feed_guarded_lines };
	struct talk other;

	begin(t, fake, cleartext, timestamp);
	ways[0](t, input);
	expect(buf_span(&t->said), expected);
	for (size_t i = 1; i < sizeof ways / sizeof ways[0]; i++) {
		begin(&other, fake, cleartext, timestamp);
		ways[i](&other, input);
		expect_span(buf_span(&other.said), buf_string(&t->said));
		ck_assert_str_eq(other.fake.log, t->fake.log);
		ck_assert_str_eq(other.fake.expunged, t->fake.expunged);
		ck_assert_int_eq(other.event, t->event);
		ck_assert_int_eq(other.delays, t->delays);
		end(&other);
	}
}

static inline void
dialogue(const struct fake *fake, const char *input, const char *expected)
{
	struct talk t;

	dialogue_of(&t, fake, true, TIMESTAMP, input, expected);
	end(&t);
}

#define LOGIN	"USER anna\r\nPASS apple  pie\r\n"
#define WELCOME "+OK*\n+OK anna has 2 messages\n"

/* With both messages, after a login. */
static inline void
logged_in(const char *input, const char *expected)
{
	struct buf whole, replies;

	buf_init(&whole, TRANSCRIPT);
	buf_init(&replies, TRANSCRIPT);
	buf_printf(&whole, LOGIN "%s", input);
	buf_printf(&replies, WELCOME "%s", expected);
	dialogue(&two_messages, buf_string(&whole), buf_string(&replies));
	buf_free(&whole);
	buf_free(&replies);
}

#endif
