#include "rcpt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alias.h"
#include "bounds.h"
#include "log.h"

/* A local name on the way from an address to its users. */
struct step {
	char *name;	   /* the local part without quotes, with its tag */
	size_t parent;	   /* the step whose alias names it; the first is its own */
	const char *alias; /* the targets it was expanded to, as a place in the text; NULL: none */
	bool mailbox;	   /* \name: no alias counts */
};

struct walk {
	const struct rcpt_rules *rules;
	struct span aliases; /* the text: alias.h */
	struct span domain;  /* of the address that was asked for */
	struct step *steps;
	size_t n;
	size_t elsewhere; /* addresses that were added */
	bool leads;	  /* to anybody */
	const struct dsn_request *dsn;
	struct rcpt_list *list;
};

static const char file[] = "aliases";
static const struct span none;

static const struct reply fine = { 250, "2.1.5", "Ok" };
static const struct reply unknown = { 550, "5.1.1", "No such user here" };
static const struct reply relaying = { 550, "5.7.1", "Relaying denied" };
static const struct reply no_accounts = { 451, "4.3.0", "The accounts cannot be read now" };
static const struct reply too_many = { 452, "4.5.3", "Too many recipients" };
static const struct reply no_memory = { 451, "4.3.0", "There is no memory left" };
static const struct reply bad_alias = { 451, "4.3.5", "An alias is misconfigured" };
static const struct reply loop = { 550, "5.4.6", "An alias leads back to itself and to nobody" };

void
rcpt_list_cut(struct rcpt_list *list, size_t n)
{
	while (list->n > n)
		buf_free(&list->to[--list->n].text);
	if (n > 0)
		return;
	free(list->to);
	list->to = NULL;
}

static void
tell(const struct rcpt_rules *rules, struct span what, const char *is, struct span whom)
{
	if (rules->tell != NULL)
		rules->tell(rules->context, what, is, whom);
}

static struct reply
refuse_target(const struct walk *w, size_t step, struct span target, const char *reason, struct reply reply)
{
	tell(w->rules, target, reason, none);
	if (w->rules->tell != NULL) /* a person, who asked */
		return reply;
	log_begin_error("alias-refused");
	log_text("alias", w->steps[step].name);
	log_span("target", target);
	log_text("reason", reason);
	log_end();
	return reply;
}

static bool
is_here(const struct peer *here, struct span literal)
{
	struct span address = span_slice(literal, 1, literal.n - 1);

	if (span_is_nocase(span_slice(address, 0, 5), "IPv6:"))
		address = span_slice(address, 5, address.n);
	return net_contains(address, here);
}

static bool
is_local(const struct rcpt_rules *rules, const struct path *path)
{
	if (path->domain.n == 0)
		return true;
	return config_receives(rules->config, path->local, path->domain) ||
	       (path->domain.at[0] == '[' && is_here(rules->here, path->domain));
}

static struct reply
add_step(struct walk *w, struct span local, size_t parent, bool mailbox)
{
	struct buf name;

	if (w->n + w->elsewhere >= RCPT_STEPS)
		return refuse_target(w, parent, local, "too many targets", bad_alias);
	buf_init(&name, SMTP_LOCAL_PART);
	struct step *steps = realloc(w->steps, (w->n + 1) * sizeof *steps);
	if (steps != NULL)
		w->steps = steps;
	char *copy = path_unquote_local(local, &name) < 0 ? NULL : strdup(buf_string(&name));
	buf_free(&name);
	if (steps == NULL || copy == NULL) {
		free(copy);
		return no_memory;
	}
	w->steps[w->n++] = (struct step){ .name = copy, .parent = parent, .mailbox = mailbox };
	return fine;
}

static bool
is_listed(const struct rcpt_list *list, const char *user, struct span address)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct recipient *to = &list->to[i];
		if (strcmp(to->user, user) == 0 &&
		    (to->queued.mailbox || span_equal(address, to->queued.address)))
			return true;
	}
	return false;
}

static struct span
keep(struct buf *text, struct span s)
{
	size_t from = text->len;

	buf_add_span(text, s);
	return span_slice(buf_span(text), from, text->len);
}

