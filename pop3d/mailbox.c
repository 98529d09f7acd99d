/* `pop3d mailbox [check | repair] NAME...`: says what a mailbox is like, and has it repaired. */
#include "subcommand.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "checkup.h"
#include "exits.h"
#include "log.h"
#include "program.h"
#include "repair.h"

enum { LINE = 512, TEXT = 16 * 1024 * 1024 };

/* One mailbox of one run of the command. */
struct job {
	const char *path; /* of the mail root */
	int root;
	char name[ACCOUNT_NAME + 1];
	bool repairing; /* say what is done about it, too */

	/* What is found: all that is to be repaired is wrong. */
	size_t wrong, messages, torn, stale;
	size_t rewritten; /* messages by a mail reader */
	size_t dead;	  /* expunged, and not cut out yet */
	uint64_t unquoted;
	struct buf text; /* in words, a line each */
};

/* A line, which is nothing wrong. */
__attribute__((format(printf, 2, 3))) static void
say(struct job *job, const char *format, ...)
{
	char line[LINE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	buf_printf(&job->text, "%s: %s\n", job->name, line);
}

/* Something wrong, and what is done about it. part: where, or NULL. "message 3, UIDL x, byte 120: …" */
__attribute__((format(printf, 4, 5))) static void
wrong(struct job *job, const struct inspect_part *part, const char *done, const char *format, ...)
{
	char what[LINE], number[32] = "", uidl[64] = "", byte[32] = "";
	va_list arguments;

	job->wrong++;
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	if (part != NULL && part->number > 0)
		snprintf(number, sizeof(number), "message %zu, ", part->number);
	if (part != NULL && part->prefix.length > 0 && part->prefix.entry.uidl[0] != '\0')
		snprintf(uidl, sizeof(uidl), "UIDL %s, ", part->prefix.entry.uidl);
	if (part != NULL)
		snprintf(byte, sizeof(byte), "byte %lld: ", (long long)part->from);
	say(job, "%s%s%s%s%s%s", number, uidl, byte, what, job->repairing ? ": " : "",
	    job->repairing ? done : "");
}

static const char *
plural(unsigned long long n)
{
	return n == 1 ? "" : "s";
}

static void
add_kind(struct job *job, const struct inspect_part *part)
{
	const unsigned long long says = part->prefix.entry.stored,
				 size = (unsigned long long)(part->to - part->from),
				 mended = part->prefix.length + part->mend.stored;

	switch (part->kind) {
	case INSPECT_TORN:
		job->torn++;
		if (part->prefix.length > 0)
			wrong(job, part, "moved to mbox.torn", "torn: %llu bytes of %llu%s", size, says,
			    part->last ? "" : ", and messages behind it");
		else
			wrong(job, part, "moved to mbox.torn", "torn: %llu bytes", size);
		break;
	case INSPECT_STRAY:
		wrong(job, part, "moved to mbox.torn", "%llu byte%s that belong to no message", size,
		    plural(size));
		break;
	case INSPECT_HOLE:
		wrong(job, part, "removed", "%llu NUL%s", size, plural(size));
		break;
	case INSPECT_DAMAGED:
		if (mended == says)
			wrong(job, part, "kept, with a new sum", "damaged: its sum is wrong");
		else
			wrong(job, part, "kept, with its length put right",
			    "damaged: it has %llu bytes, and its entry line says %llu", mended, says);
		break;
	case INSPECT_REWRITTEN:
		job->rewritten++;
		break;
	case INSPECT_DEAD:
		job->dead++;
		if (part->mend.from.n > 0)
			wrong(job, part, "removed", "expunged, but for what follows an unquoted From line");
		break;
	case INSPECT_OURS:
	case INSPECT_FOREIGN:
	case INSPECT_BLANK:
		break;
	}
}

/* A part of the mailbox, as inspect and repair_mailbox give it. */
static int
add_part(void *context, const struct inspect_part *part)
{
	struct job *job = context;
	const struct mend *m = &part->mend;
	const struct {
		struct mend_count count;
		const char *what, *plural, *done;
	} lines[] = {
		{ m->from, "unquoted From line", "unquoted From lines", "quoted" },
		{ m->crlf, "line with CRLF", "lines with CRLF", "made LF" },
		{ m->nul, "NUL", "NULs", "removed" },
	};

	job->messages += part->number > 0;
	if (part->glued)
		wrong(job, part, "put in", "there is no empty line before it");
	add_kind(job, part);
	if (part->number == 0)
		return 0;
	if (part->restored)
		wrong(job, part, "put right", "one bit of its From or X-UIDL line is wrong");
	else if (part->prefix.changed && m->crlf.n == 0 && m->nul.n == 0)
		wrong(job, part, "removed", "a CR or a NUL in its From or X-UIDL line");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i].count.n > 0)
			wrong(job, part, lines[i].done, "%llu %s, at byte %llu",
			    (unsigned long long)lines[i].count.n,
			    lines[i].count.n == 1 ? lines[i].what : lines[i].plural,
			    (unsigned long long)part->from + part->prefix.raw + lines[i].count.first);
	job->unquoted += m->from.n;
	return 0;
}

