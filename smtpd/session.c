/* The table of commands, their dispatch, the commands that need no other file, and the ends of transaction and session. */
#include "session.h"

#include <inttypes.h>

#include "bounds.h"
#include "command.h"

enum {
	NEW = SESSION_NEW,
	GREETED = SESSION_GREETED,
	IN_MAIL = SESSION_MAIL,
	IN_CHUNKS = SESSION_CHUNKS,
	ANY = NEW | GREETED | IN_MAIL | IN_CHUNKS
};

/* The column `needs`. */
enum {
	ARGUMENT = 1,	 /* there must be one */
	NO_ARGUMENT = 2, /* there must be none */
	RCPT = 4,	 /* a recipient was taken */
	OCTETS = 8,  /* octets follow even where it is refused: it runs all the same, and looks at verdict */
	SECRET = 16, /* the argument may hold one: it is not for the log */
	LOGIN = 32,  /* where mail programs come, they must have logged in */
	PLAIN = 64   /* what is said to it has no status code: RFC 2034 4 */
};

struct command {
	const char *word;
	unsigned allowed;
	unsigned needs;
	enum event (*run)(struct session *, struct span argument, struct buf *out);
	struct reply reply; /* where that is NULL */
};

static enum event ehlo(struct session *, struct span argument, struct buf *out);
static enum event helo(struct session *, struct span argument, struct buf *out);
static enum event rset(struct session *, struct span argument, struct buf *out);
static enum event help(struct session *, struct span argument, struct buf *out);
static enum event quit(struct session *, struct span argument, struct buf *out);

static const struct command commands[] = {
	/* clang-format off */
	/* word    allowed in            needs                     handler        or reply */
	{ "EHLO",  ANY,                  ARGUMENT | PLAIN,         ehlo,          { 0 } },
	{ "HELO",  ANY,                  ARGUMENT | PLAIN,         helo,          { 0 } },
	{ "AUTH",  GREETED,              ARGUMENT | SECRET,        auth_begin,    { 0 } },
	{ "MAIL",  GREETED,              ARGUMENT | LOGIN,         envelope_mail, { 0 } },
	{ "RCPT",  IN_MAIL,              ARGUMENT,                 envelope_rcpt, { 0 } },
	{ "DATA",  IN_MAIL,              NO_ARGUMENT | RCPT,       data_begin,    { 0 } },
	{ "BDAT",  IN_MAIL | IN_CHUNKS,  ARGUMENT | RCPT | OCTETS, data_chunk,    { 0 } },
	{ "RSET",  ANY,                  NO_ARGUMENT,              rset,          { 0 } },
	{ "NOOP",  ANY,                  0,                        NULL,          { 250, "2.0.0", "Ok" } },
	/* RFC 5321 3.5.3: 252 tells nothing, to nobody. */
	{ "VRFY",  ANY,                  ARGUMENT,                 NULL,          { 252, "2.0.0", "RCPT will tell" } },
	{ "EXPN",  ANY,                  ARGUMENT,                 NULL,          { 502, "5.5.1", "There are no lists" } },
	{ "HELP",  ANY,                  0,                        help,          { 0 } },
	{ "QUIT",  ANY,                  NO_ARGUMENT,              quit,          { 0 } },
	/* clang-format on */
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

void
session_init(
    struct session *s, const struct session_config *config, const struct backend *backend, void *world)
{
	*s = (struct session){ .config = config, .backend = backend, .world = world, .state = SESSION_NEW };
	s->envelope.trusted = config->trusted;
	exchange_init(&s->exchange, &backend->accounts, world, "334 ");
	line_init(&s->line, SMTP_LINE);
	buf_init(&s->helo, SMTP_DOMAIN);
	buf_init(&s->sender, SMTP_PATH);
	buf_init(&s->envid, DSN_ENVID);
	buf_init(&s->content, DATA_PIECE + 1); /* and the CR that was held back before it */
}

void
session_free(struct session *s)
{
	if (s->backend != NULL)
		command_reset(s);
	exchange_end(&s->exchange);
	line_free(&s->line);
	buf_free(&s->helo);
	buf_free(&s->sender);
	buf_free(&s->envid);
	buf_free(&s->content);
}

/* Begin anew under the name that EHLO or HELO gives. It is used in Received: alone, so nothing is asked of it but to be harmless. */
static struct reply
greeted(struct session *s, struct span name, bool esmtp)
{
	if (name.n > SMTP_DOMAIN)
		return (struct reply){ 501, NULL, "The name is too long" };
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_print(name.at[i]))
			return (struct reply){ 501, NULL, "The name is not printable ASCII" };
	command_reset(s);
	buf_clear(&s->helo);
	buf_add_span(&s->helo, name);
	s->envelope.helo = buf_span(&s->helo);
	s->envelope.esmtp = esmtp;
	s->state = SESSION_GREETED;
	return (struct reply){ 250, NULL, s->config->hostname };
}

