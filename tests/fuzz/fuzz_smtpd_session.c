/*
 * A whole session of an SMTP client over a world in memory. Its bytes come all at once and in pieces, with the same outcome; every
 * reply is one; what is stored is content, and nothing is stored that was not ended.
 */
#include "session.h"

#include "fuzz.h"

struct world {
	struct session session;
	struct buf content, said, events;
	uint64_t size; /* of the last message */
	int finished;
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
	size_t n = 0;

	(void)context;
	MUST(login.n <= SASL_USER);
	for (; n < login.n; n++)
		user[n] = ascii_lower(login.at[n]);
	user[n] = '\0';
	*c = (struct credential){
		.kind = CREDENTIAL_PLAIN, .iterations = 2, .password_n = 5, .password = "apple"
	};
	credential_salt(c, login, span_of("secret"));
	if (!span_is_nocase(login, "anna"))
		c->kind = CREDENTIAL_NONE;
	return 0;
}

static void
take_login(void *context, bool right, struct span user, const char *method)
{
	struct world *w = context;

	MUST(!right || span_is(user, "anna"));
	buf_printf(&w->events, "%d %s ", right, method);
	buf_add_span(&w->events, user);
}

static struct reply
take_mail(void *context, const struct envelope *envelope, const struct path *path)
{
	(void)context;
	MUST(span_is(envelope->user, "anna"));
	return (struct reply){ path->local.n == 2 ? 553 : 0, "5.7.1", "no" };
}

static struct reply
take_rcpt(
    void *context, const struct envelope *envelope, const struct path *path, const struct dsn_request *dsn)
{
	struct world *w = context;

	MUST(envelope->taken <= 2 && path->whole.n > 0);
	MUST(!w->session.config->submission || envelope->user.n > 0);
	MUST(envelope->trusted == (envelope->user.n > 0) &&
	     (!envelope->trusted || span_is(envelope->user, "anna")));
	MUST(envelope->trusted || (envelope->envid.n == 0 && dsn->orcpt.n == 0));
	MUST(envelope->envid.n == 0 || dsn_is_envid(envelope->envid));
	MUST(dsn->orcpt.n == 0 || dsn_is_orcpt(dsn->orcpt));
	MUST((dsn->notify & DSN_NEVER) == 0 || dsn->notify == DSN_NEVER);
	buf_add_string(&w->events, "rcpt ");
	buf_add_span(&w->events, path->whole);
	if (path->local.n == 1)
		return (struct reply){ 550, "5.1.1", "nobody" };
	return (struct reply){ 250, "2.1.5", "Ok" };
}

static void
take_content(void *context, struct span content)
{
	struct world *w = context;

	for (size_t i = 0; i < content.n; i++)
		MUST(content.at[i] != '\0');
	MUST(buf_add_span(&w->content, content) == 0);
}

/* CR and LF are pairs. */
static void
must_be_lines(struct span content)
{
	for (size_t i = 0; i < content.n; i++) {
		MUST(content.at[i] != '\n' || (i > 0 && content.at[i - 1] == '\r'));
		MUST(content.at[i] != '\r' || (i + 1 < content.n && content.at[i + 1] == '\n'));
	}
}

static struct reply
finish(void *context, const struct envelope *envelope)
{
	struct world *w = context;

	MUST(envelope->taken > 0 && envelope->size == w->content.len);
	MUST(envelope->size <= w->session.config->message_size);
	must_be_lines(buf_span(&w->content));
	if (w->session.dot.kind == DOT_COUNTED)
		MUST(w->session.last && w->session.left == 0);
	buf_add_string(&w->events, "message ");
	buf_add_span(&w->events, envelope->sender);
	buf_add_span(&w->events, buf_span(&w->content));
	w->size = envelope->size;
	w->finished++;
	return (struct reply){ 250, "2.0.0", "Ok" };
}

static void
forget(void *context)
{
	struct world *w = context;

	buf_clear(&w->content);
}

static void
refused(void *context, const char *word, struct span argument, const struct reply *reply)
{
	(void)context;
	MUST(reply->code >= 400 && (word != NULL || argument.n == 0));
}

