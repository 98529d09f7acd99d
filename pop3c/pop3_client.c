#include "pop3_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "dot.h"
#include "exits.h"

enum { LONGEST = 4096 }; /* bytes of a line that we send, in SASL */

int
pop3_init(struct pop3_client *c, int fd, int stop_fd, int seconds, bool verbose)
{
	*c = (struct pop3_client){ .seconds = seconds, .verbose = verbose };
	if (conn_init(&c->conn, fd, fd, stop_fd) < 0)
		return -1;
	line_init(&c->line, REPLY_LINE);
	buf_init(&c->words, 4 * REPLY_LINE);
	buf_init(&c->stamp, REPLY_LINE);
	buf_init(&c->content, 2 * CONN_INPUT);
	return 0;
}

void
pop3_free(struct pop3_client *c)
{
	conn_free(&c->conn);
	line_free(&c->line);
	buf_free(&c->words);
	buf_free(&c->stamp);
	buf_free(&c->content);
}

/* The dialogue of -v. */
static void
show(const struct pop3_client *c, const char *side, struct span line)
{
	struct buf out;

	if (!c->verbose)
		return;
	buf_init(&out, 4 * REPLY_LINE);
	buf_add_escaped(&out, line);
	fprintf(stderr, "%s%s\n", side, buf_string(&out));
	buf_free(&out);
}

