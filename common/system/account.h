/*
 * account: the file `accounts` of a mail root, `user:credential` a line, mode 0600. Lines that name no user (comments) are passed over,
 * LF or CRLF ends them. Beside it: accounts.lock, which who changes it locks, and accounts.secret, random bytes that decoys are made of.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "account_name.h"
#include "credential.h"

enum account_status {
	ACCOUNT_OK,
	ACCOUNT_NONE, /* no such user */
	ACCOUNT_EXISTS,
	ACCOUNT_BAD_NAME,
	ACCOUNT_BAD_PASSWORD, /* empty, too long, or with a NUL, CR or LF */
	ACCOUNT_FAILED	      /* errno */
};

/*
 * root: a descriptor of the mail root. Read afresh at every call. A file that others may write is ACCOUNT_FAILED with EPERM, a malformed
 * credential EINVAL, and no file at all ENOENT: who is unknown then cannot be told, so mail must wait. A {PLAIN} credential has no salt yet.
 */
enum account_status account_find(int root, const char *name, struct credential *);

/* As account_find, without the credential. */
enum account_status account_exists(int root, const char *name);

/* The first account of the file, who gets postmaster's mail where nobody else does. */
enum account_status account_first(int root, char name[ACCOUNT_NAME + 1]);

/*
 * What a login is checked against: the credential of a user, or a decoy for one that does not exist, so that nothing tells them apart.
 * 0, or -1 with errno. (Until accounts.secret is made by the first change, salts of decoys and {PLAIN} users change with the file.)
 */
int account_credential(int root, const char *name, struct credential *);

/* The bytes of accounts.secret. -1: there is none. */
int account_secret(int root, uint8_t secret[SHA256_SIZE]);

/* Is there a {PLAIN} account, so that APOP can be offered? */
bool account_any_plain(int root);

/*
 * Change the file: under a lock, atomically, durably (file and directory synced); where it fails, it is as it was. add first makes
 * users/NAME with an empty mbox, or keeps what is there; remove leaves the mail. The name without a "+tag", in any case.
 */
enum account_status account_add(int root, const char *name, struct span password);
enum account_status account_passwd(int root, const char *name, struct span password);
enum account_status account_remove(int root, const char *name);

/* Call each for every name, in the file's order. */
enum account_status account_list(int root, void (*each)(const char *name, void *context), void *context);

#endif
