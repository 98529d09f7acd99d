/* `pop3d user [list | add NAME | passwd NAME | remove NAME]`: changes the file `accounts`. */
#include "subcommand.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "exits.h"
#include "io.h"
#include "program.h"
#include "terminal.h"

static const struct command {
	const char *word;
	int names; /* operands */
	enum account_change change;
} commands[] = {
	{ "list", 0, ACCOUNT_ADD },
	{ "add", 1, ACCOUNT_ADD },
	{ "passwd", 1, ACCOUNT_PASSWD },
	{ "remove", 1, ACCOUNT_REMOVE },
};

static int
fail_to_read(const char *path)
{
	return complain(EXITS_NO_INPUT, "cannot read %s/accounts: %s", path,
	    errno == EPERM ? "others may write to it; chmod 600 it" : strerror(errno));
}

/* What a change said. */
static int
outcome(const char *path, const char *name, enum account_status status)
{
	switch (status) {
	case ACCOUNT_OK:
		return EXITS_DONE;
	case ACCOUNT_NONE:
		return complain(EXITS_REFUSED, "there is no user %s", name);
	case ACCOUNT_EXISTS:
		return complain(
		    EXITS_REFUSED, "there is a user %s already; passwd changes the password", name);
	case ACCOUNT_BAD_NAME:
		return complain(EXITS_USAGE,
		    "%s: not a user's name: 1 to %d of a-z 0-9 . _ -, not starting with . or -", name,
		    ACCOUNT_NAME);
	case ACCOUNT_BAD_PASSWORD:
		return complain(EXITS_REFUSED, "a password has 1 to %d bytes, none of them NUL or CR",
		    CREDENTIAL_PASSWORD);
	case ACCOUNT_FAILED:
		break;
	}
	return complain(EXITS_CANNOT_CREATE, "cannot change %s/accounts: %s", path, strerror(errno));
}

static int
ask(const char *prompt, struct buf *password)
{
	if (terminal_secret(STDIN_FILENO, prompt, password) == 0)
		return EXITS_DONE;
	if (errno == EMSGSIZE)
		return complain(EXITS_REFUSED, "a password has at most %d bytes", CREDENTIAL_PASSWORD);
	if (errno == 0)
		return complain(EXITS_REFUSED, "no password on standard input");
	return complain(EXITS_NO_INPUT, "cannot read the password: %s", strerror(errno));
}

static int
ask_twice(struct buf *password)
{
	struct buf again;
	int status = ask("Password: ", password);

	if (status != EXITS_DONE || !isatty(STDIN_FILENO))
		return status;
	buf_init(&again, password->max);
	status = ask("The same again: ", &again);
	if (status == EXITS_DONE &&
	    (again.len != password->len || !hash_equal(again.data, password->data, again.len)))
		status = complain(EXITS_REFUSED, "the two passwords are not the same; nothing was changed");
	buf_free(&again);
	return status;
}

/* The mail root, made and its entry synced. Its parent must be there: a mistyped path makes no tree. Its descriptor, or -1. */
static int
make_root(const char *path)
{
	int root =
	    mkdir(path, 0700) == 0 || errno == EEXIST ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (root < 0 || io_sync_directory(root, "..") < 0) {
		complain(EXITS_CANNOT_CREATE, "cannot make %s: %s", path, strerror(errno));
		io_close(root);
		return -1;
	}
	return root;
}

/* root: -1 where it is still to be made. What stands in the way is said before anybody types a password. */
static int
change(const char *path, int *root, enum account_change what, const char *name)
{
	enum account_status status = *root < 0 ? ACCOUNT_NONE : account_find(*root, name, NULL);
	struct buf password;

	if (status == ACCOUNT_FAILED && errno != ENOENT)
		return fail_to_read(path);
	if ((status == ACCOUNT_OK) != (what != ACCOUNT_ADD))
		return outcome(path, name, status == ACCOUNT_OK ? ACCOUNT_EXISTS : ACCOUNT_NONE);
	buf_init(&password, CREDENTIAL_PASSWORD);
	int result = what == ACCOUNT_REMOVE ? EXITS_DONE : ask_twice(&password);
	if (result == EXITS_DONE && what != ACCOUNT_REMOVE && !credential_password_valid(buf_span(&password)))
		result = outcome(path, name, ACCOUNT_BAD_PASSWORD);
	if (result == EXITS_DONE && *root < 0 && (*root = make_root(path)) < 0)
		result = EXITS_CANNOT_CREATE;
	if (result == EXITS_DONE)
		result = outcome(path, name, account_change(*root, what, name, buf_span(&password)));
	buf_free(&password);
	return result;
}

static int
list(const char *path, int root)
{
	char name[ACCOUNT_NAME + 1];
	struct span rest, credential;
	struct buf text;

	if (account_read(root, &text) < 0 && errno != ENOENT) {
		int status = fail_to_read(path);
		buf_free(&text);
		return status;
	}
	for (rest = buf_span(&text); account_next(&rest, name, &credential);)
		puts(name);
	buf_free(&text);
	return printed("the list");
}

static int
run(const struct command *command, const char *path, const char *operand)
{
	char name[ACCOUNT_NAME + 1], mbox[sizeof "users//mbox" + ACCOUNT_NAME];
	struct stat st;

	if (operand != NULL && (!account_name(span_of(operand), name) || strlen(name) != strlen(operand)))
		return outcome(path, operand, ACCOUNT_BAD_NAME);
	bool adds = operand != NULL && command->change == ACCOUNT_ADD;
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 && (errno != ENOENT || !adds))
		return complain(EXITS_NO_INPUT, "cannot open %s: %s", path, strerror(errno));
	if (operand == NULL) {
		int status = list(path, root);
		close(root);
		return status;
	}
	snprintf(mbox, sizeof mbox, "users/%s/mbox", name);
	bool mail = root >= 0 && fstatat(root, mbox, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0;
	int status = change(path, &root, command->change, name);
	if (status == EXITS_DONE && adds && mail)
		fprintf(stderr, "pop3d: %s has the mail that was in %s/%s\n", name, path, mbox);
	if (status == EXITS_DONE && command->change == ACCOUNT_REMOVE)
		fprintf(stderr, "pop3d: removed %s; the mail is still in %s/users/%s\n", name, path, name);
	io_close(root);
	return status;
}

int
user_command(const char *root, int argc, char **argv)
{
	const char *word = argc > 0 ? argv[0] : "list";

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *command = &commands[i];

		if (strcmp(word, command->word) != 0)
			continue;
		if (argc > 1 + command->names || (command->names == 1 && argc < 2))
			return complain(EXITS_USAGE, "user %s takes %s", word,
			    command->names == 0 ? "no name" : "one name");
		return run(command, root, argc > 1 ? argv[1] : NULL);
	}
	return complain(EXITS_USAGE, "user %s: not one of list, add NAME, passwd NAME, remove NAME", word);
}
