/* What all commands answer and log with. Pure. */
#include "session.h"

#include "bounds.h"

static bool
has_erred_enough(struct session *s, struct buf *out)
{
	if (++s->errors < SESSION_ERRORS)
		return false;
	buf_add_string(out, "-ERR too many errors\r\n");
	return true;
}

enum event
command_refuse(struct session *s, const char *text, struct buf *out)
{
	if (has_erred_enough(s, out))
		return EVENT_CLOSE;
	buf_printf(out, "-ERR %s\r\n", text);
	return EVENT_INPUT;
}

enum event
command_fail(struct session *s, const char *code, const char *what, struct buf *out)
{
	if (has_erred_enough(s, out))
		return EVENT_CLOSE;
	buf_printf(out, "-ERR %s %s: ", code, what);
	buf_add_escaped(out, buf_span(&s->reason));
	buf_add_string(out, "\r\n");
	buf_clear(&s->reason);
	return EVENT_INPUT;
}

void
command_log(struct session *s, struct note note)
{
	if (note.user.n == 0)
		note.user = span_of(s->user);
	note.reason = buf_string(&s->reason);
	s->backend->log(s->context, &note);
}

const char *
command_plural(size_t messages)
{
	return messages == 1 ? "" : "s";
}