/* RFC 5321 4.2, 4.5.3.1.5. */
static void
must_be_replies(struct span said)
{
	static const int codes[] = { 214, 220, 221, 235, 250, 252, 334, 354, 421, 450, 451, 452, 454, 500,
		501, 502, 503, 504, 530, 535, 538, 550, 552, 553, 554, 555 };

	while (said.n > 0) {
		struct span line = span_until(said, '\n', &said);
		size_t known = 0;
		MUST(said.at != NULL && line.n >= 5 && line.at[line.n - 1] == '\r');
		MUST(line.n < 512 || memcmp(line.at, "334 ", 4) == 0);
		for (size_t i = 0; i + 1 < line.n; i++)
			MUST(ascii_is_print(line.at[i]));
		while (known < sizeof codes / sizeof codes[0] &&
		       codes[known] != span_number(span_slice(line, 0, 3), 999))
			known++;
		MUST(known < sizeof codes / sizeof codes[0]);
		MUST(line.at[3] == ' ' || (line.at[3] == '-' && said.n > 0));
	}
}

/* The bytes up to here ended a message: by a dot where it came by DATA. */
static void
must_be_ended(const struct world *w, struct span taken)
{
	size_t n = taken.n;

	if (w->session.dot.kind == DOT_COUNTED)
		return;
	MUST(n >= 4 && memcmp(taken.at + n - 4, "\n.\r\n", 4) == 0);
	MUST(w->size == 0 || taken.at[n - 5] == '\r');
}

static void
run(struct world *w, const struct session_config *config, struct span input, bool cut)
{
	static const struct backend backend = {
		.accounts = { make_random, find_credential },
		.login = take_login,
		.mail = take_mail,
		.rcpt = take_rcpt,
		.add = take_content,
		.finish = finish,
		.forget = forget,
		.refused = refused,
	};
	struct cuts cuts = { (uint32_t)input.n };
	enum event event;

	*w = (struct world){ .finished = 0 };
	buf_init(&w->content, 4096);
	buf_init(&w->said, 1024 * input.n + 4096);
	buf_init(&w->events, 2 * input.n + 4096);
	session_init(&w->session, config, &backend, w);
	event = session_protocol.greet(&w->session, &w->said);
	for (size_t at = 0; event != EVENT_CLOSE && at < input.n;) {
		struct span rest = span_slice(input, at, input.n),
			    piece = fuzz_cut(&rest, cut ? cuts_next(&cuts) : 0);
		size_t used, said = w->said.len;
		int finished = w->finished;
		event = session_protocol.input(&w->session, piece, &used, &w->said);
		MUST(used <= piece.n && (event != EVENT_INPUT || used == piece.n || w->said.len > said));
		MUST(used > 0 || event == EVENT_CLOSE);
		MUST(event == EVENT_INPUT || event == EVENT_TURN || event == EVENT_DENIED ||
		     event == EVENT_CLOSE);
		at += used;
		if (w->finished > finished)
			must_be_ended(w, span_slice(input, 0, at));
	}
	if (event == EVENT_TURN)
		session_protocol.farewell(&w->session, FAREWELL_EARLY, &w->said);
	else
		session_protocol.farewell(&w->session, FAREWELL_STOP, &w->said);
	MUST(!w->said.failed && !w->events.failed);
	must_be_replies(buf_span(&w->said));
}

static void
end(struct world *w)
{
	session_free(&w->session);
	buf_free(&w->content);
	buf_free(&w->said);
	buf_free(&w->events);
}

/* Where a login is a must, and where it is none. */
static void
try_it(struct span input, bool submission)
{
	const struct session_config config = { .hostname = "mail.example.org",
		.message_size = 300,
		.recipients = 2,
		.cleartext = true,
		.submission = submission };
	struct world whole, cut;

	run(&whole, &config, input, false);
	run(&cut, &config, input, true);
	must_equal(buf_span(&whole.said), buf_span(&cut.said));
	must_equal(buf_span(&whole.events), buf_span(&cut.events));
	end(&whole);
	end(&cut);
}

void
fuzz(struct span input)
{
	try_it(input, false);
	try_it(input, true);
}
