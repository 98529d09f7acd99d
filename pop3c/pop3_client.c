#include "pop3_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "dot.h"
#include "exits.h"

enum { CODE = 128 }; /* bytes of a response code that are kept */

int
pop3_init(struct pop3_client *c, int fd, int stop_fd, int seconds, bool verbose)
{
	*c = (struct pop3_client){ .seconds = seconds, .verbose = verbose };
	if (conn_init(&c->conn, fd, fd, stop_fd) < 0)
		return -1;
	line_init(&c->line, REPLY_LINE);
	buf_init(&c->text, 4 * REPLY_LINE);
	buf_init(&c->code, CODE);
	buf_init(&c->stamp, REPLY_LINE);
	buf_init(&c->content, 2 * CONN_INPUT);
	return 0;
}

void
pop3_free(struct pop3_client *c)
{
	conn_free(&c->conn);
	line_free(&c->line);
	buf_free(&c->text);
	buf_free(&c->code);
	buf_free(&c->stamp);
	buf_free(&c->content);
}

/* The dialogue of -v. */
static void
show(struct pop3_client *c, const char *side, struct span line)
{
	struct buf out;

	if (!c->verbose)
		return;
	buf_init(&out, 4 * REPLY_LINE + 8);
	buf_add_string(&out, side);
	buf_add_escaped(&out, line);
	buf_add_char(&out, '\n');
	fputs(buf_string(&out), stderr);
	buf_free(&out);
}

void
pop3_send_secret(struct pop3_client *c, const char *shown, struct span command)
{
	show(c, "C: ", span_of(shown));
	buf_add_span(&c->conn.output, command);
	buf_add_string(&c->conn.output, "\r\n");
}

__attribute__((format(printf, 2, 0))) static void
send_list(struct pop3_client *c, const char *format, va_list list)
{
	char command[POP3_COMMAND];

	vsnprintf(command, sizeof(command) - 1, format, list);
	pop3_send_secret(c, command, span_of(command));
}

void
pop3_send(struct pop3_client *c, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	send_list(c, format, list);
	va_end(list);
}

static enum pop3_status
status_of(enum conn_status status)
{
	switch (status) {
	case CONN_OK:
		return POP3_OK;
	case CONN_TIMEOUT:
		return POP3_SILENT;
	case CONN_STOPPED:
		return POP3_STOPPED;
	case CONN_EOF:
	case CONN_ERROR:
		break;
	}
	return POP3_LOST;
}

static int64_t
deadline_of(const struct pop3_client *c)
{
	return conn_now() + (int64_t)c->seconds * 1000;
}

/* What was said goes out; then at least one more byte is there to take. */
static enum pop3_status
wait_for_bytes(struct pop3_client *c, int64_t deadline)
{
	enum conn_status status = CONN_OK;

	if (c->conn.output.len > 0) {
		status = conn_flush(&c->conn, (int64_t)c->seconds * 1000, -1);
		wipe(c->conn.output.data, c->conn.output.size); /* a password may have been in it */
	}
	if (status == CONN_OK && conn_bytes(&c->conn).n == 0)
		status = conn_fill(&c->conn, deadline);
	return status_of(status);
}

/* One line into c->line. Its deadline is not put off by single bytes. */
static enum pop3_status
read_line(struct pop3_client *c, int64_t deadline)
{
	for (;;) {
		enum pop3_status status = wait_for_bytes(c, deadline);
		if (status != POP3_OK)
			return status;
		struct span bytes = conn_bytes(&c->conn);
		size_t used;
		enum line_result result = line_push(&c->line, bytes.at, bytes.n, &used);
		conn_consume(&c->conn, used);
		if (result == LINE_WHOLE)
			return POP3_OK;
		if (result == LINE_TOO_LONG || c->line.overlong)
			return POP3_PROTOCOL;
	}
}

/* The response code in brackets at the start of text, if it has one. */
static void
keep_code(struct pop3_client *c, struct span text)
{
	struct span rest, code;

	if (text.n == 0 || text.at[0] != '[')
		return;
	code = span_until(span_slice(text, 1, text.n), ']', &rest);
	if (rest.at != NULL)
		buf_add_span(&c->code, code);
}

