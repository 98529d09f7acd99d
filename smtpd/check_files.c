/* What the files of the mail root are like. */
#include "checks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "alias.h"
#include "bounds.h"
#include "kept.h"
#include "queue.h"
#include "rcpt.h"
#include "routes.h"

enum { PATH = 256, WRONG = 512 };

/* Others may not write to it. readable: that they may read it. */
static void
check_mode(struct check *c, const char *file, enum check_verdict readable)
{
	struct stat st;

	if (fstatat(c->root, file, &st, 0) < 0)
		return;
	if ((st.st_mode & 022) != 0)
		check_say(
		    c, CHECK_FAIL, "%s: others may write to it; fix: chmod go-w %s/%s", file, c->dir, file);
	else if (readable != CHECK_OK && (st.st_mode & 077) != 0)
		check_say(c, readable, "%s: others may read it; fix: chmod 600 %s/%s", file, c->dir, file);
}

/* Where the user of the daemon cannot even enter it nothing below can be judged. */
void
check_root(struct check *c)
{
	if (check_access(c, ".")) {
		check_mode(c, ".", CHECK_OK);
		return;
	}
	close(c->root);
	c->root = -1;
}

void
check_accounts(struct check *c)
{
	struct credential credential;
	struct span rest, verifier;
	struct buf text;
	char name[ACCOUNT_NAME + 1];
	const char *dir = c->dir;
	int users = 0, failed = c->failed;
	bool is_file = account_read(c->root, &text) == 0 || errno == EPERM;

	if (!is_file) {
		if (errno == ENOENT)
			check_say(c, CHECK_WARN,
			    "accounts: there are none, so nobody gets mail; fix: pop3d -d %s user add NAME",
			    dir);
		else if (errno == EIO)
			check_say(c, CHECK_FAIL, "accounts: %s; fix: dmesg | tail", strerror(errno));
		else if (check_access(c, "accounts"))
			check_say(c, CHECK_FAIL,
			    "accounts: no regular file; fix: mv %s/accounts %s/accounts.old; umask 077; cp "
			    "%s/accounts.old %s/accounts",
			    dir, dir, dir, dir);
	}
	for (rest = buf_span(&text); account_next(&rest, name, &verifier); users++)
		if (credential_parse(verifier, &credential) < 0)
			check_say(c, CHECK_FAIL,
			    "accounts: what %s logs in with is malformed; fix: pop3d -d %s user passwd %s",
			    name, dir, name);
	wipe(&credential, sizeof credential);
	buf_free(&text);
	if (is_file)
		check_mode(c, "accounts", CHECK_WARN);
	if (is_file && c->failed == failed)
		check_say(c, CHECK_OK, "accounts: %d", users);
}

/* What came of reading a file that may be missing. */
static void
check_read(struct check *c, const char *file, int result)
{
	const char *why = errno == EINVAL ? "no regular file" : strerror(errno);

	if (result < 0 && check_access(c, file))
		check_say(
		    c, CHECK_FAIL, "%s: %s; fix: mv %s/%s %s/%s.old", file, why, c->dir, file, c->dir, file);
}

/* The last thing that rcpt_resolve told. */
static void
keep_told(void *context, struct span what, const char *is, struct span whom)
{
	struct buf *wrong = context;

	buf_clear(wrong);
	buf_add_escaped(wrong, what);
	buf_printf(wrong, " %s%s", is, whom.n > 0 ? " " : "");
	buf_add_escaped(wrong, whom);
}

/* The entry with its continuation lines becomes a comment. */
static void
say_alias(struct check *c, int line, const char *wrong)
{
	check_say(c, CHECK_FAIL,
	    "aliases:%d: %s; fix: sed -i -e '%d{' -e ':a' -e 's/^/#/;n;/^[[:blank:]]/ba' -e '}' %s/aliases",
	    line, wrong, line, c->dir);
}

static void
check_alias(struct check *c, struct kept *aliases, const struct alias *alias)
{
	static const struct dsn_request nothing;
	static const struct peer nowhere;
	struct rcpt_list list = { .n = 0 };
	struct path path = { .local = alias->name, .whole = alias->name };
	struct buf wrong;

	buf_init(&wrong, WRONG);
	const struct rcpt_rules rules = { .config = c->config,
		.here = &nowhere,
		.root = c->root,
		.aliases = aliases,
		.trusted = true,
		.tell = keep_told,
		.context = &wrong };
	const struct reply reply = rcpt_resolve(&rules, &path, &nothing, &list);
	if (reply.code != 250) {
		buf_printf(&wrong, " (%s)", reply.text);
		say_alias(c, alias->line, buf_string(&wrong));
	}
	rcpt_list_cut(&list, 0);
	buf_free(&wrong);
}

