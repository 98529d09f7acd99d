#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_free(struct buf *b)
{
	if (b->data != NULL)
		wipe(b->data, b->size);
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

/* Not realloc: it would leave copies of secrets behind. */
static bool
grow(struct buf *b, size_t need)
{
	size_t size = b->size < 64 ? 64 : b->size;

	while (size < need)
		size *= 2;
	if (size > b->max)
		size = b->max + 1;
	char *data = malloc(size);
	if (data == NULL)
		return false;
	if (b->len > 0)
		memcpy(data, b->data, b->len);
	if (b->data != NULL)
		wipe(b->data, b->len);
	free(b->data);
	b->data = data;
	b->size = size;
	return true;
}

char *
buf_reserve(struct buf *b, size_t n)
{
	/* One byte more, for the NUL of buf_string. Half of what a size_t holds can be doubled. */
	if (n > b->max - b->len || n >= SIZE_MAX / 2 - b->len ||
	    (b->len + n + 1 > b->size && !grow(b, b->len + n + 1))) {
		b->failed = true;
		return NULL;
	}
	return b->data + b->len;
}

int
buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return 0;
	char *room = buf_reserve(b, n);
	if (room == NULL)
		return -1;
	memcpy(room, bytes, n);
	b->len += n;
	return 0;
}

int
buf_add_span(struct buf *b, struct span s)
{
	return buf_add(b, s.at, s.n);
}

int
buf_add_string(struct buf *b, const char *string)
{
	return buf_add(b, string, strlen(string));
}

int
buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_printf(struct buf *b, const char *format, ...)
{
	va_list list, again;

	va_start(list, format);
	va_copy(again, list);
	int n = vsnprintf(NULL, 0, format, list);
	va_end(list);
	char *room = n < 0 ? NULL : buf_reserve(b, (size_t)n);
	if (room != NULL) {
		vsnprintf(room, (size_t)n + 1, format, again);
		b->len += (size_t)n;
	}
	va_end(again);
	b->failed |= room == NULL;
	return room == NULL ? -1 : 0;
}

int
buf_add_escaped(struct buf *b, struct span s)
{
	size_t before = b->len;

	for (size_t i = 0; i < s.n && !b->failed; i++) {
		if (ascii_is_print(s.at[i]) && s.at[i] != '\\')
			buf_add_char(b, s.at[i]);
		else
			buf_printf(b, "\\x%02x", (unsigned char)s.at[i]);
	}
	if (b->failed)
		b->len = before;
	return b->failed ? -1 : 0;
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

void
buf_cut(struct buf *b, size_t n)
{
	if (n < b->len)
		b->len = n;
}

const char *
buf_string(struct buf *b)
{
	if (b->data == NULL)
		return "";
	b->data[b->len] = '\0';
	return b->data;
}

struct span
buf_span(const struct buf *b)
{
	return (struct span){ b->data, b->len };
}

void
wipe(void *bytes, size_t n)
{
	static void *(*const volatile set)(void *, int, size_t) = memset;

	set(bytes, 0, n);
}
