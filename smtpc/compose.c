#include "compose.h"

#include <string.h>

#include "bounds.h"
#include "codec.h"
#include "message.h"

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

struct content
compose_content(struct span text)
{
	size_t high = 0, line = 0, longest = 0;
	struct content c = { .type = "text/plain; charset=us-ascii" };

	for (size_t i = 0; i < text.n; i++) {
		high += (unsigned char)text.at[i] >= 0x80;
		c.nul |= text.at[i] == '\0';
		line = text.at[i] == '\n' || text.at[i] == '\r' ? 0 : line + 1;
		longest = line > longest ? line : longest;
	}
	if (c.nul)
		c.type = "application/octet-stream";
	else if (high > 0)
		/* What is no UTF-8 is most often Latin 1; whatever it is, its bytes arrive as they were. */
		c.type = utf8_valid(text) ? "text/plain; charset=utf-8" : "text/plain; charset=iso-8859-1";
	if (c.nul || high > text.n / 2 || longest > LONGEST_QP)
		c.encoding = ENCODING_BASE64;
	else if (high > 0 || longest > LONGEST_LINE)
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
compose_next(void *context, struct buf *out)
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
compose_size(struct body *body)
{
	uint64_t size = 0;
	struct buf piece;
	int more;

	buf_init(&piece, (size_t)4 * PIECE);
	do {
		more = compose_next(body, &piece);
		size += piece.len;
		buf_clear(&piece);
	} while (more > 0);
	buf_free(&piece);
	return size;
}

void
heading_init(struct heading *heading, size_t most)
{
	*heading = (struct heading){ .subject = NULL };
	buf_init(&heading->from, most);
	buf_init(&heading->to, most);
	buf_init(&heading->cc, most);
	buf_init(&heading->message_id, most);
}

void
heading_free(struct heading *heading)
{
	buf_free(&heading->from);
	buf_free(&heading->to);
	buf_free(&heading->cc);
	buf_free(&heading->message_id);
}

static void
add_field(const char *name, const struct buf *value, struct buf *out)
{
	if (value->len == 0)
		return;
	buf_printf(out, "%s: ", name);
	buf_add_span(out, buf_span(value));
	buf_add_string(out, "\r\n");
}

static void
add_date(const struct heading *heading, struct buf *out)
{
	buf_add_string(out, "Date: ");
	date_format(heading->now, heading->zone, out);
	buf_add_string(out, "\r\n");
}

int
compose_header(const struct heading *heading, const struct content *content, struct buf *out)
{
	add_date(heading, out);
	add_field("From", &heading->from, out);
	add_field("To", &heading->to, out);
	add_field("Cc", &heading->cc, out);
	if (heading->subject != NULL) {
		buf_add_string(out, "Subject: ");
		words_encode(span_of(heading->subject), strlen("Subject: "), out);
		buf_add_string(out, "\r\n");
	}
	add_field("Message-ID", &heading->message_id, out);
	buf_printf(out, "MIME-Version: 1.0\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n",
	    content->type, encodings[content->encoding].name);
	return out->failed ? -1 : 0;
}

/* What the fields of a header were, so far. */
struct seen {
	bool date, message_id, from;
};

/* The envelope's sender, if it can be read; it need not. */
static void
take_sender(struct span value, struct buf *sender)
{
	const char *reason;
	struct buf name;

	buf_init(&name, value.n);
	if (sender->len == 0 && address_next(&value, &name, sender, &reason) != 1)
		buf_clear(sender);
	buf_free(&name);
}

static int
take_field(const struct field *field, struct seen *seen, struct envelope *envelope,
    struct completed *completed, struct buf *out, const char **reason)
{
	bool bcc = span_is_nocase(field->name, "Bcc");

	if (span_has(field->whole, '\0')) {
		*reason = "there is a NUL in the header";
		return -1;
	}
	if ((bcc || span_is_nocase(field->name, "To") || span_is_nocase(field->name, "Cc")) &&
	    envelope_add_list(envelope, field->value, 0, NULL, reason) < 0)
		return -1;
	if (bcc)
		return 0;
	if (span_is_nocase(field->name, "From")) {
		take_sender(field->value, &completed->sender);
		seen->from = true;
	}
	seen->date |= span_is_nocase(field->name, "Date");
	seen->message_id |= span_is_nocase(field->name, "Message-ID");
	completed->utf8 |= !span_is_ascii(field->whole) && utf8_valid(field->whole);
	*reason = "the header is too large";
	return buf_add_span(out, field->whole);
}

int
compose_complete(struct span message, const struct heading *heading, struct envelope *envelope,
    struct completed *completed, struct buf *out, const char **reason)
{
	struct seen seen = { .date = false };
	struct span rest = message;
	struct field field;

	*completed = (struct completed){ .body = 0 };
	buf_init(&completed->sender, SMTP_PATH);
	while (field_next(&rest, &field))
		if (take_field(&field, &seen, envelope, completed, out, reason) < 0)
			return -1;
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_add_string(out, "\r\n");
	if (!seen.date)
		add_date(heading, out);
	if (!seen.from)
		add_field("From", &heading->from, out);
	if (!seen.message_id)
		add_field("Message-ID", &heading->message_id, out);
	buf_add_string(out, "\r\n");
	completed->body = rest.at == NULL ? message.n : (size_t)(rest.at - message.at);
	*reason = "the header is too large";
	return out->failed ? -1 : 0;
}