/* A user here, or, where that is empty, somebody elsewhere. */
static struct reply
add(struct walk *w, const char *user, struct span address, struct span owner)
{
	struct rcpt_list *list = w->list;
	const int asked = w->rules->config->recipients, most = asked > RCPT_STEPS ? asked : RCPT_STEPS;

	w->leads = true;
	if (is_listed(list, user, address))
		return fine;
	if (list->n >= (size_t)most)
		return too_many;
	struct recipient *to = realloc(list->to, (list->n + 1) * sizeof *to);
	if (to == NULL)
		return no_memory;
	list->to = to;
	to += list->n++;
	*to = (struct recipient){ .queued = { .mailbox = user[0] != '\0', .dsn = *w->dsn } };
	snprintf(to->user, sizeof to->user, "%s", user);
	buf_init(&to->text, address.n + owner.n + w->dsn->orcpt.n);
	/* It has room for all: it does not move. */
	if (buf_reserve(&to->text, to->text.max) == NULL)
		return no_memory;
	to->queued.address = keep(&to->text, address);
	to->queued.owner = keep(&to->text, owner);
	to->queued.dsn.orcpt = keep(&to->text, w->dsn->orcpt);
	return fine;
}

static struct reply
add_user(struct walk *w, const char *user)
{
	char address[ACCOUNT_NAME + 1 + SMTP_DOMAIN + 1];

	snprintf(address, sizeof address, "%s@%.*s", user, (int)w->domain.n, w->domain.at);
	return add(w, user, span_of(address), none);
}

/* RFC 5321 4.5.1: there always is a postmaster, as soon as there is anybody. */
static enum account_status
find_account(int root, struct span local, char name[ACCOUNT_NAME + 1])
{
	if (!account_name(local, name))
		return ACCOUNT_NONE;
	enum account_status status = account_find(root, name, NULL);
	if (status == ACCOUNT_NONE && strcmp(name, "postmaster") == 0)
		return account_first(root, name);
	return status;
}

static struct reply
take_mailbox(struct walk *w, const char *local)
{
	char name[ACCOUNT_NAME + 1];
	const enum account_status status = find_account(w->rules->root, span_of(local), name);

	if (status == ACCOUNT_OK) {
		tell(w->rules, span_of(local), "is the user", span_of(name));
		return add_user(w, name);
	}
	if (status == ACCOUNT_NONE) {
		tell(w->rules, span_of(local), "is no user", none);
		return unknown;
	}
	log_failure("accounts not read", NULL, NULL);
	return no_accounts;
}

/* The alias of the whole name, else of the name without its tag. */
static bool
find_alias(const struct walk *w, const char *local, struct span *targets)
{
	struct span name = span_of(local), tag;
	struct span base = span_until(name, '+', &tag);

	return alias_find(w->aliases, name, targets) ||
	       (base.n < name.n && alias_find(w->aliases, base, targets));
}

/* The nearest alias above that has an owner names who is told. */
static void
find_owner(const struct walk *w, size_t step, struct buf *out)
{
	struct span targets;
	struct path path;
	const char *reason;
	size_t below;

	do {
		buf_clear(out);
		buf_printf(out, "owner-%s", w->steps[step].name);
		bool there = find_alias(w, buf_string(out), &targets);
		buf_add_char(out, '@');
		buf_add_span(out, w->domain);
		if (there && !out->failed && path_parse_bare(buf_span(out), &path, &reason) == 0)
			return;
		below = step;
		step = w->steps[step].parent;
	} while (step != below);
	buf_clear(out);
	buf_add_string(out, "postmaster");
}

static struct reply
add_foreign_target(struct walk *w, size_t step, struct span address)
{
	const size_t before = w->list->n;
	struct buf owner;

	if (w->n + w->elsewhere >= RCPT_STEPS)
		return refuse_target(w, step, address, "too many targets", bad_alias);
	buf_init(&owner, SMTP_PATH);
	find_owner(w, step, &owner);
	tell(w->rules, address, "is elsewhere; of a failure is told", buf_span(&owner));
	struct reply reply = add(w, "", address, buf_span(&owner));
	w->elsewhere += w->list->n - before;
	buf_free(&owner);
	return reply;
}