void
pop3_send(struct pop3_client *c, const char *shown, const char *format, ...)
{
	char command[LONGEST];
	va_list list;

	va_start(list, format);
	vsnprintf(command, sizeof(command), format, list);
	va_end(list);
	show(c, "C: ", span_of(shown != NULL ? shown : command));
	buf_add_string(&c->conn.output, command);
	buf_add_string(&c->conn.output, "\r\n");
	wipe(command, sizeof(command));
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
	static const enum pop3_status statuses_of[] = {
		[CONN_OK] = POP3_OK,
		[CONN_EOF] = POP3_LOST,
		[CONN_TIMEOUT] = POP3_SILENT,
		[CONN_STOPPED] = POP3_STOPPED,
		[CONN_ERROR] = POP3_LOST,
	};
	enum conn_status status = CONN_OK;

	if (c->conn.output.len > 0) {
		status = conn_flush(&c->conn, (int64_t)c->seconds * 1000, -1);
		wipe(c->conn.output.data, c->conn.output.size); /* a password may have been in it */
	}
	if (status == CONN_OK && conn_bytes(&c->conn).n == 0)
		status = conn_fill(&c->conn, deadline);
	return statuses_of[status];
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

enum pop3_status
pop3_reply(struct pop3_client *c)
{
	enum pop3_status status = read_line(c, deadline_of(c));

	c->said = (struct span){ NULL, 0 };
	if (status != POP3_OK)
		return status;
	struct span line = line_text(&c->line), word = span_until(line, ' ', &c->said);
	bool challenge = span_is(word, "+");
	/* What SCRAM's server says is enough to try passwords on. */
	show(c, "S: ", challenge ? span_of("+ (secret)") : line);
	c->said = span_trim(c->said);
	if (challenge)
		return POP3_CHALLENGE;
	if (span_is_nocase(word, "+OK"))
		return POP3_OK;
	return span_is_nocase(word, "-ERR") ? POP3_REFUSED : POP3_PROTOCOL;
}

enum pop3_status
pop3_ask(struct pop3_client *c, const char *command)
{
	pop3_send(c, NULL, "%s", command);
	return pop3_reply(c);
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
pop3_lines(struct pop3_client *c, struct buf *text)
{
	struct progress progress = { .deadline = deadline_of(c) };
	enum pop3_status status;

	while ((status = read_line(c, progress.deadline)) == POP3_OK) {
		struct span line = line_text(&c->line);
		note_progress(c, &progress, line.n + 2);
		if (span_is(line, "."))
			return end_progress(c, &progress);
		buf_add_span(text, span_slice(line, line.n > 0 && line.at[0] == '.', line.n));
		buf_add_char(text, '\n');
		if (text->failed)
			return POP3_PROTOCOL;
	}
	return status;
}

int
pop3_keep(void *context, struct span piece)
{
	struct buf *kept = context;

	return buf_add_span(kept, span_slice(piece, 0, kept->max - kept->len));
}

/* RFC 1939 7: "<…@…>", as in a msg-id, anywhere in the greeting. */
enum pop3_status
pop3_greeting(struct pop3_client *c)
{
	enum pop3_status status = pop3_reply(c);
	struct span rest, stamp;

	span_until(c->said, '<', &rest);
	stamp = span_until(rest, '>', &rest);
	if (status == POP3_OK && rest.at != NULL && span_has(stamp, '@') && !span_has(stamp, ' '))
		buf_add(&c->stamp, stamp.at - 1, stamp.n + 2);
	return status;
}

/* What a word of CAPA's answer stands for, as a SASL mechanism or as a capability of its own. */
static unsigned
capability_of(struct span word, bool sasl)
{
	static const struct {
		const char *word;
		bool sasl;
		unsigned capability;
	} known[] = {
		{ "USER", false, POP3_USER },
		{ "TOP", false, POP3_TOP },
		{ "PIPELINING", false, POP3_PIPELINING },
		{ "PLAIN", true, POP3_SASL_PLAIN },
		{ "SCRAM-SHA-256", true, POP3_SASL_SCRAM },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].sasl == sasl && span_is_nocase(word, known[i].word))
			return known[i].capability;
	return 0;
}

enum pop3_status
pop3_capa(struct pop3_client *c)
{
	enum pop3_status status = pop3_ask(c, "CAPA");
	struct buf text;

	c->capabilities = 0;
	if (status == POP3_REFUSED)
		return POP3_OK; /* a server from before RFC 2449 */
	buf_init(&text, REPLY_TEXT);
	if (status == POP3_OK)
		status = pop3_lines(c, &text);
	if (status == POP3_OK)
		c->capabilities = POP3_CAPA;
	for (struct span rest = buf_span(&text); status == POP3_OK && rest.n > 0;) {
		struct span line = span_until(rest, '\n', &rest), word = span_word(&line);
		c->capabilities |= capability_of(word, false);
		while (span_is_nocase(word, "SASL") && line.n > 0)
			c->capabilities |= capability_of(span_word(&line), true);
	}
	buf_free(&text);
	return status;
}

enum pop3_status
pop3_stat(struct pop3_client *c, uint64_t *count, uint64_t *octets)
{
	enum pop3_status status = pop3_ask(c, "STAT");

	if (status != POP3_OK)
		return status;
	long long messages = span_number(span_word(&c->said), POP3_MESSAGES);
	long long size = span_number(span_word(&c->said), INT64_MAX);
	if (messages < 0 || size < 0)
		return POP3_PROTOCOL;
	*count = (uint64_t)messages;
	*octets = (uint64_t)size;
	return POP3_OK;
}

bool
pop3_has_code(const struct pop3_client *c, const char *code)
{
	size_t n = strlen(code) + 1;

	return c->said.n > n && c->said.at[0] == '[' && span_is_nocase(span_slice(c->said, 1, n), code) &&
	       (c->said.at[n] == ']' || c->said.at[n] == ' ');
}

bool
pop3_is_temporary(const struct pop3_client *c)
{
	return pop3_has_code(c, "SYS/TEMP") || pop3_has_code(c, "IN-USE") || pop3_has_code(c, "LOGIN-DELAY");
}

static const struct {
	const char *words; /* where the server has none of its own */
	int exit;
} statuses[] = {
	[POP3_OK] = { "done", EXITS_DONE },
	[POP3_CHALLENGE] = { "the server's answer is no POP3", EXITS_PROTOCOL },
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
	if ((status != POP3_REFUSED && status != POP3_DENIED) || c->said.n == 0)
		return statuses[status].words;
	buf_clear(&c->words);
	buf_add_escaped(&c->words, c->said);
	return buf_string(&c->words);
}

int
pop3_exit(const struct pop3_client *c, enum pop3_status status)
{
	return status == POP3_REFUSED && pop3_is_temporary(c) ? EXITS_LATER : statuses[status].exit;
}
