#include "command.h"

#include "bounds.h"

struct backend_note
command_note(const struct session *s, const char *event)
{
	return (struct backend_note){ .event = event, .user = span_of(s->user) };
}

const char *
command_plural(size_t messages)
{
	return messages == 1 ? "" : "s";
}

enum event
command_refuse(struct session *s, const char *text, struct buf *out)
{
	if (++s->errors >= SESSION_ERRORS) {
		buf_add_string(out, "-ERR too many errors\r\n");
		return EVENT_CLOSE;
	}
	buf_printf(out, "-ERR %s\r\n", text);
	return EVENT_INPUT;
}

enum event
command_refuse_status(
    struct session *s, enum backend_status status, const char *what, struct buf *reason, struct buf *out)
{
	static const char *const codes[] = {
		[BACKEND_IN_USE] = "[IN-USE] ", [BACKEND_TEMP] = "[SYS/TEMP] ", [BACKEND_PERM] = "[SYS/PERM] "
	};
	struct buf text;

	buf_init(&text, REPLY_LINE);
	buf_printf(&text, "%s%s: ", codes[status], what);
	buf_add_escaped(&text, buf_span(reason));
	enum event event = command_refuse(s, buf_string(&text), out);
	buf_free(&text);
	return event;
}
