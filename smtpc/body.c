#include "body.h"

#include "codec.h"

enum {
	LONGEST_LINE = 998,    /* RFC 5322 2.1.1 */
	PIECE = 57 * 512,      /* whole lines of base64, which have 57 bytes each */
	LONGEST_QP = PIECE / 2 /* a line that quoted-printable is used for: a piece has whole lines */
};

static int
as_it_is(struct span text, struct buf *out)
{
	return buf_add_span(out, text);
}

static const struct {
	const char *name;
	int (*encode)(struct span, struct buf *out);
} encodings[] = {
	[ENCODING_7BIT] = { "7bit", as_it_is },
	[ENCODING_QP] = { "quoted-printable", qp_encode },
	[ENCODING_BASE64] = { "base64", base64_encode_lines },
};

const char *
encoding_name(enum encoding encoding)
{
	return encodings[encoding].name;
}

struct content
content_of(struct span text)
{
	size_t high = 0, line = 0, longest = 0;
	struct content c = { .type = "text/plain; charset=us-ascii" };

	for (size_t i = 0; i < text.n; i++) {
		high += (unsigned char)text.at[i] >= 0x80;
		c.nul |= text.at[i] == '\0';
		line = text.at[i] == '\n' || text.at[i] == '\r' ? 0 : line + 1;
		longest = line > longest ? line : longest;
	}
	c.eight_bit = high > 0;
	if (c.nul)
		c.type = "application/octet-stream";
	else if (c.eight_bit)
		/* What is no UTF-8 is most often Latin 1; whatever it is, its bytes arrive as they were. */
		c.type = utf8_valid(text) ? "text/plain; charset=utf-8" : "text/plain; charset=iso-8859-1";
	if (c.nul || high > text.n / 2 || longest > LONGEST_QP)
		c.encoding = ENCODING_BASE64;
	else if (c.eight_bit || longest > LONGEST_LINE)
		c.encoding = ENCODING_QP;
	return c;
}

/* What goes out next of the text: of quoted-printable whole lines. */
static struct span
next_piece(const struct body *body)
{
	struct span rest = span_slice(body->text, body->at - body->header.n, body->text.n);
	size_t n = rest.n < PIECE ? rest.n : PIECE;

	while (body->encoding == ENCODING_QP && n < rest.n && rest.at[n - 1] != '\n')
		n--;
	return span_slice(rest, 0, n);
}

int
body_next(void *context, struct buf *out)
{
	struct body *body = context;
	struct span piece = span_slice(body->header, body->at, body->at + PIECE);

	if (piece.n > 0)
		buf_add_span(out, piece);
	else {
		piece = next_piece(body);
		encodings[body->encoding].encode(piece, out);
	}
	body->at += piece.n;
	if (out->failed)
		return -1;
	if (body->at < body->header.n + body->text.n)
		return 1;
	body->at = 0;
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_add_string(out, "\r\n");
	return 0;
}

uint64_t
body_size(struct body *body)
{
	uint64_t size = 0;
	struct buf piece;
	int more;

	buf_init(&piece, (size_t)4 * PIECE);
	do {
		more = body_next(body, &piece);
		size += piece.len;
		buf_clear(&piece);
	} while (more > 0);
	buf_free(&piece);
	return size;
}
