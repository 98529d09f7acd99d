/*
 * destination: what the runner sorts recipients by.
 */
#ifndef DESTINATION_H
#define DESTINATION_H

#include "bounds.h"
#include "config.h"
#include "queue_message.h"

/* Where a recipient is to go: its domain in lower case, or "" for a mailbox here. */
void destination_of(const struct config *, const struct queue_recipient *, char destination[SMTP_DOMAIN + 1]);

#endif
