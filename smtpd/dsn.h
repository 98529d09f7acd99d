/*
 * dsn: what a sender wants to be told, RFC 3461: the parameters RET and ENVID of MAIL, NOTIFY and ORCPT of RCPT. Pure.
 */
#ifndef DSN_H
#define DSN_H

#include "buf.h"

enum {
	DSN_ENVID = 100, /* characters of ENVID as xtext, RFC 3461 4.4 */
	DSN_ORCPT = 500	 /* of ORCPT, RFC 3461 4.2 */
};

enum dsn_ret { DSN_RET_NONE, DSN_RET_FULL, DSN_RET_HDRS };

/* 0: nothing was said, which means FAILURE, and DELAY as the server likes. */
enum dsn_notify { DSN_NEVER = 1, DSN_SUCCESS = 2, DSN_FAILURE = 4, DSN_DELAY = 8 };

/* Of one recipient. */
struct dsn_request {
	unsigned notify;   /* enum dsn_notify */
	struct span orcpt; /* "rfc822;xtext", as it came; empty: none */
};

/* The value of NOTIFY, RET. 0, or -1 where it is malformed. */
int dsn_parse_notify(struct span value, unsigned *notify);
int dsn_parse_ret(struct span value, enum dsn_ret *);

/* Is it xtext for printable characters, RFC 3461 4, DSN_ORCPT of them at most? */
bool dsn_is_xtext(struct span value);

/* And shorter, as ENVID is; with a type before it, "addr-type;xtext", or "utf-8;" and UTF-8 (RFC 6533), as ORCPT is? */
bool dsn_is_envid(struct span value);
bool dsn_is_orcpt(struct span value);

/* "NEVER", "SUCCESS,DELAY", …, as it stands behind NOTIFY=; nothing for 0. */
void dsn_write_notify(unsigned notify, struct buf *out);

/* xtext decoded. -1: it is malformed, or out is full. */
int dsn_decode_xtext(struct span xtext, struct buf *out);

#endif
