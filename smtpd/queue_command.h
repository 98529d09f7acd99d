/*
 * queue_command: `smtpd queue [list | flush | show ID | remove ID]`.
 */
#ifndef QUEUE_COMMAND_H
#define QUEUE_COMMAND_H

#include "daemon.h"

/* Returns the exit status; what is wrong has been said. */
int queue_command(struct daemon *);

#endif
