/*
 * account: the file `accounts` of a mail root, `user:credential` a line, mode 0600. Lines that name no user (comments) are passed over,
 * LF or CRLF ends them. Beside it: accounts.lock, which who changes it locks, and accounts.secret, random bytes that decoys are made of.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "config.h"
#include "sasl.h"

enum { ACCOUNT_TEXT = 256 << 20 }; /* the file's bytes at most: two million users */

enum account_status {
	ACCOUNT_OK,
	ACCOUNT_NONE, /* no such user */
	ACCOUNT_EXISTS,
	ACCOUNT_BAD_NAME,
	ACCOUNT_BAD_PASSWORD, /* empty, too long, or with a NUL, CR or LF */
	ACCOUNT_FAILED	      /* errno */
};

/*
 * The text of the file, read afresh; free it, which wipes it, in every case. root: a descriptor of the mail root. 0, or -1 with errno: EPERM
 * where others may write to it, ELOOP or EINVAL where it is no regular file. That others may read it is the administrator's choice.
 */
int account_read(int root, struct buf *text);

/* The next user of the text, in lower case, and what stands behind the colon. False: there is none left. */
bool account_next(struct span *text, char name[ACCOUNT_NAME + 1], struct span *credential);

/*
 * A user's credential (NULL: is there such a user?). A malformed one is ACCOUNT_FAILED with EINVAL, and no file at all ENOENT: who is
 * unknown then cannot be told, so mail must wait. A {PLAIN} credential has no salt yet.
 */
enum account_status account_find(int root, const char *name, struct credential *);

/* The first account of the file, who gets postmaster's mail where nobody else does. */
enum account_status account_first(int root, char name[ACCOUNT_NAME + 1]);

/*
 * As struct exchange_accounts wants them. The login may be a whole address, if its domain is local. The credential is a decoy for a user
 * that does not exist, so that nothing tells them apart; failures are logged. (Until accounts.secret is made by the first change, salts of
 * decoys and {PLAIN} users change with the file.)
 */
int account_random(void *context, uint8_t *nonce);
int account_login(int root, const struct config *, struct span login, char *user, struct credential *);

/* What accounts.secret holds. -1: there is none. */
int account_secret(int root, uint8_t secret[SHA256_SIZE]);

/* Is there a {PLAIN} account, so that APOP can be offered? */
bool account_any_plain(int root);

/*
 * Change the file: under a lock, atomically, durably (file and directory synced); where it fails, it is as it was. Adding first makes
 * users/NAME with an empty mbox, or keeps what is there; removing leaves the mail. The name without a "+tag", in any case.
 */
enum account_change { ACCOUNT_ADD, ACCOUNT_PASSWD, ACCOUNT_REMOVE };
enum account_status account_change(int root, enum account_change, const char *name, struct span password);

#endif
