#include "checks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "io.h"
#include "program.h"

enum { WORD = 16 * 1024 };

static const struct {
	void (*run)(struct check *);
	bool needs_root; /* the mail root must be there */
} checks[] = {
	{ check_config, false },
	{ check_hostname, false },
	{ check_ports, false },
	{ check_user, false },
	{ check_root, true },
	{ check_disk, true },
	{ check_locks, true },
	{ check_accounts, true },
	{ check_aliases, true },
	{ check_routes, true },
	{ check_users, true },
	{ check_queue, true },
	{ check_resolver, false },
};

/* Within quotes, where there is anything in it that means something to sh. */
static void
add_word(const char *word, struct buf *out)
{
	bool plain = *word != '\0' && *word != '-';

	for (const char *at = word; *at != '\0'; at++)
		plain = plain && (ascii_is_alnum(*at) || strchr("/._-+", *at) != NULL);
	if (!plain)
		buf_add_char(out, '\'');
	for (; *word != '\0'; word++)
		if (*word == '\'')
			buf_add_string(out, "'\\''");
		else
			buf_add_char(out, *word);
	if (!plain)
		buf_add_char(out, '\'');
}

static void
open_root(struct check *c)
{
	const char *root = c->config->root, *dir = c->dir;

	c->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->root >= 0)
		return;
	if (errno == ENOENT)
		check_say(
		    c, CHECK_FAIL, "mail root %s: %s; fix: mkdir -m 700 %s", root, strerror(errno), dir);
	else if (errno == ENOTDIR)
		check_say(c, CHECK_FAIL, "mail root %s: %s; fix: mv %s %s.old; mkdir -m 700 %s", root,
		    strerror(errno), dir, dir, dir);
	else
		check_say(c, CHECK_FAIL, "mail root %s: %s; fix: chown -R %ld %s", root, strerror(errno),
		    (long)geteuid(), dir);
}

int
check_run(const struct daemon *daemon, const struct server *server)
{
	struct check c = { .daemon = daemon, .config = &daemon->config, .server = server };
	struct buf dir;

	buf_init(&dir, WORD);
	add_word(daemon->config.root, &dir);
	c.dir = buf_string(&dir);
	open_root(&c);
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		if (c.root >= 0 || !checks[i].needs_root)
			checks[i].run(&c);
	io_close(c.root);
	buf_free(&dir);
	int output = printed("the findings");
	return output != EXITS_DONE ? output : c.failed > 0 ? EXITS_CONFIG : EXITS_DONE;
}
