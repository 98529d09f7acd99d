#include "line.h"

#include <string.h>

void
line_init(struct line *line, size_t max)
{
	*line = (struct line){ .overlong = false };
	buf_init(&line->text, max + 1); /* and the CR */
}

void
line_free(struct line *line)
{
	buf_free(&line->text);
}

static enum line_result
finish(struct line *line)
{
	size_t max = line->text.max - 1;

	line->finished = true;
	if (!line->overlong && line->text.len > 0 && line->text.data[line->text.len - 1] == '\r')
		line->text.len--;
	if (line->overlong || line->text.len > max) {
		line->overlong = false;
		buf_clear(&line->text);
		return LINE_TOO_LONG;
	}
	return LINE_WHOLE;
}

enum line_result
line_push(struct line *line, const char *bytes, size_t n, size_t *used)
{
	if (line->finished) {
		buf_clear(&line->text);
		line->finished = false;
	}
	const char *end = n > 0 ? memchr(bytes, '\n', n) : NULL;
	size_t part = end == NULL ? n : (size_t)(end - bytes);

	if (!line->overlong && buf_add(&line->text, bytes, part) < 0) {
		line->overlong = true;
		buf_clear(&line->text);
	}
	*used = end == NULL ? n : part + 1;
	return end == NULL ? LINE_MORE : finish(line);
}

struct span
line_text(const struct line *line)
{
	return buf_span(&line->text);
}
