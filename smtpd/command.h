/*
 * command: the handlers of the session's commands, but for those that bring content (data.h). Pure. See the table in session.c.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "session.h"

enum event command_ehlo(struct session *, struct span argument, struct buf *out);
enum event command_helo(struct session *, struct span argument, struct buf *out);
enum event command_mail(struct session *, struct span argument, struct buf *out);
enum event command_rcpt(struct session *, struct span argument, struct buf *out);
enum event command_rset(struct session *, struct span argument, struct buf *out);
enum event command_noop(struct session *, struct span argument, struct buf *out);
enum event command_vrfy(struct session *, struct span argument, struct buf *out);
enum event command_expn(struct session *, struct span argument, struct buf *out);
enum event command_quit(struct session *, struct span argument, struct buf *out);

#endif
