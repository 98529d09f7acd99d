/*
 * bury: the expunge that moves nothing: what goes is marked where it stands, and hidden from then on. See the table in bury.c.
 */
#ifndef BURY_H
#define BURY_H

#include "maildrop.h"

/*
 * The mailbox is locked, no redo file is there, and maildrop->index holds these entries. Mark those that are `gone`, durably, all or none. *done
 * is false, and nothing has happened, where one of them cannot be marked: it is too short, or would not be one message any more.
 */
enum maildrop_status bury(struct maildrop *, const struct index_entry *, const bool *gone, bool *done);

/* Is there a valid plan to mark messages in mbox.redo? 1, 0, or -1 with errno. */
int bury_look(const struct maildrop *, int redo);

/* The mailbox is locked: do what such a plan says. 0, or -1 with errno. */
int bury_finish(struct maildrop *, int redo);

#endif
