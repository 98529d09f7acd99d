#include "command.h"

#include <stdio.h>

void
command_log_in(struct session *s, const char *user)
{
	snprintf(s->user, sizeof s->user, "%s", user);
	s->envelope.user = span_of(s->user);
	s->envelope.trusted = true;
}

void
command_reset(struct session *s)
{
	s->backend->forget(s->world);
	buf_clear(&s->sender);
	buf_clear(&s->envid);
	s->envelope = (struct envelope){
		.helo = s->envelope.helo,
		.esmtp = s->envelope.esmtp,
		.user = s->envelope.user,
		.trusted = s->envelope.trusted,
	};
	s->verdict = (struct reply){ 0 };
	s->phase = PHASE_COMMANDS;
	if (s->state != SESSION_NEW)
		s->state = SESSION_GREETED;
}

enum event
command_repeat(struct reply reply, struct buf *out)
{
	if (reply.status == NULL)
		buf_printf(out, "%d %s\r\n", reply.code, reply.text);
	else
		buf_printf(out, "%d %s %s\r\n", reply.code, reply.status, reply.text);
	return EVENT_INPUT;
}

enum event
command_say(struct session *s, struct reply reply, struct buf *out)
{
	if (reply.code >= 400)
		s->backend->refused(s->world, s->word, s->argument, &reply);
	s->errors += reply.code >= 500;
	return command_repeat(reply, out);
}