void
check_aliases(struct check *c)
{
	struct kept aliases, again; /* what is looked up may be read afresh meanwhile */
	struct alias_reader reader;
	struct alias alias;
	const char *reason;
	int result, n = 0, failed = c->failed;

	kept_init(&aliases, ALIASES_TEXT);
	kept_init(&again, ALIASES_TEXT);
	check_mode(c, "aliases", CHECK_OK);
	check_read(c, "aliases", rcpt_refresh(&aliases, c->root));
	(void)kept_refresh(&again, c->root, "aliases"); /* so that what is malformed is not logged twice */
	reader = (struct alias_reader){ .rest = buf_span(&aliases.text) };
	for (; (result = alias_next(&reader, &alias, &reason)) != 0; n++)
		if (result > 0)
			check_alias(c, &again, &alias);
		else
			say_alias(c, alias.line, reason);
	if (c->failed == failed)
		check_say(c, CHECK_OK, "aliases: %d, each leads to somebody", n);
	kept_free(&again);
	kept_free(&aliases);
}

/* A domain, or "*". Another word would match nothing. */
static bool
is_routed(struct span word)
{
	struct buf address;
	struct path path;
	const char *reason;

	if (span_is(word, "*"))
		return true;
	buf_init(&address, SMTP_PATH);
	buf_add_string(&address, "x@");
	buf_add_span(&address, span_slice(word, 0, word.n - (word.at[word.n - 1] == '.')));
	bool good = !address.failed && path_parse_bare(buf_span(&address), &path, &reason) == 0;
	buf_free(&address);
	return good;
}

/* What is wrong with routes.auth has to do with those routes that it is for. */
static void
check_route(struct check *c, const struct kept *routes, int line, struct span domain)
{
	struct route route;
	struct buf reason;
	int result = -1;

	buf_init(&reason, WRONG);
	if (is_routed(domain))
		result = routes_find(c->root, routes, domain, &route, &reason);
	else
		buf_printf(&reason, "routes:%d: not a domain and host[:port]", line);
	wipe(&route, sizeof route);
	if (result < 0 && !check_say_line(c, buf_string(&reason)) && check_access(c, "routes.auth"))
		check_say(c, CHECK_FAIL, "%s; fix: chmod 600 %s/routes.auth", buf_string(&reason), c->dir);
	buf_free(&reason);
}

void
check_routes(struct check *c)
{
	struct kept routes;
	int n = 0, line = 0, failed = c->failed;

	kept_init(&routes, ROUTES_TEXT);
	check_mode(c, "routes", CHECK_OK);
	check_read(c, "routes", kept_refresh(&routes, c->root, "routes"));
	for (struct span rest = buf_span(&routes.text); rest.n > 0;) {
		struct span text = span_until(rest, '\n', &rest);
		struct span domain = span_word(&text);

		line++;
		if (domain.n == 0 || domain.at[0] == '#')
			continue;
		n++;
		check_route(c, &routes, line, domain);
	}
	if (c->failed == failed)
		check_say(c, CHECK_OK, "routes: %d", n);
	kept_free(&routes);
}

/* A folder, and how many of what is in it are good: a folder with a mailbox in users/, a file in queue/. */
struct folder {
	struct check *check;
	const char *name;
	int good;
};

static void
check_entry(const char *name, void *context)
{
	struct folder *folder = context;
	char path[PATH], mbox[PATH + 8];

	snprintf(path, sizeof path, "%s/%s", folder->name, name);
	snprintf(mbox, sizeof mbox, "%s/mbox", path);
	folder->good += check_access(folder->check, path) && check_access(folder->check, mbox);
}

/* It is there, or can be made. */
static bool
check_folder(struct check *c, const char *name)
{
	struct stat st;

	if (fstatat(c->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return check_access(c, ".");
	if (S_ISDIR(st.st_mode)) {
		check_mode(c, name, CHECK_OK);
		return check_access(c, name);
	}
	check_say(c, CHECK_FAIL, "%s: no folder; fix: mv %s/%s %s/%s.old; mkdir -m 700 %s/%s", name, c->dir,
	    name, c->dir, name, c->dir, name);
	return false;
}

void
check_users(struct check *c)
{
	struct folder users = { .check = c, .name = "users" };
	struct span rest, verifier;
	struct buf text;
	char name[ACCOUNT_NAME + 1];
	int failed = c->failed;

	if (!check_folder(c, users.name))
		return;
	(void)account_read(c->root, &text);
	for (rest = buf_span(&text); account_next(&rest, name, &verifier);)
		check_entry(name, &users);
	buf_free(&text);
	if (c->failed == failed)
		check_say(c, CHECK_OK, "users: %d mailboxes can be written", users.good);
}

void
check_queue(struct check *c)
{
	struct folder queue = { .check = c, .name = "queue" };
	int failed = c->failed;

	if (check_folder(c, queue.name))
		(void)queue_list(c->root, false, check_entry, &queue);
	if (c->failed == failed)
		check_say(c, CHECK_OK, "queue: can be written, %d messages wait", queue.good);
}