static enum event
helo(struct session *s, struct span argument, struct buf *out)
{
	return command_say(s, greeted(s, argument, false), out);
}

static enum event
ehlo(struct session *s, struct span argument, struct buf *out)
{
	struct reply reply = greeted(s, argument, true);

	if (reply.code != 250)
		return command_say(s, reply, out);
	buf_printf(out,
	    "250-%s\r\n250-PIPELINING\r\n250-SIZE %" PRIu64 "\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
	    "250-CHUNKING\r\n%s250-AUTH SCRAM-SHA-256%s\r\n250 SMTPUTF8\r\n",
	    reply.text, s->config->message_size,
	    s->envelope.trusted || s->config->submission ? "250-DSN\r\n" : "",
	    s->config->cleartext ? " PLAIN LOGIN" : "");
	return EVENT_INPUT;
}

static enum event
rset(struct session *s, struct span argument, struct buf *out)
{
	(void)argument;
	command_reset(s);
	return command_say(s, (struct reply){ 250, "2.0.0", "Ok" }, out);
}

static enum event
quit(struct session *s, struct span argument, struct buf *out)
{
	(void)argument;
	command_reset(s);
	command_say(s, (struct reply){ 221, "2.0.0", "Bye" }, out);
	return EVENT_CLOSE;
}

static enum event
help(struct session *s, struct span argument, struct buf *out)
{
	(void)s;
	(void)argument;
	buf_add_string(out, "214 2.0.0");
	for (size_t i = 0; i < COMMANDS; i++)
		buf_printf(out, " %s", commands[i].word);
	buf_add_string(out, "\r\n");
	return EVENT_INPUT;
}

/* A tab is a blank; bytes above ASCII are the handlers' to judge. */
static bool
has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.at[i] < 0x80 && !ascii_is_print(s.at[i]) && s.at[i] != '\t')
			return true;
	return false;
}

/* What the columns of the table have against a command; code 0: nothing. */
static struct reply
objection(const struct session *s, const struct command *c)
{
	static const char *const out_of_order[] = {
		[NEW] = "Out of order: EHLO or HELO comes first",
		[GREETED] = "Out of order: MAIL comes first",
		[IN_MAIL] = "Out of order: a transaction is open; RSET ends it",
		[IN_CHUNKS] = "Out of order: the message is coming in by BDAT; RSET ends it",
	};

	if ((c->allowed & s->state) == 0)
		return (struct reply){ 503, "5.5.1", out_of_order[s->state] };
	if ((c->needs & LOGIN) != 0 && s->config->submission && s->envelope.user.n == 0)
		return (struct reply){ 530, "5.7.0", "Log in first: AUTH" };
	if ((c->needs & RCPT) != 0 && s->envelope.taken == 0 && s->envelope.refused > 0)
		return (struct reply){ 554, "5.5.1", "No valid recipients" };
	if ((c->needs & RCPT) != 0 && s->envelope.taken == 0)
		return (struct reply){ 503, "5.5.1", "Out of order: RCPT comes first" };
	if ((c->needs & ARGUMENT) != 0 && s->argument.n == 0)
		return (struct reply){ 501, "5.5.4", "An argument is missing" };
	if ((c->needs & NO_ARGUMENT) != 0 && s->argument.n > 0)
		return (struct reply){ 501, "5.5.4", "This command takes no argument" };
	if (has_control(s->argument))
		return (struct reply){ 501, "5.5.2", "There is a control character in the argument" };
	return (struct reply){ 0 };
}

