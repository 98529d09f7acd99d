/*
 * routes: where the postmaster wants mail to go, whatever the DNS says: the files `routes` and `routes.auth` of a mail root, read afresh
 * each time.
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

#include "buf.h"
#include "net.h"

enum {
	ROUTES_TEXT = 1024 * 1024,
	ROUTES_WORD = 256
}; /* bytes of a file; of a user or password with its NUL */

struct route {
	struct server_name server;
	bool login; /* user and password are to be used; wipe them */
	char user[ROUTES_WORD], password[ROUTES_WORD];
};

/* 1: there is one; 0: there is none; -1: a file cannot be read, or its line is malformed: a sentence is in reason. */
int routes_find(int root, struct span domain, struct route *, struct buf *reason);

/* Its login, where the server is known. 0, or -1 likewise. */
int routes_find_login(int root, struct route *, struct buf *reason);

/* The server of a domain in the text of `routes`. The number of the line; 0: there is none; less than 0: the one of that number is malformed. */
int routes_server(struct span text, struct span domain, struct server_name *);

/* The line of a domain in the text of `routes`: the number of the line, and what stands behind the domain; 0: none. */
int routes_line(struct span text, struct span domain, struct span *server);

/* The same in that of `routes.auth`. */
int routes_login(struct span text, const struct server_name *, struct span *user, struct span *password);

#endif
