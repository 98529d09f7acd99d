#include "transaction.h"

void
transaction_reset(struct session *s)
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
