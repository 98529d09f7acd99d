#include "user.h"

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

/* One run of the command. */
struct job {
	const char *path; /* of the mail root */
	int root;	  /* -1 where it is missing */
	char name[ACCOUNT_NAME + 1];
};

static int
fail_to_read(const struct job *job)
{
	return complain(EXITS_NO_INPUT, "cannot read %s/accounts: %s", job->path,
	    errno == EPERM ? "others may write to it; chmod 600 it" : strerror(errno));
}

/* What a change said. */
static int
outcome(const struct job *job, enum account_status status)
{
	switch (status) {
	case ACCOUNT_OK:
		return EXITS_DONE;
	case ACCOUNT_NONE:
		return complain(EXITS_REFUSED, "there is no user %s", job->name);
	case ACCOUNT_EXISTS:
		return complain(
		    EXITS_REFUSED, "there is a user %s already; passwd changes the password", job->name);
	case ACCOUNT_BAD_NAME:
		return complain(EXITS_USAGE, "%s: not a user's name", job->name);
	case ACCOUNT_BAD_PASSWORD:
		return complain(EXITS_REFUSED, "a password has 1 to %d bytes, none of them NUL or CR",
		    CREDENTIAL_PASSWORD);
	case ACCOUNT_FAILED:
		break;
	}
	return complain(EXITS_CANNOT_CREATE, "cannot change %s/accounts: %s", job->path, strerror(errno));
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

/* The mail root, made and its entry synced. Its parent must be there: a mistyped path makes no tree. */
static int
make_root(struct job *job)
{
	if (job->root >= 0)
		return EXITS_DONE;
	if (mkdir(job->path, 0700) == 0 || errno == EEXIST)
		job->root = open(job->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job->root < 0 || io_sync_directory(job->root, "..") < 0)
		return complain(EXITS_CANNOT_CREATE, "cannot make %s: %s", job->path, strerror(errno));
	return EXITS_DONE;
}

/* Ask for a password and set it. */
static int
set(struct job *job, enum account_status (*change)(int, const char *, struct span))
{
	struct buf password;

	buf_init(&password, CREDENTIAL_PASSWORD);
	int status = ask_twice(&password);
	if (status == EXITS_DONE && !credential_password_valid(buf_span(&password)))
		status = outcome(job, ACCOUNT_BAD_PASSWORD);
	if (status == EXITS_DONE)
		status = make_root(job);
	if (status == EXITS_DONE)
		status = outcome(job, change(job->root, job->name, buf_span(&password)));
	buf_free(&password);
	return status;
}

/* Whether there is such a user, said before anybody types a password. */
static enum account_status
look(const struct job *job)
{
	enum account_status status = job->root < 0 ? ACCOUNT_NONE : account_exists(job->root, job->name);

	return status == ACCOUNT_FAILED && errno == ENOENT ? ACCOUNT_NONE : status;
}

static int
add(struct job *job)
{
	char mbox[sizeof "users//mbox" + ACCOUNT_NAME];
	struct stat st;
	enum account_status status = look(job);

	if (status == ACCOUNT_FAILED)
		return fail_to_read(job);
	if (status == ACCOUNT_OK)
		return outcome(job, ACCOUNT_EXISTS);
	snprintf(mbox, sizeof mbox, "users/%s/mbox", job->name);
	bool mail =
	    job->root >= 0 && fstatat(job->root, mbox, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0;
	int result = set(job, account_add);
	if (result == EXITS_DONE && mail)
		fprintf(stderr, "pop3d: %s has the mail that was in %s/%s\n", job->name, job->path, mbox);
	return result;
}

static int
passwd(struct job *job)
{
	enum account_status status = look(job);

	if (status == ACCOUNT_FAILED)
		return fail_to_read(job);
	return status == ACCOUNT_OK ? set(job, account_passwd) : outcome(job, status);
}

static int
take_out(struct job *job)
{
	enum account_status status = look(job);

	if (status == ACCOUNT_FAILED)
		return fail_to_read(job);
	if (status == ACCOUNT_OK)
		status = account_remove(job->root, job->name);
	if (status == ACCOUNT_OK)
		fprintf(stderr, "pop3d: removed %s; the mail is still in %s/users/%s\n", job->name, job->path,
		    job->name);
	return outcome(job, status);
}

static void
print(const char *name, void *context)
{
	fprintf(context, "%s\n", name);
}

static int
list(struct job *job)
{
	if (account_list(job->root, print, stdout) != ACCOUNT_OK && errno != ENOENT)
		return fail_to_read(job);
	return printed("the list");
}

static const struct command {
	const char *word;
	int names;	 /* operands */
	bool makes_root; /* needs none that is there */
	int (*run)(struct job *);
} commands[] = {
	{ "list", 0, false, list },
	{ "add", 1, true, add },
	{ "passwd", 1, false, passwd },
	{ "remove", 1, false, take_out },
};

static int
run(const struct command *command, const char *path, const char *name)
{
	struct job job = { .path = path };

	if (name != NULL && (!account_name(span_of(name), job.name) || strlen(job.name) != strlen(name)))
		return complain(EXITS_USAGE,
		    "%s: not a user's name: 1 to %d of a-z 0-9 . _ -, not starting with . or -", name,
		    ACCOUNT_NAME);
	job.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job.root < 0 && (errno != ENOENT || !command->makes_root))
		return complain(EXITS_NO_INPUT, "cannot open %s: %s", path, strerror(errno));
	int status = command->run(&job);
	io_close(job.root);
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
