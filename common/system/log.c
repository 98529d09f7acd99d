#include "log.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "unique.h"

enum {
	/* Bytes with its end: at most PIPE_BUF, so that lines of many children do not mix in a pipe; with all else that changes, one page. */
	LOG_LINE = 3 * 1024,
	LOG_TAIL = 5,	  /* kept free: ..." and the newline */
	LOG_CONTEXT = 256 /* bytes */
};

static const char *program_name = "letterbox";
static bool to_syslog;
static int output = STDERR_FILENO;
static long long lost; /* lines of this process */
static char context_pairs[LOG_CONTEXT];

static struct {
	char text[LOG_LINE];
	size_t n;
	int priority;
	bool cut;    /* something did not fit, nor does what follows */
	bool quoted; /* within quotes */
} line;

/* Whole, or not at all: an escape is never cut in two. */
static void
put(const char *bytes, size_t n)
{
	if (line.cut || n > LOG_LINE - LOG_TAIL - line.n) {
		line.cut = true;
		return;
	}
	memcpy(line.text + line.n, bytes, n);
	line.n += n;
}

static void
put_string(const char *string)
{
	put(string, strlen(string));
}

/*
 * Whoever started the daemon with a pipe and forgot to read from it must not be able to stop the mail. The pipe is opened anew, as others who
 * have it expect it to block.
 */
static int
open_output(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) < 0 || !S_ISFIFO(st.st_mode))
		return STDERR_FILENO;
	int fd = open("/dev/stderr", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? STDERR_FILENO : fd;
}

void
log_open(const char *program, bool syslog)
{
	program_name = program;
	to_syslog = syslog;
	if (output != STDERR_FILENO)
		close(output);
	output = open_output();
	if (syslog)
		openlog(program, LOG_PID, LOG_MAIL);
}

void
log_context(const char *pairs)
{
	snprintf(context_pairs, sizeof context_pairs, "%s", pairs);
}

static void
begin(const char *event, int priority)
{
	line.n = 0;
	line.cut = line.quoted = false;
	line.priority = priority;
	if (!to_syslog) {
		char prefix[64];
		snprintf(prefix, sizeof prefix, "%.32s[%ld]: ", program_name, pid_own());
		put_string(prefix);
	}
	put_string(event);
	if (context_pairs[0] != '\0') {
		put(" ", 1);
		put_string(context_pairs);
	}
}

void
log_begin(const char *event)
{
	begin(event, LOG_INFO);
}

void
log_begin_error(const char *event)
{
	begin(event, LOG_ERR);
}

static void
put_key(const char *key)
{
	put(" ", 1);
	put_string(key);
	put("=", 1);
}

static bool
needs_quotes(struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.at[i] == ' ' || value.at[i] == '"' || value.at[i] == '=')
			return true;
	return value.n == 0;
}

void
log_span(const char *key, struct span value)
{
	bool quotes = needs_quotes(value);
	char escape[8];

	put_key(key);
	if (quotes)
		put("\"", 1);
	line.quoted = quotes && !line.cut;
	for (size_t i = 0; i < value.n && !line.cut; i++) {
		char c = value.at[i];
		if (ascii_is_print(c) && c != '\\' && c != '"') {
			put(&c, 1);
		} else {
			snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)c);
			put(escape, 4);
		}
	}
	if (line.cut)
		return;
	if (quotes)
		put("\"", 1);
	line.quoted = quotes && line.cut;
}

void
log_text(const char *key, const char *value)
{
	log_span(key, span_of(value));
}

void
log_number(const char *key, long long value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%lld", value);
	put_key(key);
	put_string(digits);
}

void
log_errno(int error)
{
	log_text("error", strerror(error));
}

static void
write_line(void)
{
	ssize_t n;

	line.text[line.n++] = '\n';
	do
		n = write(output, line.text, line.n);
	while (n < 0 && errno == EINTR);
	/* Where standard error takes nothing any more, there is nobody to tell but the next line's reader. */
	lost = n < 0 ? lost + 1 : 0;
}

void
log_end(void)
{
	int error = errno;

	if (lost > 0)
		log_number("lost", lost);
	if (line.cut) {
		memcpy(line.text + line.n, "...\"", 4);
		line.n += line.quoted ? 4 : 3;
	}
	if (to_syslog) {
		line.text[line.n] = '\0';
		syslog(line.priority, "%s", line.text);
	} else
		write_line();
	errno = error;
}

void
log_failure(const char *event, const char *key, const char *value)
{
	int error = errno;

	log_begin_error(event);
	if (key != NULL)
		log_text(key, value);
	log_errno(error);
	log_end();
	errno = error;
}
