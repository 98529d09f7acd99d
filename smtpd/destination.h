/*
 * destination: what the runner sorts recipients by: "host:port" where `routes` has a server for their domain, else the domain; "" is here.
 */
#ifndef DESTINATION_H
#define DESTINATION_H

#include "bounds.h"
#include "config.h"
#include "net.h"
#include "queue_message.h"

enum { DESTINATION = sizeof(struct server_name) + 3 }; /* bytes, with its NUL */

/* A recipient's domain in lower case, or "" for a mailbox here. */
void destination_domain(const struct config *, const struct queue_recipient *, char domain[SMTP_DOMAIN + 1]);

/* routes: the text of that file. A line of it that is malformed is for the next hop to tell. */
void destination_of(
    const struct config *, struct span routes, const struct queue_recipient *, char destination[DESTINATION]);

/* A server as destination_of writes it, and back: false where it is a domain. */
void destination_write(const struct server_name *, char destination[DESTINATION]);
bool destination_server(struct span destination, struct server_name *);

#endif
