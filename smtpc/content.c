#include "content.h"

#include <string.h>

#include "codec.h"

enum {
	LONGEST_LINE = 998, /* RFC 5322 2.1.1 */
	BASE64_LINE = 57,   /* bytes that make 76 characters */
	CARRY = 512 * 1024, /* never reached: a carry is a piece and a line at most */
	LONG_LINE = 32 * 1024
};

/* How many bytes at the end of s may be the beginning of a character. */
static size_t
unfinished(struct span s)
{
	for (size_t back = 1; back <= 3 && back <= s.n; back++) {
		unsigned char c = (unsigned char)s.at[s.n - back];
		if (c < 0x80)
			return 0;
		if (c >= 0xc0) {
			size_t needs = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
			return back < needs ? back : 0;
		}
	}
	return 0;
}

static void
check_utf8(struct content *content, struct span s)
{
	/* The character that was begun, put together with what follows. */
	while (content->tail_n > 0 && s.n > 0) {
		if (((unsigned char)s.at[0] & 0xc0) != 0x80 || content->tail_n == sizeof(content->tail))
			break;
		content->tail[content->tail_n++] = s.at[0];
		s = span_slice(s, 1, s.n);
		if (unfinished((struct span){ content->tail, content->tail_n }) == 0)
			break;
	}
	struct span tail = { content->tail, content->tail_n };
	if (s.n == 0 && unfinished(tail) > 0)
		return;
	size_t held = unfinished(s);
	if (!utf8_valid(tail) || !utf8_valid(span_slice(s, 0, s.n - held)))
		content->not_utf8 = true;
	content->tail_n = held;
	if (held > 0)
		memcpy(content->tail, s.at + s.n - held, held);
}

void
content_add(struct content *content, struct span s)
{
	content->size += s.n;
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.at[i] >= 0x80)
			content->high++;
		else if (s.at[i] == '\0')
			content->nul = true;
		content->line = s.at[i] == '\n' || s.at[i] == '\r' ? 0 : content->line + 1;
		if (content->line > content->longest)
			content->longest = content->line;
	}
	if (content->high > 0 && !content->not_utf8)
		check_utf8(content, s);
}

void
content_end(struct content *content)
{
	if (content->tail_n > 0)
		content->not_utf8 = true;
}

enum encoding
content_encoding(const struct content *content)
{
	if (content->nul)
		return ENCODING_BINARY;
	if (content->high > content->size / 2)
		return ENCODING_BASE64;
	return content->high > 0 || content->longest > LONGEST_LINE ? ENCODING_QP : ENCODING_7BIT;
}

/* What is 8-bit and no UTF-8 is most often Latin 1; whatever it is, its bytes arrive as they were. */
const char *
content_type(const struct content *content)
{
	if (content->nul)
		return "application/octet-stream";
	if (content->high == 0)
		return "text/plain; charset=us-ascii";
	return content->not_utf8 ? "text/plain; charset=iso-8859-1" : "text/plain; charset=utf-8";
}

const char *
encoding_name(enum encoding encoding)
{
	switch (encoding) {
	case ENCODING_7BIT:
		return "7bit";
	case ENCODING_QP:
		return "quoted-printable";
	case ENCODING_BASE64:
	case ENCODING_BINARY:
		break;
	}
	return "base64";
}

void
encoder_init(struct encoder *encoder, enum encoding encoding)
{
	*encoder = (struct encoder){ .encoding = encoding };
	buf_init(&encoder->carry, CARRY);
}

void
encoder_free(struct encoder *encoder)
{
	buf_free(&encoder->carry);
}

/* Whole lines; a line that does not end is parted by a soft break. */
static void
push_qp(struct buf *carry, bool last, struct buf *out)
{
	size_t n = carry->len;

	while (!last && n > 0 && carry->data[n - 1] != '\n')
		n--;
	bool split = n == 0 && carry->len >= LONG_LINE;
	if (last || split)
		n = carry->len;
	qp_encode(span_slice(buf_span(carry), 0, n), out);
	if (split && !last)
		buf_add_string(out, "=\r\n");
	buf_drop(carry, n);
}

static void
push_base64(struct buf *carry, bool last, struct buf *out)
{
	size_t n = last ? carry->len : carry->len / BASE64_LINE * BASE64_LINE;

	base64_encode_lines(span_slice(buf_span(carry), 0, n), out);
	buf_drop(carry, n);
}

int
encoder_push(struct encoder *encoder, struct span s, bool last, struct buf *out)
{
	struct buf *carry = &encoder->carry;

	switch (encoder->encoding) {
	case ENCODING_7BIT:
		crlf_push(&encoder->crlf, s.at, s.n, out);
		break;
	case ENCODING_QP:
		crlf_push(&encoder->crlf, s.at, s.n, carry);
		push_qp(carry, last, out);
		break;
	case ENCODING_BASE64:
		crlf_push(&encoder->crlf, s.at, s.n, carry);
		push_base64(carry, last, out);
		break;
	case ENCODING_BINARY:
		buf_add_span(carry, s);
		push_base64(carry, last, out);
		break;
	}
	return carry->failed || out->failed ? -1 : 0;
}

bool
lone_dot_push(struct lone_dot *dot, struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.at[i];
		if (dot->state == LONE_DOT_START && c == '.') {
			dot->state = LONE_DOT_DOT;
			continue;
		}
		if (dot->state == LONE_DOT_DOT && c == '\r') {
			dot->state = LONE_DOT_CR;
			continue;
		}
		if ((dot->state == LONE_DOT_DOT || dot->state == LONE_DOT_CR) && c == '\n')
			return true;
		lone_dot_end(dot, out);
		buf_add_char(out, c);
		dot->state = c == '\n' ? LONE_DOT_START : LONE_DOT_TEXT;
	}
	return false;
}

void
lone_dot_end(struct lone_dot *dot, struct buf *out)
{
	if (dot->state == LONE_DOT_DOT)
		buf_add_char(out, '.');
	else if (dot->state == LONE_DOT_CR)
		buf_add_string(out, ".\r");
	dot->state = LONE_DOT_TEXT;
}
