/*
 * What POP3 allows, and when, is the table below; greeting, farewell, and the commands that need neither a user nor mail.
 */
#include "session.h"

#include <limits.h>
#include <stdlib.h>

#include "bounds.h"

static command do_capa, do_lang, do_nothing;

enum need {
	ARGUMENT = 1 << 0,  /* there must be one */
	NOTHING = 1 << 1,   /* there must be none */
	MESSAGE = 1 << 2,   /* an argument is the number of a message that is there */
	LINES = 1 << 3,	    /* and a count of lines */
	SAFE = 1 << 4,	    /* a password may cross this connection */
	NAMED = 1 << 5,	    /* USER came before */
	TIMESTAMP = 1 << 6, /* the greeting had one */
};

#define ANY (AUTHORIZATION | TRANSACTION)

static const struct row {
	const char *word;
	unsigned allowed; /* session_states */
	unsigned needs;
	command *command;
} commands[] = {
	/* clang-format off */
	{ "USER", AUTHORIZATION, ARGUMENT | SAFE,            auth_user },
	{ "PASS", AUTHORIZATION, ARGUMENT | SAFE | NAMED,    auth_pass },
	{ "APOP", AUTHORIZATION, ARGUMENT | TIMESTAMP,       auth_apop },
	{ "AUTH", AUTHORIZATION, 0,                          auth_auth },
	{ "UTF8", AUTHORIZATION, NOTHING,                    do_nothing },
	{ "STAT", TRANSACTION,   NOTHING,                    transaction_stat },
	{ "LIST", TRANSACTION,   MESSAGE,                    transaction_list },
	{ "UIDL", TRANSACTION,   MESSAGE,                    transaction_uidl },
	{ "RETR", TRANSACTION,   ARGUMENT | MESSAGE,         transaction_retr },
	{ "TOP",  TRANSACTION,   ARGUMENT | MESSAGE | LINES, transaction_top },
	{ "DELE", TRANSACTION,   ARGUMENT | MESSAGE,         transaction_dele },
	{ "RSET", TRANSACTION,   NOTHING,                    transaction_rset },
	{ "NOOP", TRANSACTION,   NOTHING,                    do_nothing },
	{ "CAPA", ANY,           NOTHING,                    do_capa },
	{ "LANG", ANY,           0,                          do_lang },
	{ "QUIT", ANY,           NOTHING,                    transaction_quit },
	/* clang-format on */
};

void
session_init(
    struct session *s, const struct backend *backend, void *context, const struct session_settings *settings)
{
	*s = (struct session){
		.backend = backend, .context = context, .settings = *settings, .state = AUTHORIZATION
	};
	exchange_init(&s->exchange, &backend->accounts, context, "+ ");
	line_init(&s->line, POP3_LINE);
	buf_init(&s->login, POP3_LINE);
	buf_init(&s->reason, REPLY_LINE);
}

void
session_free(struct session *s)
{
	s->backend->close(s->context);
	exchange_end(&s->exchange);
	buf_free(&s->login);
	buf_free(&s->reason);
	line_free(&s->line);
	free(s->marks);
	s->marks = NULL;
}

/* The numbers of an argument. What is wrong with it, or NULL. */
static const char *
read_numbers(struct session *s, const struct row *row, struct argument *argument)
{
	struct span rest, number = span_until(span_trim(argument->text), ' ', &rest);
	long long message = span_number(number, LLONG_MAX);

	rest = span_trim(rest);
	if (message < 0)
		return "the number of a message is wanted";
	if (message == 0 || !transaction_has(s, (size_t)message - 1))
		return "no such message";
	argument->message = (size_t)message - 1;
	argument->lines = (long)span_number(rest, LONG_MAX);
	if ((row->needs & LINES) != 0)
		return argument->lines < 0 ? "a number of lines is wanted" : NULL;
	return rest.n > 0 ? "one number is wanted" : NULL;
}

/* What the command needs and does not have, or NULL. */
static const char *
missing(struct session *s, const struct row *row, struct argument *argument)
{
	unsigned needs = row->needs;

	if ((needs & SAFE) != 0 && !s->settings.cleartext)
		return "[AUTH] a password may not cross this connection without TLS";
	if ((needs & TIMESTAMP) != 0 && s->settings.timestamp == NULL)
		return "[AUTH] APOP is not offered";
	if ((needs & NAMED) != 0 && s->login.len == 0)
		return "USER comes first";
	if ((needs & ARGUMENT) != 0 && argument->text.n == 0)
		return "an argument is missing";
	if ((needs & NOTHING) != 0 && span_trim(argument->text).n > 0)
		return "no argument is wanted";
	if ((needs & MESSAGE) != 0 && argument->text.n > 0)
		return read_numbers(s, row, argument);
	return NULL;
}

