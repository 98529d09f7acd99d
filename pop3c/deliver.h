/*
 * deliver: where fetched mail goes: an mbox file, a Maildir, a command, standard output. A message is put whole or not at all, and is safe
 * only after deliver_commit.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include <sys/types.h>

#include "scratch.h"

enum delivered {
	DELIVERED,
	DELIVERED_NOT, /* this one was not taken; others may be */
	DELIVER_BROKEN /* nothing more can be put there */
};

struct deliver {
	const struct deliver_kind *kind;
	const char *name; /* DEST, as given */
	char path[4096];  /* of the file or folder */
	int exit;	  /* the exit status of what went wrong, else 0 */
	int dir, file;	  /* mbox: its folder, itself; Maildir: tmp, new */
	const char *base; /* what was last in path, once deliver_folder has taken it apart */
	off_t batch,
	    end;    /* mbox: where what is not committed begins (-1: others wrote in between) and ends */
	bool fresh; /* mbox: its folder is to be synced, too */
};

struct deliver_kind {
	bool at_once;				  /* put is the whole of it: commit after each */
	enum delivered (*open)(struct deliver *); /* NULL, as commit: there is nothing to do */
	enum delivered (*put)(struct deliver *, struct span message);
	enum delivered (*commit)(struct deliver *);
};

extern const struct deliver_kind deliver_mbox, deliver_maildir, deliver_command, deliver_stdout;

/*
 * A message is CRLF lines. All of these: what goes wrong is said on standard error, and its exit status is in `exit`. dest: as in interface.md; NULL is ~/mbox. Free
 * with deliver_close in every case.
 */
enum delivered deliver_open(struct deliver *, const char *dest);
enum delivered deliver_put(struct deliver *, struct scratch *);
enum delivered deliver_commit(struct deliver *);
void deliver_close(struct deliver *);

/* For the kinds. The folder that path lies in, open, or -1 with errno; base is its name there. */
int deliver_folder(struct deliver *);

/* A line on standard error: DEST and what went wrong (errno's words where it is NULL). DELIVER_BROKEN. */
enum delivered deliver_fail(struct deliver *, int exit, const char *what);

/* As it stands in an mbox, with its From_ line, quoted; or with LF line ends and no more. */
enum deliver_form { DELIVER_MBOX, DELIVER_LF };

/* Write a message. 0, or -1 with errno. */
int deliver_write(int fd, struct span message, enum deliver_form);

#endif
