/*
 * privilege: become the `user` of the config, once the sockets are bound.
 */
#ifndef PRIVILEGE_H
#define PRIVILEGE_H

#include <stddef.h>

/*
 * As root: take this user's groups, group and id, for good. Without root it must be the user we are. "" changes nothing.
 * 0; or the exit status with a sentence in reason, and the process must not go on.
 */
int privilege_become(const char *user, char *reason, size_t reason_n);

#endif
