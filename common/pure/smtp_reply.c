#include "smtp_reply.h"

#include "bounds.h"

void
smtp_reply_init(struct smtp_reply *reply)
{
	*reply = (struct smtp_reply){ .code = 0 };
	line_init(&reply->line, REPLY_LINE);
	buf_init(&reply->text, REPLY_TEXT);
}

void
smtp_reply_free(struct smtp_reply *reply)
{
	line_free(&reply->line);
	buf_free(&reply->text);
}

/* "250", "250 text" or "250-text": the code, -1 where it is none of them. RFC 5321 4.2.1 has no 1xx. */
static int
code_of(struct span line)
{
	long long code = span_number(span_slice(line, 0, 3), 599);

	if (line.n < 3 || code < 200 || (line.n > 3 && line.at[3] != ' ' && line.at[3] != '-'))
		return -1;
	return (int)code;
}

static enum smtp_reply_result
take_line(struct smtp_reply *reply, struct span line)
{
	int code = code_of(line);

	if (code < 0 || (reply->pending != 0 && code != reply->pending))
		return SMTP_REPLY_BAD;
	if (reply->pending != 0)
		buf_add_char(&reply->text, '\n');
	buf_add_span(&reply->text, line);
	if (reply->text.failed)
		return SMTP_REPLY_BAD;
	reply->pending = code;
	if (line.n > 3 && line.at[3] == '-')
		return SMTP_REPLY_MORE;
	reply->code = code;
	reply->finished = true;
	return SMTP_REPLY_WHOLE;
}

enum smtp_reply_result
smtp_reply_push(struct smtp_reply *reply, const char *bytes, size_t n, size_t *used)
{
	enum smtp_reply_result result = SMTP_REPLY_MORE;
	size_t part;

	if (reply->finished) {
		reply->finished = false;
		reply->code = reply->pending = 0;
		buf_clear(&reply->text);
	}
	for (*used = 0; result == SMTP_REPLY_MORE && *used < n; *used += part) {
		enum line_result line = line_push(&reply->line, bytes + *used, n - *used, &part);
		if (line == LINE_TOO_LONG || reply->line.overlong)
			result = SMTP_REPLY_BAD;
		else if (line == LINE_WHOLE)
			result = take_line(reply, line_text(&reply->line));
	}
	return result;
}

bool
smtp_reply_next_line(struct span *rest, struct span *line)
{
	if (rest->at == NULL)
		return false;
	struct span whole = span_until(*rest, '\n', rest);
	*line = span_slice(whole, 4, whole.n);
	return true;
}

struct span
smtp_reply_enhanced(struct span text)
{
	struct span rest = text, line = { NULL, 0 }, parts, words;

	smtp_reply_next_line(&rest, &line);
	struct span status = span_until(line, ' ', &words);
	struct span kind = span_until(status, '.', &parts), subject = span_until(parts, '.', &parts);
	bool good = kind.n == 1 && kind.at[0] == text.at[0] && subject.n <= 3 && parts.n <= 3 &&
		    span_number(subject, 999) >= 0 && span_number(parts, 999) >= 0;
	return good ? status : (struct span){ NULL, 0 };
}
