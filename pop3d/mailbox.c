#include "mailbox.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "checkup.h"
#include "exits.h"
#include "findings.h"
#include "log.h"
#include "program.h"
#include "repair.h"

/* One mailbox of one run of the command. */
struct job {
	const char *path; /* of the mail root */
	int root;
	char name[ACCOUNT_NAME + 1];
	struct findings findings;
};

/* A user who has got no mail yet may lack the file. */
static int
report_missing(struct job *job)
{
	if (account_find(job->root, job->name, NULL) != ACCOUNT_OK)
		return complain(EXITS_NO_INPUT, "there is no mailbox %s/users/%s", job->path, job->name);
	findings_say(&job->findings, "no mail has come yet");
	return EXITS_DONE;
}

/* EXITS_DONE: there is a mailbox. */
static int
look(struct job *job, struct checkup *checkup, bool *missing)
{
	*missing = false;
	switch (checkup_open(checkup, job->root, job->name)) {
	case CHECKUP_OK:
		return EXITS_DONE;
	case CHECKUP_NO_FOLDER:
	case CHECKUP_NO_MBOX:
		*missing = true;
		return report_missing(job);
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
	enum checkup_index index = CHECKUP_INDEX_NONE;

	findings_surroundings(&job->findings, checkup);
	if (checkup->redo == REDO_VALID)
		return EXITS_DONE;
	int result = inspect(checkup->maildrop.mbox, checkup->size, findings_add, &job->findings);
	if (result == 0 && job->findings.wrong == 0)
		result = checkup_index(&checkup->maildrop, checkup->size, &index);
	if (result < 0)
		return complain(EXITS_CANNOT_WRITE, "cannot read %s/users/%s/mbox: %s", job->path, job->name,
		    strerror(errno));
	if (index == CHECKUP_INDEX_WRONG)
		findings_wrong(&job->findings, "mbox.index does not say what stands in the mailbox",
		    "removed; the next login makes a new one");
	findings_sum_up(&job->findings);
	return EXITS_DONE;
}

static int
check(struct job *job)
{
	struct checkup checkup;
	bool missing;
	int status = look(job, &checkup, &missing);

	if (status == EXITS_DONE && !missing) {
		status = read_all(job, &checkup);
		if (status == EXITS_DONE && job->findings.wrong > 0)
			status = checkup.locked ? EXITS_REFUSED : EXITS_LATER;
	}
	checkup_close(&checkup);
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
become_root_again(void)
{
	return getuid() == 0 && (seteuid(0) < 0 || setegid(0) < 0) ? -1 : 0;
}

static int
failed(const struct job *job, enum maildrop_status status, struct buf *holder)
{
	switch (status) {
	case MAILDROP_IN_USE:
		return complain(
		    EXITS_LATER, "%s: a session has the mailbox: %s", job->name, buf_string(holder));
	case MAILDROP_FULL:
	case MAILDROP_QUOTA:
	case MAILDROP_TOO_BIG:
		return complain(EXITS_CANNOT_CREATE, "%s: %s; the mailbox is as it was", job->name,
		    maildrop_words(status));
	case MAILDROP_BROKEN:
		return complain(EXITS_REFUSED, "%s: %s", job->name, maildrop_words(status));
	case MAILDROP_OK:
	case MAILDROP_TEMP:
	case MAILDROP_CHANGED:
		break;
	}
	return complain(EXITS_LATER, "%s: %s", job->name, maildrop_words(status));
}

static int
put_right(struct job *job)
{
	struct repair repair = { .each = findings_add, .context = &job->findings };
	struct buf holder;

	buf_init(&holder, 1024);
	enum maildrop_status status = repair_mailbox(job->root, job->name, &holder, &repair);
	int result = status == MAILDROP_OK ? EXITS_DONE : failed(job, status, &holder);
	buf_free(&holder);
	if (result != EXITS_DONE)
		return result;
	if (repair.index_dropped)
		findings_wrong(&job->findings, "mbox.index did not say what stands in the mailbox",
		    "removed; the next login makes a new one");
	if (repair.rewritten)
		findings_say(&job->findings, "repaired: %zu message%s; the original is in %s/users/%s/%s",
		    repair.messages, repair.messages == 1 ? "" : "s", job->path, job->name, repair.kept);
	else
		findings_say(&job->findings,
		    job->findings.wrong == 0 ? "nothing to repair" : "repaired; the messages were in order");
	return EXITS_DONE;
}

static int
mend(struct job *job)
{
	struct checkup checkup;
	bool missing;
	int status = look(job, &checkup, &missing);

	job->findings.repairing = true;
	if (status == EXITS_DONE && !missing) {
		findings_surroundings(&job->findings, &checkup);
		if (become_owner(&checkup) < 0)
			status = complain(EXITS_AUTH, "cannot become the owner of %s/users/%s: %s", job->path,
			    job->name, strerror(errno));
	}
	checkup_close(&checkup);
	if (status == EXITS_DONE && !missing)
		status = put_right(job);
	if (become_root_again() < 0)
		status = complain(EXITS_SYSTEM, "cannot become root again: %s", strerror(errno));
	return status;
}

/* All the names; the worst counts, where something wrong is worse than what could not be looked at. */
static int
run(const char *path, int (*command)(struct job *), int count, char **names)
{
	struct job job = { .path = path };
	int worst = EXITS_DONE;

	for (int i = 0; i < count; i++)
		if (!account_name(span_of(names[i]), job.name) || strlen(job.name) != strlen(names[i]))
			return complain(EXITS_USAGE,
			    "%s: not a user's name: 1 to %d of a-z 0-9 . _ -, not starting with . or -",
			    names[i], ACCOUNT_NAME);
	job.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job.root < 0)
		return complain(EXITS_NO_INPUT, "cannot open %s: %s", path, strerror(errno));
	log_open("pop3d", false);
	for (int i = 0; i < count; i++) {
		account_name(span_of(names[i]), job.name);
		findings_init(&job.findings, job.name);
		int status = command(&job);
		/* Said only now: whoever does not read it must not keep the mailbox locked. */
		if (findings_print(&job.findings, stdout) < 0 && status == EXITS_DONE)
			status =
			    complain(EXITS_CANNOT_WRITE, "cannot write what was found: %s", strerror(errno));
		findings_free(&job.findings);
		if (worst == EXITS_DONE || status == EXITS_REFUSED)
			worst = status;
	}
	close(job.root);
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