static enum event
dispatch(struct session *s, struct span line, struct buf *out)
{
	struct argument argument = { .message = 0 };
	struct span word = span_until(line, ' ', &argument.text);
	const struct row *row = NULL;

	for (size_t i = 0; row == NULL && i < sizeof commands / sizeof commands[0]; i++)
		if (span_is_nocase(word, commands[i].word))
			row = &commands[i];
	if (row == NULL)
		return command_refuse(s, "unknown command", out);
	if ((row->allowed & s->state) == 0)
		return command_refuse(
		    s, s->state == AUTHORIZATION ? "log in first" : "already logged in", out);
	const char *reason = missing(s, row, &argument);
	if (reason != NULL)
		return command_refuse(s, reason, out);
	return row->command(s, &argument, out);
}

static enum event
input(void *session, struct span bytes, size_t *used, struct buf *out)
{
	struct session *s = session;
	enum line_result result = line_push(&s->line, bytes.at, bytes.n, used);

	if (result == LINE_MORE)
		return EVENT_INPUT;
	if (result == LINE_TOO_LONG) {
		exchange_end(&s->exchange);
		return command_refuse(s, "line too long", out);
	}
	bool secret = s->state == AUTHORIZATION;
	struct span line = line_text(&s->line);
	enum event event = s->exchange.under_way ? auth_answer(s, line, out) : dispatch(s, line, out);
	if (secret)
		wipe(s->line.text.data, s->line.text.len);
	return event;
}

static enum event
output(void *session, struct buf *out)
{
	struct session *s = session;

	return s->more(s, out);
}

static enum event
greet(void *session, struct buf *out)
{
	const struct session *s = session;
	const char *timestamp = s->settings.timestamp;

	buf_printf(out, "+OK Letterbox at %s is ready%s%s\r\n", s->settings.hostname,
	    timestamp != NULL ? " " : "", timestamp != NULL ? timestamp : "");
	return EVENT_INPUT;
}

/* RFC 1939 3: a session that was idle for too long ends without a word. */
static void
farewell(void *session, enum farewell why, struct buf *out)
{
	const struct session *s = session;

	if (why == FAREWELL_STOP && s->more == NULL)
		buf_add_string(out, "-ERR [SYS/TEMP] the server is going down\r\n");
	if (why == FAREWELL_DENIED)
		buf_add_string(out, "-ERR too many failed logins\r\n");
}

static bool
in_transfer(const void *session)
{
	const struct session *s = session;

	return s->more != NULL;
}

const struct protocol session_protocol = {
	.greet = greet, .input = input, .output = output, .farewell = farewell, .in_transfer = in_transfer
};

/* RFC 2449. The same before and after login, but for what a login was still to choose. */
static enum event
do_capa(struct session *s, const struct argument *argument, struct buf *out)
{
	(void)argument;
	buf_add_string(
	    out, "+OK what there is\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n");
	if (s->settings.cleartext)
		buf_add_string(out, "USER\r\n");
	buf_add_string(out, "SASL");
	auth_mechanisms(s, " ", "", out);
	buf_add_string(out, "\r\nEXPIRE NEVER\r\nUTF8\r\nLANG\r\nIMPLEMENTATION Letterbox\r\n.\r\n");
	return EVENT_INPUT;
}

/* RFC 6856 3: what is said is English, and there is nothing else to choose. */
static enum event
do_lang(struct session *s, const struct argument *argument, struct buf *out)
{
	struct span tag = span_trim(argument->text);

	if (tag.n == 0) {
		buf_add_string(out, "+OK languages\r\nen English\r\ni-default English\r\n.\r\n");
		return EVENT_INPUT;
	}
	if (!span_is(tag, "*") && !span_is_nocase(tag, "en") && !span_is_nocase(tag, "i-default"))
		return command_refuse(s, "no such language", out);
	buf_add_string(out, "+OK en English it is\r\n");
	return EVENT_INPUT;
}

/* NOOP; and UTF8 (RFC 6856 2): a message is sent as it was received, whether asked for or not. */
static enum event
do_nothing(struct session *s, const struct argument *argument, struct buf *out)
{
	(void)s;
	(void)argument;
	buf_add_string(out, "+OK\r\n");
	return EVENT_INPUT;
}
