/*
 * mails: what lies on the server, as LIST and UIDL say.
 */
#ifndef MAILS_H
#define MAILS_H

#include "pop3_client.h"

struct mail {
	uint64_t octets; /* as the server claims */
	size_t uidl;	 /* where in the pool; 0: it has none */
	uint32_t number;
	bool deleted; /* to be deleted at the end */
	bool known;   /* fetched before */
};

struct mails {
	struct mail *at; /* by number, ascending */
	size_t n, room;
	struct buf pool;
};

void mails_init(struct mails *);
void mails_free(struct mails *);

/* LIST. Numbers that do not ascend are POP3_PROTOCOL. */
enum pop3_status mails_list(struct pop3_client *, struct mails *);

/* UIDL. POP3_REFUSED: the server does not have it. A UIDL that is none (RFC 1939 7) counts as missing. */
enum pop3_status mails_uidl(struct pop3_client *, struct mails *);

/* The mail of that number, or NULL. */
struct mail *mails_find(const struct mails *, uint64_t number);

/* Its UIDL; "" for none. */
const char *mail_uidl(const struct mails *, const struct mail *);

uint64_t mails_octets(const struct mails *);

/*
 * Take in the header of each mail, in order, by TOP (pipelined where the server allows), and call each. A header longer than SHOW_HEADER is
 * cut; one that the server refuses is empty. -1 of each ends it with POP3_SINK.
 */
typedef int mails_each(void *context, const struct mail *, struct span header);
enum pop3_status mails_headers(struct pop3_client *, const struct mails *, mails_each *, void *context);

/*
 * DELE of all that are marked deleted. *done: how many the server took; what it refused is named on standard error and no longer marked.
 */
enum pop3_status mails_delete(struct pop3_client *, struct mails *, uint64_t *done);

/* How many commands may be under way. */
size_t mails_window(const struct pop3_client *);

#endif