/* Locks and redo file. */
static void
add_surroundings(struct job *job, const struct checkup *c)
{
	if (!c->locked)
		say(job, "another program has locked the mailbox; what is found may be its unfinished work");
	else if (c->dotlock == DOTLOCK_HELD)
		say(job, "mbox.lock is there: a program is at work, or one on another host");
	if (c->dotlock == DOTLOCK_STALE) {
		job->stale++;
		wrong(job, NULL, "removed", "stale lock: mbox.lock, whose owner is gone");
	}
	switch (c->redo) {
	case REDO_VALID:
		wrong(job, NULL, "finished", "%s",
		    job->repairing ? "mbox.redo: an expunge was not finished"
				   : "mbox.redo: an expunge is not finished; no message was looked at");
		break;
	case REDO_UNREADABLE:
		wrong(job, NULL, "left", "mbox.redo cannot be read");
		break;
	case REDO_VOID:
		say(job, "mbox.redo is void: whoever comes next removes it");
		break;
	case REDO_NONE:
		break;
	}
}

/* The line with the counts. */
static void
sum_up(struct job *job)
{
	if (job->rewritten > 0)
		say(job, "%zu message%s changed by a mail reader cannot be verified", job->rewritten,
		    plural(job->rewritten));
	if (job->dead > 0)
		say(job, "%zu expunged message%s not cut out yet", job->dead, plural(job->dead));
	say(job, "%zu message%s, %zu torn tail%s, %zu stale lock%s, %llu unquoted From line%s: %s",
	    job->messages, plural(job->messages), job->torn, plural(job->torn), job->stale,
	    plural(job->stale), (unsigned long long)job->unquoted, plural(job->unquoted),
	    job->wrong == 0 ? "all is well" : "not well");
}

/* -1: there is a mailbox. Else the exit status: a user who has got no mail yet may lack the file. */
static int
look(struct job *job, struct checkup *checkup)
{
	switch (checkup_open(checkup, job->root, job->name)) {
	case CHECKUP_OK:
		return -1;
	case CHECKUP_NONE:
		if (account_find(job->root, job->name, NULL) != ACCOUNT_OK)
			return complain(
			    EXITS_NO_INPUT, "there is no mailbox %s/users/%s", job->path, job->name);
		say(job, "no mail has come yet");
		return EXITS_DONE;
	case CHECKUP_NO_FILE:
		return complain(EXITS_REFUSED,
		    "%s/users/%s/mbox is %s, which is no mailbox; it is left as it is", job->path, job->name,
		    checkup->kind);
	case CHECKUP_FAILED:
		break;
	}
	return complain(
	    EXITS_NO_INPUT, "cannot read %s/users/%s/mbox: %s", job->path, job->name, strerror(errno));
}

static int
read_all(struct job *job, struct checkup *checkup)
{
	int index = 0;

	add_surroundings(job, checkup);
	if (checkup->redo == REDO_VALID)
		return EXITS_DONE;
	int result = inspect(checkup->maildrop.mbox, checkup->size, add_part, job);
	if (result == 0 && job->wrong == 0)
		index = checkup_index(&checkup->maildrop, checkup->size);
	if (result < 0 || index < 0)
		return complain(EXITS_CANNOT_WRITE, "cannot read %s/users/%s/mbox: %s", job->path, job->name,
		    strerror(errno));
	if (index > 0)
		wrong(job, NULL, "", "mbox.index does not say what stands in the mailbox");
	sum_up(job);
	return EXITS_DONE;
}

static int
check(struct job *job)
{
	struct checkup checkup;
	int status = look(job, &checkup);

	if (status < 0) {
		status = read_all(job, &checkup);
		if (status == EXITS_DONE && job->wrong > 0)
			status = checkup.locked ? EXITS_REFUSED : EXITS_LATER;
	}
	maildrop_close(&checkup.maildrop);
	return status;
}