static const struct command *
find_command(struct span word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (span_is_nocase(word, commands[i].word))
			return &commands[i];
	return NULL;
}

static enum event
dispatch(struct session *s, struct span line, struct buf *out)
{
	size_t word = 0;

	while (word < line.n && !ascii_is_blank(line.at[word]))
		word++;
	const struct command *command = find_command(span_slice(line, 0, word));
	s->word = command == NULL ? NULL : command->word;
	s->argument = span_trim(span_slice(line, word, command == NULL ? word : line.n));
	if (command == NULL)
		return command_say(s, (struct reply){ 500, "5.5.1", "Unknown command" }, out);
	s->verdict = objection(s, command);
	if ((command->needs & PLAIN) != 0)
		s->verdict.status = NULL;
	struct span argument = s->argument;
	if ((command->needs & SECRET) != 0)
		s->argument = (struct span){ NULL, 0 };
	enum event event;
	if (s->verdict.code != 0 && (command->needs & OCTETS) == 0)
		event = command_say(s, s->verdict, out);
	else
		event = command->run != NULL ? command->run(s, argument, out)
					     : command_say(s, command->reply, out);
	if ((command->needs & SECRET) != 0)
		wipe(s->line.text.data, s->line.text.len);
	return event;
}

static enum event
line_input(struct session *s, struct span bytes, size_t *used, struct buf *out)
{
	const bool login = s->phase == PHASE_AUTH;
	const enum line_result result = line_push(&s->line, bytes.at, bytes.n, used);

	if (result == LINE_MORE)
		return EVENT_INPUT;
	if (result == LINE_WHOLE)
		return login ? auth_answer(s, line_text(&s->line), out)
			     : dispatch(s, line_text(&s->line), out);
	if (login)
		exchange_end(&s->exchange);
	else
		s->word = NULL;
	s->argument = (struct span){ NULL, 0 };
	s->phase = PHASE_COMMANDS;
	return command_say(s, (struct reply){ 500, login ? "5.5.6" : "5.5.2", "The line is too long" }, out);
}

static enum event
input(void *session, struct span bytes, size_t *used, struct buf *out)
{
	static enum event (*const takers[])(struct session *, struct span, size_t *, struct buf *) = {
		[PHASE_COMMANDS] = line_input,
		[PHASE_AUTH] = line_input,
		[PHASE_DATA] = data_input,
		[PHASE_CHUNK] = data_chunk_input,
	};
	struct session *s = session;
	size_t said = out->len;
	enum event event;

	*used = 0;
	do {
		size_t n;
		event = takers[s->phase](s, span_slice(bytes, *used, bytes.n), &n, out);
		*used += n;
	} while (event == EVENT_INPUT && *used < bytes.n && out->len == said);
	if (s->errors < SESSION_ERRORS || event == EVENT_CLOSE)
		return event;
	command_say(s, (struct reply){ 421, "4.7.0", "Too many errors" }, out);
	return EVENT_CLOSE;
}

static enum event
greet(void *session, struct buf *out)
{
	struct session *s = session;

	buf_printf(out, "220 %s ESMTP Letterbox\r\n", s->config->hostname);
	return EVENT_TURN;
}

/* Why the session ends is in the log without this. */
static void
farewell(void *session, enum farewell why, struct buf *out)
{
	static const struct reply replies[] = {
		[FAREWELL_STOP] = { 421, "4.3.2", "The server is going down" },
		[FAREWELL_TIMEOUT] = { 421, "4.4.2", "Nothing came for too long" },
		[FAREWELL_DENIED] = { 421, "4.7.0", "Too many failed logins" },
		[FAREWELL_EARLY] = { 554, "5.5.0", "You spoke out of turn" },
	};

	if (why == FAREWELL_EARLY)
		command_say(session, replies[why], out);
	else
		command_repeat(replies[why], out);
}

static bool
in_transfer(const void *session)
{
	const struct session *s = session;

	return s->phase == PHASE_DATA || s->phase == PHASE_CHUNK || s->state == SESSION_CHUNKS;
}

const struct protocol session_protocol = { greet, input, NULL, farewell, in_transfer };