/* "+OK text" or "-ERR text" */
static enum pop3_status
parse_reply(struct pop3_client *c, struct span line)
{
	struct span rest, word = span_until(line, ' ', &rest);
	bool ok = span_is_nocase(word, "+OK");

	buf_clear(&c->text);
	buf_clear(&c->code);
	if (!ok && !span_is_nocase(word, "-ERR"))
		return POP3_PROTOCOL;
	rest = span_trim(rest);
	buf_add_escaped(&c->text, rest);
	keep_code(c, rest);
	return ok ? POP3_OK : POP3_REFUSED;
}

enum pop3_status
pop3_reply(struct pop3_client *c)
{
	enum pop3_status status = read_line(c, deadline_of(c));

	if (status != POP3_OK)
		return status;
	show(c, "S: ", line_text(&c->line));
	return parse_reply(c, line_text(&c->line));
}

enum pop3_status
pop3_challenge(struct pop3_client *c, bool *challenge, struct span *bytes)
{
	enum pop3_status status = read_line(c, deadline_of(c));

	*challenge = false;
	if (status != POP3_OK)
		return status;
	struct span line = line_text(&c->line);
	*challenge = line.n > 0 && line.at[0] == '+' && (line.n == 1 || line.at[1] == ' ');
	/* What SCRAM's server says is enough to try passwords on. */
	show(c, "S: ", *challenge ? span_of("+ (secret)") : line);
	if (!*challenge)
		return parse_reply(c, line);
	*bytes = span_trim(span_slice(line, 1, line.n));
	return POP3_OK;
}

/* Of an answer of many lines: each SERVE_PROGRESS octets have the server's time anew. */
struct progress {
	uint64_t taken, noted; /* octets */
	int64_t deadline;
};

static void
note_progress(const struct pop3_client *c, struct progress *p, size_t octets)
{
	p->taken += octets;
	if (p->taken - p->noted < SERVE_PROGRESS)
		return;
	p->noted = p->taken;
	p->deadline = deadline_of(c);
}

static enum pop3_status
end_progress(const struct pop3_client *c, const struct progress *p)
{
	if (c->verbose)
		fprintf(stderr, "S: (%llu octets)\n", (unsigned long long)p->taken);
	return POP3_OK;
}

enum pop3_status
pop3_body(struct pop3_client *c, uint64_t most, pop3_sink *sink, void *context)
{
	struct progress progress = { .deadline = deadline_of(c) };
	struct dot dot = { .kind = DOT_LENIENT };
	enum dot_result result = DOT_MORE;

	while (result == DOT_MORE) {
		enum pop3_status status = wait_for_bytes(c, progress.deadline);
		if (status != POP3_OK)
			return status;
		struct span bytes = conn_bytes(&c->conn);
		size_t used;
		buf_clear(&c->content);
		result = dot_push(&dot, bytes.at, bytes.n, &used, &c->content);
		note_progress(c, &progress, used);
		if (result == DOT_BAD || c->content.failed || progress.taken > most + 3)
			return POP3_PROTOCOL;
		if (c->content.len > 0 && sink(context, buf_span(&c->content)) < 0)
			return POP3_SINK;
		conn_consume(&c->conn, used);
	}
	return end_progress(c, &progress);
}

enum pop3_status
pop3_lines(struct pop3_client *c, uint64_t most, pop3_sink *sink, void *context)
{
	struct progress progress = { .deadline = deadline_of(c) };
	enum pop3_status status;

	while ((status = read_line(c, progress.deadline)) == POP3_OK) {
		struct span line = line_text(&c->line);
		bool dot = line.n > 0 && line.at[0] == '.';
		note_progress(c, &progress, line.n + 2);
		if (dot && line.n == 1)
			break;
		if (progress.taken > most)
			return POP3_PROTOCOL;
		if (sink(context, span_slice(line, dot, line.n)) < 0)
			return POP3_SINK;
	}
	return status == POP3_OK ? end_progress(c, &progress) : status;
}

enum pop3_status
pop3_command(struct pop3_client *c, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	send_list(c, format, list);
	va_end(list);
	return pop3_reply(c);
}

/* RFC 1939 7: "<…@…>", as in a msg-id, anywhere in the greeting. */
static void
keep_stamp(struct pop3_client *c, struct span greeting)
{
	struct span rest, stamp;

	span_until(greeting, '<', &rest);
	if (rest.at == NULL)
		return;
	stamp.at = rest.at - 1;
	span_until(rest, '>', &rest);
	if (rest.at == NULL)
		return;
	stamp.n = (size_t)(rest.at - stamp.at);
	if (memchr(stamp.at, '@', stamp.n) != NULL && memchr(stamp.at, ' ', stamp.n) == NULL)
		buf_add_span(&c->stamp, stamp);
}

