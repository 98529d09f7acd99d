/*
 * netrc: the file ~/.netrc: machine, default, login, password, account, macdef. Pure.
 */
#ifndef NETRC_H
#define NETRC_H

#include "buf.h"

/*
 * The first entry for the host (without regard to case; `default` is everybody's) whose login is `user`, or any where user is empty. What it
 * does not name is empty in login and password. False: there is none, and both are empty.
 */
bool
netrc_find(struct span text, struct span host, struct span user, struct buf *login, struct buf *password);

#endif
