/*
 * password: who logs in, and with which password. Touches the environment, ~/.netrc, the terminal, and runs the command of -P.
 */
#ifndef PASSWORD_H
#define PASSWORD_H

#include "buf.h"

enum { PASSWORD_MAX = 1024, PASSWORD_USER = 512 };

/*
 * user: as -u says, or empty; then the login that ~/.netrc has for the host, else $LOGNAME, else the name of the account that runs this.
 * password: $MAIL_PASSWORD (which is taken out of the environment: no child of ours sees it), else the first line that `command` prints (NULL:
 * none), else ~/.netrc, else what is typed on the terminal.
 * 0, or an exit status after a line on standard error. Both bufs are the caller's to free, which wipes them.
 */
int password_find(struct span host, const char *command, struct buf *user, struct buf *password);

#endif
