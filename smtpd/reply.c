#include "session.h"

enum event
reply_repeat(struct reply reply, struct buf *out)
{
	if (reply.status == NULL)
		buf_printf(out, "%d %s\r\n", reply.code, reply.text);
	else
		buf_printf(out, "%d %s %s\r\n", reply.code, reply.status, reply.text);
	return EVENT_INPUT;
}

enum event
reply_say(struct session *s, struct reply reply, struct buf *out)
{
	if (reply.code >= 400)
		s->backend->refused(s->world, s->word, s->argument, &reply);
	s->errors += reply.code >= 500;
	return reply_repeat(reply, out);
}
