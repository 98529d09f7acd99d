/*
 * smtp_dialogue: what the files of smtp_client share: a command out, a reply in, and what it means when that fails.
 */
#ifndef SMTP_DIALOGUE_H
#define SMTP_DIALOGUE_H

#include "smtp_client.h"

enum smtp_offer { SMTP_PIPELINING = 1, SMTP_8BITMIME = 2, SMTP_SMTPUTF8 = 4, SMTP_SIZE = 8, SMTP_DSN = 16 };

/*
 * A command, without its line end, behind what waits to go out. SMTP_PROTOCOL where nothing waits and the server has spoken:
 * it is not its turn.
 */
enum smtp_outcome smtp_say(struct smtp_client *, const char *line);

/* The same; the trace shows `shown` in its place. */
enum smtp_outcome smtp_say_secret(struct smtp_client *, const char *shown, struct span line);

/* All that waits goes out. */
enum smtp_outcome smtp_flush(struct smtp_client *);

/* SMTP_DONE: a whole reply is in client->reply. A 421 ends the session. */
enum smtp_outcome smtp_await(struct smtp_client *, int seconds);

/* All three. */
enum smtp_outcome smtp_ask(struct smtp_client *, const char *line, int seconds);

/* Is client->reply what it should be? If not, it becomes the answer that decided. */
enum smtp_outcome smtp_expect(struct smtp_client *, int code);

/* 2xx DONE, 4xx LATER, 5xx REFUSED, else PROTOCOL. */
enum smtp_outcome smtp_outcome_of(int code);

/* Keep client->reply. */
void smtp_keep(const struct smtp_client *, struct smtp_answer *);

/* The connection is of no use any more: why, in words. */
enum smtp_outcome smtp_broken(struct smtp_client *, enum conn_status);

/* End of the session with an outcome and a sentence. */
enum smtp_outcome smtp_give_up(struct smtp_client *, enum smtp_outcome, const char *reason);

/* The transaction that was begun is taken back. */
enum smtp_outcome smtp_reset(struct smtp_client *);

#endif
