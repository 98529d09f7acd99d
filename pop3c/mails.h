/*
 * mails: what lies on the server, as LIST and UIDL say.
 */
#ifndef MAILS_H
#define MAILS_H

#include "pop3_client.h"

struct mail {
	uint64_t octets;  /* as the server claims */
	const char *uidl; /* NULL: it has none */
	uint32_t number;
	bool wanted;  /* mails_next is to ask for it */
	bool deleted; /* to be deleted at the end */
	bool known;   /* fetched before */
};

struct mails {
	struct mail *at; /* by number, ascending */
	size_t n;
	struct buf uidls;
};

/* LIST. Numbers that do not ascend are POP3_PROTOCOL. Free with mails_free, which takes a zeroed one, too. */
enum pop3_status mails_list(struct pop3_client *, struct mails *);
void mails_free(struct mails *);

/* UIDL. POP3_REFUSED: the server does not have it. A UIDL that is none (RFC 1939 7) counts as missing. */
enum pop3_status mails_uidl(struct pop3_client *, struct mails *);

/* The mail of that number, or NULL. */
struct mail *mails_find(const struct mails *, long long number);

/* A command for each mail from `next` up to `end` that is wanted. */
struct mails_query {
	struct pop3_client *client;
	const struct mails *mails;
	const char *verb, *argument; /* before and behind the number */
	size_t next, end, sent, ahead;
};
struct mails_query mails_query(struct pop3_client *, const struct mails *, const char *verb);

/*
 * Send the commands, ahead where the server allows. The mail whose answer comes next, for the caller to take; NULL: that was all. Verb and argument
 * may be changed while nothing is sent ahead.
 */
struct mail *mails_next(struct mails_query *);

/*
 * DELE of all that are marked deleted, then QUIT, which makes it so. *done: how many the server took; what it refused is named on standard error and no longer marked.
 */
enum pop3_status mails_delete(struct pop3_client *, const struct mails *, uint64_t *done);

#endif