enum pop3_status
pop3_greeting(struct pop3_client *c)
{
	enum pop3_status status = pop3_reply(c);

	if (status == POP3_OK)
		keep_stamp(c, line_text(&c->line));
	return status;
}

static int
take_capability(void *context, struct span line)
{
	static const struct {
		const char *word;
		unsigned capability;
	} known[] = {
		{ "USER", POP3_USER },
		{ "TOP", POP3_TOP },
		{ "PIPELINING", POP3_PIPELINING },
	};
	struct pop3_client *c = context;
	struct span rest, word = span_until(line, ' ', &rest);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_is_nocase(word, known[i].word))
			c->capabilities |= known[i].capability;
	while (span_is_nocase(word, "SASL") && rest.n > 0) {
		struct span mechanism = span_until(rest, ' ', &rest);
		if (span_is_nocase(mechanism, "PLAIN"))
			c->capabilities |= POP3_SASL_PLAIN;
		if (span_is_nocase(mechanism, "SCRAM-SHA-256"))
			c->capabilities |= POP3_SASL_SCRAM;
	}
	return 0;
}

enum pop3_status
pop3_capa(struct pop3_client *c)
{
	enum pop3_status status = pop3_command(c, "CAPA");

	c->capabilities = 0;
	if (status == POP3_REFUSED)
		return POP3_OK; /* a server from before RFC 2449 */
	if (status == POP3_OK) {
		c->capabilities = POP3_CAPA;
		status = pop3_lines(c, REPLY_TEXT, take_capability, c);
	}
	return status;
}

enum pop3_status
pop3_stat(struct pop3_client *c, uint64_t *count, uint64_t *octets)
{
	enum pop3_status status = pop3_command(c, "STAT");

	if (status != POP3_OK)
		return status;
	struct span rest, text = line_text(&c->line);
	span_until(text, ' ', &rest);
	long long messages = span_number(span_until(span_trim(rest), ' ', &rest), POP3_MESSAGES);
	long long size = span_number(span_until(span_trim(rest), ' ', &text), INT64_MAX);
	if (messages < 0 || size < 0)
		return POP3_PROTOCOL;
	*count = (uint64_t)messages;
	*octets = (uint64_t)size;
	return POP3_OK;
}

bool
pop3_is_temporary(const struct pop3_client *c)
{
	struct span code = buf_span(&c->code), rest, word = span_until(code, ' ', &rest);

	return span_is_nocase(word, "SYS/TEMP") || span_is_nocase(word, "IN-USE") ||
	       span_is_nocase(word, "LOGIN-DELAY");
}

static const struct {
	const char *words; /* where the server has none of its own */
	int exit;
} statuses[] = {
	[POP3_OK] = { "done", EXITS_DONE },
	[POP3_REFUSED] = { "the server says no more than -ERR", EXITS_REFUSED },
	[POP3_DENIED] = { "the server says no more than -ERR", EXITS_AUTH },
	[POP3_UNPROVEN] = { "the server does not prove that it knows the password", EXITS_AUTH },
	[POP3_NO_METHOD] = { "the server offers no way to log in that is known here", EXITS_AUTH },
	[POP3_LOST] = { "the server closed the connection", EXITS_LATER },
	[POP3_SILENT] = { "the server is silent", EXITS_LATER },
	[POP3_PROTOCOL] = { "the server's answer is no POP3", EXITS_PROTOCOL },
	[POP3_STOPPED] = { "stopped", EXITS_LATER },
	[POP3_SINK] = { "cannot write", EXITS_CANNOT_WRITE },
};

const char *
pop3_words(struct pop3_client *c, enum pop3_status status)
{
	bool said = (status == POP3_REFUSED || status == POP3_DENIED) && c->text.len > 0;

	return said ? buf_string(&c->text) : statuses[status].words;
}

int
pop3_exit(struct pop3_client *c, enum pop3_status status)
{
	return status == POP3_REFUSED && pop3_is_temporary(c) ? EXITS_LATER : statuses[status].exit;
}
