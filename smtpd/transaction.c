#include "transaction.h"

void
transaction_reset(struct session *s)
{
	s->backend->forget(s->world);
	buf_clear(&s->sender);
	s->envelope = (struct envelope){ .helo = s->envelope.helo, .esmtp = s->envelope.esmtp };
	s->verdict = (struct reply){ 0 };
	s->phase = PHASE_COMMANDS;
	if (s->state != SESSION_NEW)
		s->state = SESSION_GREETED;
}