/* What root makes in a user's folder must belong to whom the folder belongs to, or the daemons cannot use it. */
static int
become_owner(const struct checkup *checkup)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (fstat(checkup->maildrop.dir, &st) < 0 || setegid(st.st_gid) < 0)
		return -1;
	return seteuid(st.st_uid);
}

static int
failed(const struct job *job, enum maildrop_status status, struct buf *holder)
{
	if (status == MAILDROP_IN_USE)
		return complain(
		    EXITS_LATER, "%s: a session has the mailbox: %s", job->name, buf_string(holder));
	if (status == MAILDROP_FULL || status == MAILDROP_QUOTA || status == MAILDROP_TOO_BIG)
		return complain(EXITS_CANNOT_CREATE, "%s: %s; the mailbox is as it was", job->name,
		    maildrop_words(status));
	return complain(status == MAILDROP_BROKEN ? EXITS_REFUSED : EXITS_LATER, "%s: %s", job->name,
	    maildrop_words(status));
}

static int
put_right(struct job *job)
{
	struct repair repair = { .each = add_part, .context = job };
	struct buf holder;

	buf_init(&holder, 1024);
	enum maildrop_status status = repair_mailbox(job->root, job->name, &holder, &repair);
	int result = status == MAILDROP_OK ? EXITS_DONE : failed(job, status, &holder);
	buf_free(&holder);
	if (result != EXITS_DONE)
		return result;
	if (repair.index_dropped)
		wrong(job, NULL, "removed; the next login makes a new one",
		    "mbox.index did not say what stands in the mailbox");
	if (repair.rewritten)
		say(job, "repaired: %zu message%s; the original is in %s/users/%s/%s", repair.messages,
		    plural(repair.messages), job->path, job->name, repair.kept);
	else
		say(job, job->wrong == 0 ? "nothing to repair" : "repaired; the messages were in order");
	return EXITS_DONE;
}

static int
mend(struct job *job)
{
	struct checkup checkup;
	int status = look(job, &checkup);

	job->repairing = true;
	if (status < 0) {
		add_surroundings(job, &checkup);
		if (become_owner(&checkup) < 0)
			status = complain(EXITS_AUTH, "cannot become the owner of %s/users/%s: %s", job->path,
			    job->name, strerror(errno));
	}
	maildrop_close(&checkup.maildrop);
	if (status < 0)
		status = put_right(job);
	if (getuid() == 0 && (seteuid(0) < 0 || setegid(0) < 0))
		status = complain(EXITS_SYSTEM, "cannot become root again: %s", strerror(errno));
	return status;
}

/* Said only when it is over: whoever does not read it must not keep the mailbox locked. */
static int
print(struct job *job, int status)
{
	fwrite(buf_string(&job->text), 1, job->text.len, stdout);
	if (job->text.failed)
		printf("%s: and more\n", job->name);
	int result = printed("what was found");
	return status == EXITS_DONE ? result : status;
}

static bool
is_name(const char *word, char name[ACCOUNT_NAME + 1])
{
	return account_name(span_of(word), name) && strlen(name) == strlen(word);
}

/* All the names; the worst counts, where something wrong is worse than what could not be looked at. */
static int
run(const char *path, int (*command)(struct job *), int count, char **names)
{
	char name[ACCOUNT_NAME + 1];
	int worst = EXITS_DONE;

	for (int i = 0; i < count; i++)
		if (!is_name(names[i], name))
			return complain(EXITS_USAGE,
			    "%s: not a user's name: 1 to %d of a-z 0-9 . _ -, not starting with . or -",
			    names[i], ACCOUNT_NAME);
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return complain(EXITS_NO_INPUT, "cannot open %s: %s", path, strerror(errno));
	log_open("pop3d", false);
	for (int i = 0; i < count; i++) {
		struct job job = { .path = path, .root = root };
		is_name(names[i], job.name);
		buf_init(&job.text, TEXT);
		int status = print(&job, command(&job));
		buf_free(&job.text);
		if (worst == EXITS_DONE || status == EXITS_REFUSED)
			worst = status;
	}
	close(root);
	return worst;
}

int
mailbox_command(const char *root, int argc, char **argv)
{
	int (*command)(struct job *) = check;

	if (argc > 0 && strcmp(argv[0], "repair") == 0)
		command = mend;
	if (argc > 0 && (command == mend || strcmp(argv[0], "check") == 0)) {
		argc--;
		argv++;
	}
	if (argc == 0)
		return complain(EXITS_USAGE, "mailbox takes check or repair, and names of users");
	return run(root, command, argc, argv);
}