static struct reply
add_target(struct walk *w, size_t step, struct span target, enum alias_kind kind)
{
	struct path path;
	const char *reason;
	const char *last = target.at + target.n - 1;
	bool quoted = target.at[0] == '"' && *last == '"';

	if (kind == ALIAS_FOREIGN)
		return refuse_target(
		    w, step, target, "files, commands and :include: are not supported", bad_alias);
	if (kind == ALIAS_MAILBOX || quoted || memchr(target.at, '@', target.n) == NULL)
		return add_step(w, target, step, kind == ALIAS_MAILBOX);
	if (path_parse_bare(target, &path, &reason) < 0)
		return refuse_target(w, step, target, reason, bad_alias);
	if (!is_local(w->rules, &path))
		return add_foreign_target(w, step, path.whole);
	return add_step(w, path.local, step, false);
}

static struct reply
add_targets(struct walk *w, size_t step, struct span targets)
{
	struct reply reply = fine;
	struct span target;
	enum alias_kind kind;

	w->steps[step].alias = targets.at;
	while (reply.code == fine.code && alias_target(&targets, &target, &kind) > 0)
		reply = add_target(w, step, target, kind);
	return reply;
}

/* Does the alias stand above the step, so that the step is a name inside of its own alias? */
static bool
is_above(const struct walk *w, size_t step, const char *alias)
{
	while (w->steps[step].parent != step) {
		step = w->steps[step].parent;
		if (w->steps[step].alias == alias)
			return true;
	}
	return false;
}

static bool
is_expanded(const struct walk *w, const char *alias)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->steps[i].alias == alias)
			return true;
	return false;
}

/*
 * As in aliases(5), an alias counts before the user of that name, and "anna: anna, bob" means her mailbox by the second anna. An alias
 * is expanded once, by whatever routes it is reached; where it leads back to itself and nobody has that name, that route ends.
 */
static struct reply
take_step(struct walk *w, size_t step)
{
	const char *local = w->steps[step].name;
	struct span targets;

	if (w->steps[step].mailbox || !find_alias(w, local, &targets)) {
		struct reply reply = take_mailbox(w, local);
		return step == 0 || reply.code != unknown.code
			   ? reply
			   : refuse_target(w, w->steps[step].parent, span_of(local), "no such user", reply);
	}
	tell(w->rules, span_of(local), "is an alias for", span_trim(targets));
	if (is_above(w, step, targets.at)) {
		struct reply reply = take_mailbox(w, local);
		return reply.code == unknown.code ? fine : reply;
	}
	return is_expanded(w, targets.at) ? fine : add_targets(w, step, targets);
}

static struct reply
resolve(struct walk *w, const struct path *path)
{
	const bool local = is_local(w->rules, path);

	tell(w->rules, path->whole, local ? "is local" : "is elsewhere", none);
	if (!local)
		return w->rules->trusted ? add(w, "", path->whole, none) : relaying;
	struct reply reply = add_step(w, path->local, 0, false);
	for (size_t i = 0; i < w->n && reply.code == fine.code; i++)
		reply = take_step(w, i);
	return reply.code == fine.code && !w->leads ? loop : reply;
}

static void
log_malformed(struct span text)
{
	struct alias_reader reader = { .rest = text };
	struct alias alias;
	const char *reason;
	int result;

	while ((result = alias_next(&reader, &alias, &reason)) != 0) {
		if (result > 0)
			continue;
		log_begin_error("alias-malformed");
		log_text("file", file);
		log_number("line", alias.line);
		log_text("reason", reason);
		log_end();
	}
}

int
rcpt_refresh(struct kept *aliases, int root)
{
	int result = kept_refresh(aliases, root, file);

	if (result > 0)
		log_malformed(buf_span(&aliases->text));
	if (result >= 0)
		return 0;
	log_failure("aliases-unreadable", "file", file);
	return -1;
}

struct reply
rcpt_resolve(const struct rcpt_rules *rules, const struct path *path, const struct dsn_request *dsn,
    struct rcpt_list *list)
{
	const size_t before = list->n;
	struct walk w = { .rules = rules, .domain = path->domain, .dsn = dsn, .list = list };

	if (rcpt_refresh(rules->aliases, rules->root) < 0)
		return (struct reply){ 451, "4.3.0", "The aliases cannot be read now" };
	w.aliases = buf_span(&rules->aliases->text);
	if (path->domain.n == 0)
		w.domain = span_of(rules->config->hostname);
	struct reply reply = resolve(&w, path);
	if (reply.code != fine.code)
		rcpt_list_cut(list, before);
	for (size_t i = 0; i < w.n; i++)
		free(w.steps[i].name);
	free(w.steps);
	return reply;
}
