#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "line.h"

enum { CONFIG_LINE = 4096 }; /* bytes in a line: room for a long list of domains */

/* A '#' at the start of a word begins a comment. */
static struct span
without_comment(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.at[i] == '#' && (i == 0 || ascii_is_blank(text.at[i - 1])))
			return span_slice(text, 0, i);
	return text;
}

static int
take_line(struct config *c, enum line_result result, struct span text, char reason[CONFIG_REASON])
{
	size_t n = 0;

	if (result == LINE_TOO_LONG || (text.n > 0 && memchr(text.at, '\0', text.n) != NULL)) {
		snprintf(reason, CONFIG_REASON, result == LINE_TOO_LONG ? "the line is too long" : "a NUL");
		return -1;
	}
	text = span_trim(without_comment(text));
	while (n < text.n && !ascii_is_blank(text.at[n]))
		n++;
	if (n == 0)
		return 0;
	return config_set(c, span_slice(text, 0, n), span_slice(text, n, text.n), false, reason);
}

/* Number counts the lines. */
static int
take_lines(struct config *c, struct line *line, struct span bytes, int *number, char reason[CONFIG_REASON])
{
	size_t used;

	for (size_t at = 0; at < bytes.n; at += used) {
		enum line_result result = line_push(line, bytes.at + at, bytes.n - at, &used);
		if (result == LINE_MORE)
			continue;
		++*number;
		if (take_line(c, result, line_text(line), reason) < 0)
			return -1;
	}
	return 0;
}

/* 0; or -1 with the number of the offending line, or 0 where the file as a whole is to blame. */
static int
read_file(struct config *c, int fd, int *number, char reason[CONFIG_REASON])
{
	char bytes[CONFIG_LINE];
	struct line line;
	struct stat st;
	ssize_t n;
	int status = 0;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		snprintf(reason, CONFIG_REASON, "not a regular file");
		return -1;
	}
	line_init(&line, CONFIG_LINE);
	while (status == 0 && (n = read(fd, bytes, sizeof bytes)) > 0)
		status = take_lines(c, &line, (struct span){ bytes, (size_t)n }, number, reason);
	if (status == 0 && n < 0) {
		snprintf(reason, CONFIG_REASON, "%s", strerror(errno));
		*number = 0;
		status = -1;
	} else if (status == 0 && line_begun(&line)) {
		status = take_lines(c, &line, span_of("\n"), number, reason);
	}
	line_free(&line);
	return status;
}

int
config_read(struct config *c, char reason[CONFIG_REASON])
{
	char text[CONFIG_REASON];
	struct buf path;
	int number = 0;

	buf_init(&path, strlen(c->root) + sizeof "/config");
	buf_printf(&path, "%s/config", c->root);
	int fd = open(buf_string(&path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int error = errno;
	buf_free(&path);
	if (fd < 0) {
		snprintf(reason, CONFIG_REASON, "config: %s", strerror(error));
		return error == ENOENT ? 0 : -1;
	}
	int status = read_file(c, fd, &number, text);
	close(fd);
	if (status < 0 && number > 0)
		snprintf(reason, CONFIG_REASON, "config:%d: %.230s", number, text);
	else if (status < 0)
		snprintf(reason, CONFIG_REASON, "config: %.230s", text);
	return status;
}
