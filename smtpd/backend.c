#include "backend.h"

#include <stdio.h>

#include "account.h"
#include "log.h"

struct session_config
backend_settings(const struct config *config, const struct session_info *info)
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

static int
credential(void *world, struct span login, char *user, struct credential *c)
{
	const struct delivery *d = world;

	return account_login(d->root, d->config, login, user, c);
}

static void
login(void *world, bool right, struct span user, const char *method)
{
	(void)world;
	log_begin(right ? "login" : "login-failed");
	log_span("user", user);
	log_text("method", method);
	log_end();
}

static struct rcpt_rules
rules_of(const struct delivery *d, bool trusted)
{
	return (struct rcpt_rules){
		.config = d->config,
		.here = &d->info->here,
		.root = d->root,
		.aliases = d->aliases,
		.trusted = trusted,
		.tell = d->tell,
	};
}

/* Is the address among those that lead to the mailbox of who has logged in, perhaps among others'? */
static struct reply
mail(void *world, const struct envelope *envelope, const struct path *path)
{
	static const struct dsn_request nothing;
	const struct delivery *d = world;
	struct rcpt_rules rules = rules_of(d, false);
	struct reply answer = { 553, "5.7.1", "This sender address is not one of yours" };
	struct rcpt_list list = { .n = 0 };

	if (!d->config->sender_check || path->whole.n == 0)
		return (struct reply){ 0 };
	struct reply reply = rcpt_resolve(&rules, path, &nothing, &list);
	if (reply.code >= 400 && reply.code < 500)
		answer = reply;
	for (size_t i = 0; i < list.n; i++)
		if (span_is_nocase(envelope->user, list.to[i].user))
			answer = (struct reply){ 0 };
	rcpt_list_cut(&list, 0);
	return answer;
}

static struct reply
rcpt(void *world, const struct envelope *envelope, const struct path *path, const struct dsn_request *dsn)
{
	struct delivery *d = world;
	const struct rcpt_rules rules = rules_of(d, envelope->trusted);
	const size_t before = d->list.n;
	struct reply reply = rcpt_resolve(&rules, path, dsn, &d->list);

	for (size_t i = before; i < d->list.n && reply.code < 300; i++)
		reply = delivery_try(d, i, envelope->declared);
	if (reply.code >= 300)
		delivery_cut(d, before);
	else if (envelope->taken == 0)
		buf_add_span(&d->sole, path->whole);
	return reply;
}

static void
refused(void *world, const char *word, struct span argument, const struct reply *reply)
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

const struct backend backend = {
	.accounts = { account_random, credential },
	.login = login,
	.mail = mail,
	.rcpt = rcpt,
	.add = delivery_add,
	.finish = delivery_finish,
	.forget = delivery_forget,
	.refused = refused,
};
