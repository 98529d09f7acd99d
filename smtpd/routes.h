/*
 * routes: where the postmaster wants mail to go, whatever the DNS says: the files `routes` and `routes.auth` of a mail root; and by that, what the
 * runner sorts recipients by.
 *
 *	# routes: domain host[:port]; the first line of a domain counts, * is every other
 *	example.net	mail.example.net:2525
 *	*		smarthost.example.org:587
 *
 *	# routes.auth: host[:port] user password; nobody else may read it
 *	smarthost.example.org:587 anna apple pie
 */
#ifndef ROUTES_H
#define ROUTES_H

#include "bounds.h"
#include "config.h"
#include "kept.h"
#include "net.h"
#include "queue_message.h"

enum {
	ROUTES_TEXT = 1024 * 1024,			    /* bytes of a file */
	ROUTES_WORD = 256,				    /* of a user or password with its NUL */
	ROUTES_DESTINATION = sizeof(struct server_name) + 3 /* of a destination with its NUL */
};

struct route {
	struct server_name server;
	bool login; /* user and password are to be used; wipe them */
	char user[ROUTES_WORD], password[ROUTES_WORD];
};

/*
 * By `routes` as it was last refreshed, and routes.auth as it is. 1: there is one; 0: there is none; -1: a file cannot be read, or its line is
 * malformed: a sentence is in reason.
 */
int routes_find(int root, const struct kept *routes, struct span domain, struct route *, struct buf *reason);

/* The line of a domain in the text of `routes`: the number of the line, and what stands behind the domain; 0: none. */
int routes_line(struct span text, struct span domain, struct span *server);

/* The same in that of `routes.auth`. */
int routes_login(struct span text, const struct server_name *, struct span *user, struct span *password);

/* A recipient's domain in lower case, or "" for a mailbox here. */
void routes_domain(const struct config *, const struct queue_recipient *, char domain[SMTP_DOMAIN + 1]);

/*
 * Where it goes: "host:port" where `routes` has a server for its domain, else the domain. (A line that is malformed is for routes_find to tell.) And
 * a server as it stands there.
 */
void routes_destination(const struct config *, const struct kept *routes, const struct queue_recipient *,
    char destination[ROUTES_DESTINATION]);
void routes_write(const struct server_name *, char destination[ROUTES_DESTINATION]);

#endif
