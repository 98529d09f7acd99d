#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "io.h"

enum {
	CONFIG_TEXT = 1 << 20, /* bytes of the file */
	CONFIG_LINE = 4096     /* and of a line: room for a long list of domains */
};

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
take_line(struct config *c, struct span text, char reason[CONFIG_REASON])
{
	bool nul = span_has(text, '\0');

	if (text.n > CONFIG_LINE || nul) {
		snprintf(reason, CONFIG_REASON, text.n > CONFIG_LINE ? "the line is too long" : "a NUL");
		return -1;
	}
	text = without_comment(text);
	struct span key = span_word(&text);
	return key.n == 0 ? 0 : config_set(c, key, text, false, reason);
}

int
config_read(struct config *c, char reason[CONFIG_REASON])
{
	char wrong[CONFIG_REASON];
	struct buf path, text;
	struct stat st;
	int status = 0;

	buf_init(&path, strlen(c->root) + sizeof "/config");
	buf_init(&text, CONFIG_TEXT);
	buf_printf(&path, "%s/config", c->root);
	int fd = open(buf_string(&path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 ? errno != ENOENT : io_read_regular(fd, &st, &text) < 0) {
		snprintf(reason, CONFIG_REASON, "config: %s",
		    errno == EINVAL ? "not a regular file" : strerror(errno));
		status = -1;
	}
	struct span rest = buf_span(&text);
	for (int line = 1; status == 0 && rest.n > 0; line++) {
		status = take_line(c, span_until(rest, '\n', &rest), wrong);
		if (status < 0)
			snprintf(reason, CONFIG_REASON, "config:%d: %.230s", line, wrong);
	}
	io_close(fd);
	buf_free(&text);
	buf_free(&path);
	return status;
}
