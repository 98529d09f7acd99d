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
	bool wanted;  /* mails_ask is to ask for it */
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

/*
 * A command for each mail that is wanted, sent ahead where the server allows; answer takes what comes, from its first line on, and ends it with
 * anything but POP3_OK. It may change verb and argument while nothing is sent ahead.
 */
struct mails_query {
	const char *verb, *argument; /* before and behind the number */
	enum pop3_status (*answer)(struct mails_query *, struct pop3_client *, struct mail *);
	void *context;
};
enum pop3_status
mails_ask(struct pop3_client *, const struct mails *, size_t from, size_t to, struct mails_query *);

/*
 * Take in the header of each mail, in order, by TOP (pipelined where the server allows), and call each. A header longer than SHOW_HEADER is
 * cut; one that the server refuses is empty. -1 of each ends it with POP3_SINK.
 */
typedef int mails_each(void *context, const struct mail *, struct span header);
enum pop3_status mails_headers(struct pop3_client *, const struct mails *, mails_each *, void *context);

/*
 * DELE of all that are marked deleted, then QUIT, which makes it so. *done: how many the server took; what it refused is named on standard error and no longer marked.
 */
enum pop3_status mails_delete(struct pop3_client *, const struct mails *, uint64_t *done);

#endif
