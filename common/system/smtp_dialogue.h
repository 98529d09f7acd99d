/*
 * smtp_dialogue: what the files of smtp_client share: a command out, a reply in. When the session breaks client->broken says what that means; then
 * nothing more is said or awaited, so that who has much to say looks once, at the end.
 */
#ifndef SMTP_DIALOGUE_H
#define SMTP_DIALOGUE_H

#include "smtp_client.h"

/* A command, without its line end, behind what waits to go out. It breaks where nothing waits and the server has spoken: it is not its turn. */
void smtp_say(struct smtp_client *, const char *line);

/* All that waits goes out. False: it is broken. */
bool smtp_flush(struct smtp_client *);

/* A whole reply into client->reply. A 421 ends the session. False: it is broken. */
bool smtp_take_reply(struct smtp_client *, int seconds);

/* Both; false also where the session was over before. And all three. */
bool smtp_await(struct smtp_client *, int seconds);
bool smtp_ask(struct smtp_client *, const char *line, int seconds);

/* Is client->reply what it should be? If not, it becomes the answer that decided. What is broken stays that. */
enum smtp_outcome smtp_expect(struct smtp_client *, int code);

/* Of client->reply: 2xx DONE, 4xx LATER, 5xx REFUSED, else PROTOCOL. */
enum smtp_outcome smtp_outcome_of(const struct smtp_client *);

/* Keep client->reply. */
void smtp_keep(const struct smtp_client *, struct smtp_answer *);

/* The session is broken: what that means, and why, in words. */
enum smtp_outcome smtp_give_up(struct smtp_client *, enum smtp_outcome, const char *reason);

/* The transaction that was begun is taken back. */
enum smtp_outcome smtp_reset(struct smtp_client *);

#endif
