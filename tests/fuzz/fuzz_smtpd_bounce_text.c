/* A delivery status notification about a hostile message and reply: CRLF lines of at most 998, and no boundary that is not ours. */
#include "bounce.h"

#include "fuzz.h"

static const char id[] = "n1";

static void
check_lines(const struct buf *out, bool ascii)
{
	size_t start = 0, boundaries = 0;

	for (size_t i = 0; i < out->len; i++) {
		char c = out->data[i];
		MUST(c != '\0' && (!ascii || (unsigned char)c < 0x80));
		MUST((c == '\n') == (i > 0 && out->data[i - 1] == '\r'));
		MUST(i - start <= 999);
		if (i - start == 5 && memcmp(out->data + start, "--=_n1", 6) == 0)
			boundaries++;
		if (c == '\n')
			start = i + 1;
	}
	MUST(start == out->len && boundaries == 4);
}

static struct span
without_zero(struct span s, char *copy, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n + 1 < size; i++)
		if (s.at[i] != '\0')
			copy[n++] = s.at[i];
	copy[n] = '\0';
	return span_of(copy);
}

static void
collect(void *context, struct buf *piece)
{
	struct buf *out = context;

	MUST(!piece->failed);
	MUST(buf_add_span(out, buf_span(piece)) == 0);
	buf_clear(piece);
}

void
fuzz(struct span input)
{
	char host[256];
	unsigned flags = input.n > 0 ? (unsigned char)input.at[0] : 0;
	struct span rest = span_slice(input, 1, input.n);
	struct queue_message about = {
		.id = "m1", .created = 1, .utf8 = (flags & 1) != 0, .sender = fuzz_part(&rest, '|')
	};
	struct queue_recipient bob = { .tries = 1 };
	struct bounce_recipient told = { .recipient = &bob, .status = "5.1.1", .host = host };
	struct bounce_notice notice = { .hostname = "mail.example.org",
		.id = id,
		.action = (enum bounce_action)(flags >> 1 & 3),
		.about = &about,
		.recipients = &told,
		.recipients_n = 1 };
	struct buf out;

	notice.to = (flags & 8) != 0 ? about.sender : fuzz_part(&rest, '|');
	about.envid = fuzz_part(&rest, '|');
	bob.address = fuzz_part(&rest, '|');
	bob.dsn.orcpt = fuzz_part(&rest, '|');
	without_zero(fuzz_part(&rest, '|'), host, sizeof host);
	bob.reply = fuzz_part(&rest, '|');
	about.ret = (flags & 16) != 0 ? DSN_RET_FULL : DSN_RET_HDRS;
	buf_init(&out, BOUNCE_PIECE + 4 * BOUNCE_ORIGINAL);
	bounce_text(&notice, rest, (flags & 32) == 0, collect, &out);
	check_lines(&out, !about.utf8 && (about.ret == DSN_RET_HDRS || span_is_ascii(rest)));
	buf_free(&out);
}
