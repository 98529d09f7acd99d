/*
 * fetch: takes the mail that was not fetched before to where it shall go, and deletes it from the server once it is safe.
 */
#ifndef FETCH_H
#define FETCH_H

#include "deliver.h"
#include "mails.h"
#include "seen.h"

struct fetch {
	struct deliver deliver;
	struct seen seen;
	struct mails mails;
	bool keep, quiet;
	bool outdated; /* seen has what is no more on the server */
	uint64_t fetched, refused, deleted;
	int refusal; /* the exit status of the first refusal */
	int exit;    /* that of what seen could not keep */
};

/*
 * Before the server is asked for anything: open DEST (NULL: ~/mbox) and the memory of the maildrop. 0, or an exit status after a line on
 * standard error. Free with fetch_close in every case.
 */
int fetch_open(struct fetch *, const struct client *, const char *dest, bool keep);
void fetch_close(struct fetch *);

/* After the login, up to and with QUIT. The exit status. */
int fetch_run(struct fetch *, struct pop3_client *);

#endif
