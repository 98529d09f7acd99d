#include "dot.h"

#include <string.h>

/*
 * Runs of plain text are found with memchr and copied whole; only what stands at line ends goes through the states.
 * A CR is held back until the next byte shows whether it belongs to a line end.
 */

/* How many bytes of text come before the next that needs a look. */
static size_t
text_run(enum dot_kind kind, const char *bytes, size_t n)
{
	const char *cr = memchr(bytes, '\r', n);
	size_t run = cr == NULL ? n : (size_t)(cr - bytes);

	if (kind == DOT_LENIENT)
		return run;
	const char *lf = memchr(bytes, '\n', run);
	if (lf != NULL)
		run = (size_t)(lf - bytes);
	const char *nul = memchr(bytes, '\0', run);
	return nul == NULL ? run : (size_t)(nul - bytes);
}

/* The byte behind a CR. What the CR stood for is added here. */
static enum dot_result
after_cr(struct dot *dot, char c, struct buf *out)
{
	bool final = dot->state == DOT_DOT_CR;

	if (c == '\n') {
		dot->state = DOT_LINE_START;
		if (final)
			return DOT_END;
		buf_add(out, "\r\n", 2);
		return DOT_MORE;
	}
	if (dot->kind != DOT_LENIENT)
		return DOT_BAD;
	buf_add_char(out, '\r');
	dot->state = c == '\r' ? DOT_CR : DOT_TEXT;
	if (c != '\r')
		buf_add_char(out, c);
	return DOT_MORE;
}

enum dot_result
dot_push(struct dot *dot, const char *bytes, size_t n, size_t *used, struct buf *out)
{
	size_t i = 0;

	while (i < n) {
		if (dot->state == DOT_CR || dot->state == DOT_DOT_CR) {
			enum dot_result result = after_cr(dot, bytes[i], out);
			if (result != DOT_MORE) {
				*used = result == DOT_END ? i + 1 : i;
				return result;
			}
			i++;
		} else if (bytes[i] == '\r') {
			dot->state = dot->state == DOT_DOT ? DOT_DOT_CR : DOT_CR;
			i++;
		} else if (dot->state == DOT_LINE_START && bytes[i] == '.' && dot->kind != DOT_COUNTED) {
			dot->state = DOT_DOT;
			i++;
		} else {
			size_t run = text_run(dot->kind, bytes + i, n - i);
			buf_add(out, bytes + i, run);
			if (run > 0)
				dot->state = DOT_TEXT;
			i += run;
			if (i < n && bytes[i] != '\r') {
				*used = i;
				return DOT_BAD;
			}
		}
	}
	*used = n;
	return DOT_MORE;
}

int
dot_stuff(struct dot_stuffer *stuffer, const char *bytes, size_t n, struct buf *out)
{
	while (n > 0) {
		const char *lf = memchr(bytes, '\n', n);
		size_t part = lf == NULL ? n : (size_t)(lf - bytes) + 1;

		if (!stuffer->in_line && bytes[0] == '.')
			buf_add_char(out, '.');
		buf_add(out, bytes, part);
		stuffer->in_line = lf == NULL;
		bytes += part;
		n -= part;
	}
	return out->failed ? -1 : 0;
}

int
dot_stuff_end(struct dot_stuffer *stuffer, struct buf *out)
{
	if (stuffer->in_line)
		buf_add(out, "\r\n", 2);
	stuffer->in_line = false;
	buf_add(out, ".\r\n", 3);
	return out->failed ? -1 : 0;
}
