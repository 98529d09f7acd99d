#include "sender.h"

#include <stdio.h>

#include "account.h"
#include "delivery.h"
#include "log.h"

struct session_config
sender_settings(const struct config *config, const struct session_info *info)
{
	bool submission = info->listener == LISTENER_SUBMISSION;

	return (struct session_config){
		.hostname = config->hostname,
		.message_size = (uint64_t)config->message_size,
		.recipients = config->recipients,
		.cleartext = config_allows_cleartext(config, &info->client),
		.submission = submission,
		.trusted = !submission && config_relays_from(config, &info->client),
	};
}

struct rcpt_rules
sender_rules(const struct delivery *d, bool trusted)
{
	return (struct rcpt_rules){
		.config = d->config,
		.here = &d->info->here,
		.root = d->root,
		.aliases = buf_span(&d->aliases->text),
		.trusted = trusted,
		.tell = d->tell,
	};
}

int
sender_credential(void *world, struct span login, char *user, struct credential *credential)
{
	const struct delivery *d = world;

	return account_login(d->root, d->config, login, user, credential);
}

/* Does the address lead to the user, perhaps among others? */
static struct reply
look_up(const struct delivery *d, struct span user, const struct path *path)
{
	struct rcpt_rules rules = sender_rules(d, false);
	struct reply answer = { 553, "5.7.1", "This sender address is not one of yours" };
	struct rcpt_list list;

	rcpt_list_init(&list);
	struct reply reply = rcpt_resolve(&rules, path, &list);
	struct span rest = buf_span(&list.users);
	if (reply.code >= 400 && reply.code < 500)
		answer = reply;
	while (reply.code < 300 && answer.code != 0 && rest.n > 0)
		if (span_equal_nocase(span_until(rest, '\0', &rest), user))
			answer = (struct reply){ 0 };
	rcpt_list_free(&list);
	return answer;
}

struct reply
sender_check(void *world, const struct envelope *envelope, const struct path *path)
{
	struct delivery *d = world;

	if (!d->config->sender_check || path->whole.n == 0)
		return (struct reply){ 0 };
	if (aliases_refresh(d->aliases, d->root) < 0)
		return (struct reply){ 451, "4.3.0", "The aliases cannot be read now" };
	return look_up(d, envelope->user, path);
}

void
sender_login(void *world, bool right, struct span user, const char *method)
{
	(void)world;
	log_begin(right ? "login" : "login-failed");
	log_span("user", user);
	log_text("method", method);
	log_end();
}

void
sender_refused(void *world, const char *word, struct span argument, const struct reply *reply)
{
	char text[256];

	(void)world;
	snprintf(text, sizeof text, "%d %s%s%s", reply->code, reply->status == NULL ? "" : reply->status,
	    reply->status == NULL ? "" : " ", reply->text);
	log_begin("refused");
	if (word != NULL)
		log_text("command", word);
	if (argument.n > 0)
		log_span("argument", span_slice(argument, 0, 256));
	log_text("reply", text);
	log_end();
}
