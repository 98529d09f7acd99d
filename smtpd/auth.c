/*
 * AUTH: who is it? Pure.
 *
 * What does not send the password itself may be used everywhere, as in pop3d. A name that doesn't exist goes the way that every name
 * goes: see sasl.h.
 */
#include "command.h"

static enum event
settle(struct session *s, enum exchange_result result, struct buf *out)
{
	static const struct reply replies[] = {
		[EXCHANGE_OK] = { 235, "2.7.0", "You are logged in" },
		[EXCHANGE_DENIED] = { 535, "5.7.8", "The name or the password is wrong" },
		[EXCHANGE_UNABLE] = { 454, "4.7.0", "Nobody can log in now, try again later" },
		[EXCHANGE_CANCELLED] = { 501, "5.7.0", "Cancelled" },
		[EXCHANGE_BAD_BASE64] = { 501, "5.5.2", "Malformed base64" },
		[EXCHANGE_BAD_ANSWER] = { 501, "5.5.2", "Malformed answer" },
	};
	const char *method = sasl_names[s->exchange.mechanism];

	s->phase = result == EXCHANGE_MORE ? PHASE_AUTH : PHASE_COMMANDS;
	if (result == EXCHANGE_MORE)
		return EVENT_INPUT;
	if (result == EXCHANGE_DENIED) {
		s->backend->login(s->world, false, span_of(s->exchange.login), method);
		command_repeat(replies[result], out);
		return EVENT_DENIED;
	}
	if (result == EXCHANGE_OK) {
		command_log_in(s, s->exchange.user);
		s->backend->login(s->world, true, s->envelope.user, method);
	}
	return command_say(s, replies[result], out);
}

enum event
auth_begin(struct session *s, struct span argument, struct buf *out)
{
	struct span initial, name = span_until(argument, ' ', &initial);
	int mechanism = sasl_mechanism(name);

	if (s->envelope.user.n > 0)
		return command_say(s, (struct reply){ 503, "5.5.1", "You are logged in already" }, out);
	if (mechanism < 0)
		return command_say(s, (struct reply){ 504, "5.5.4", "There is no such mechanism" }, out);
	if (mechanism != SASL_SCRAM_SHA_256 && !s->config->cleartext)
		return command_say(s, (struct reply){ 538, "5.7.11", "This mechanism needs TLS" }, out);
	if (initial.at != NULL)
		initial = span_trim(initial);
	return settle(s, exchange_begin(&s->exchange, (enum sasl_mechanism)mechanism, initial, out), out);
}

enum event
auth_answer(struct session *s, struct span line, struct buf *out)
{
	enum event event = settle(s, exchange_answer(&s->exchange, line, out), out);

	wipe(s->line.text.data, s->line.text.len);
	return event;
}
