/*
 * A whole session of a POP3 client over a mailbox in memory. Its bytes come all at once and in pieces, with the same outcome; every
 * reply is one, and nothing is deleted but by QUIT. The first byte of the input says what goes wrong.
 */
#include "session.h"

#include "bounds.h"
#include "dot.h"
#include "fuzz.h"

enum { FAIL_ACCOUNTS = 1, FAIL_OPEN = 2, FAIL_BEGIN = 4, FAIL_EXPUNGE = 8, CLEARTEXT = 16, TIMESTAMP = 32 };

static const char *const messages[] = { "Subject: one\r\n\r\nfirst\r\n",
	"Subject: two\r\n\r\n.dot\r\n\r\n.\r\n", "" };

enum { MESSAGES = sizeof messages / sizeof messages[0] };

struct world {
	struct session session;
	struct buf said, events;
	unsigned faults;
	bool is_open, expunged;
	size_t message;
};

static int
make_random(void *context, uint8_t *nonce)
{
	(void)context;
	memset(nonce, 7, SASL_NONCE);
	return 0;
}

/* Few iterations: it is not the arithmetic that is tried. */
static int
find_credential(void *context, struct span login, char *user, struct credential *c)
{
	const struct world *w = context;
	size_t n = 0;

	for (; n < login.n && n < SASL_USER; n++)
		user[n] = ascii_lower(login.at[n]);
	user[n] = '\0';
	*c = (struct credential){
		.kind = CREDENTIAL_PLAIN, .iterations = 2, .password_n = 5, .password = "apple"
	};
	credential_salt(c, login, span_of("secret"));
	if (!span_is_nocase(login, "anna"))
		c->kind = CREDENTIAL_NONE;
	return (w->faults & FAIL_ACCOUNTS) != 0 ? -1 : 0;
}

static const char *
outcome(const struct world *w, unsigned fault, struct buf *reason)
{
	if ((w->faults & fault) == 0)
		return NULL;
	buf_add_string(reason, "because\r\nof that");
	return fault == FAIL_OPEN ? "[IN-USE]" : "[SYS/TEMP]";
}

static void
close_mail(void *context)
{
	struct world *w = context;

	w->is_open = false;
}

static struct message
message_of(void *context, size_t message)
{
	const struct world *w = context;

	MUST(w->is_open && message < MESSAGES);
	return (struct message){ strlen(messages[message]), "uidl" };
}

static const char *
open_mail(void *context, const char *user, size_t *count, uint64_t *all, struct buf *reason)
{
	struct world *w = context;

	MUST(strcmp(user, "anna") == 0 && !w->is_open);
	w->is_open = true;
	*count = MESSAGES;
	*all = 0;
	for (size_t i = 0; i < MESSAGES; i++)
		*all += message_of(context, i).octets;
	return outcome(w, FAIL_OPEN, reason);
}

static const char *
read_begin(void *context, size_t message, long lines, struct buf *reason)
{
	struct world *w = context;

	MUST(w->is_open && message < MESSAGES && lines >= -1);
	w->message = message;
	return outcome(w, FAIL_BEGIN, reason);
}

static const char *
read_mail(void *context, size_t limit, struct buf *out, bool *done, struct buf *reason)
{
	const struct world *w = context;
	struct dot_stuffer stuffer = { .in_line = false };

	(void)reason;
	MUST(w->is_open && limit > 0);
	dot_stuff(&stuffer, messages[w->message], strlen(messages[w->message]), out);
	*done = true;
	return NULL;
}

static const char *
expunge(void *context, bool (*deleted)(const void *, size_t), const void *whose, struct buf *reason)
{
	struct world *w = context;

	MUST(w->is_open && !w->expunged);
	w->expunged = true;
	for (size_t i = 0; i < MESSAGES; i++)
		buf_add_string(&w->events, deleted(whose, i) ? "gone " : "kept ");
	return outcome(w, FAIL_EXPUNGE, reason);
}

static void
take_note(void *context, const struct note *note)
{
	struct world *w = context;

	buf_printf(&w->events, "%s %llu\n", note->event, (unsigned long long)note->number);
}

static const struct backend backend = { { make_random, find_credential }, open_mail, close_mail, message_of,
	read_begin, read_mail, expunge, take_note };

static bool
begins(struct span s, const char *start)
{
	return s.n >= strlen(start) && memcmp(s.at, start, strlen(start)) == 0;
}

/* One reply: a line, or lines up to one with a dot (RFC 1939 3). */
static void
must_be_a_reply(struct span said)
{
	size_t lines = 0;

	MUST(begins(said, "+OK") || begins(said, "-ERR ") || begins(said, "+ "));
	while (said.n > 0) {
		struct span line = span_until(said, '\n', &said);
		MUST(said.at != NULL && line.n > 0 && line.n < 512 && line.at[line.n - 1] == '\r');
		for (size_t i = 0; i + 1 < line.n; i++)
			MUST(ascii_is_print(line.at[i]));
		lines++;
		if (line.n == 2 && line.at[0] == '.')
			MUST(said.n == 0);
		else
			MUST(lines == 1 || said.n > 0);
	}
}

/* All of a reply, in as many pieces as it takes. */
static enum event
hear_out(struct world *w, enum event event, size_t before)
{
	while (event == EVENT_OUTPUT)
		event = session_protocol.output(&w->session, &w->said);
	MUST(event == EVENT_INPUT || event == EVENT_CLOSE || event == EVENT_DENIED);
	struct span reply = span_slice(buf_span(&w->said), before, w->said.len);
	if (reply.n > 0)
		must_be_a_reply(reply);
	MUST(!w->said.failed);
	return event;
}

static void
run(struct world *w, struct span input, bool cut)
{
	unsigned faults = input.n > 0 ? (unsigned char)input.at[0] : 0;
	struct session_settings settings = { .hostname = "mail.example.org",
		.timestamp = (faults & TIMESTAMP) != 0 ? "<1@example.org>" : NULL,
		.cleartext = (faults & CLEARTEXT) != 0 };
	struct cuts cuts = { (uint32_t)input.n };

	*w = (struct world){ .faults = faults };
	buf_init(&w->said, 256 * input.n + 4096);
	buf_init(&w->events, 64 * input.n + 4096);
	session_init(&w->session, &backend, w, &settings);
	enum event event = hear_out(w, session_protocol.greet(&w->session, &w->said), 0);
	input = span_slice(input, 1, input.n);
	while (event != EVENT_CLOSE && input.n > 0) {
		struct span rest = input, piece = fuzz_cut(&rest, cut ? cuts_next(&cuts) : 0);
		size_t used, before = w->said.len;
		event = session_protocol.input(&w->session, piece, &used, &w->said);
		MUST(used > 0 && used <= piece.n);
		MUST(event != EVENT_INPUT || used == piece.n || w->said.len > before);
		event = hear_out(w, event, before);
		input = span_slice(input, used, input.n);
	}
	MUST(!w->expunged || event == EVENT_CLOSE);
}

static void
end(struct world *w)
{
	session_free(&w->session);
	MUST(!w->is_open);
	buf_free(&w->said);
	buf_free(&w->events);
}

void
fuzz(struct span input)
{
	struct world whole, cut;

	run(&whole, input, false);
	run(&cut, input, true);
	must_equal(buf_span(&whole.said), buf_span(&cut.said));
	must_equal(buf_span(&whole.events), buf_span(&cut.events));
	end(&whole);
	end(&cut);
}
