/*
 * session: the server's side of POP3 (RFC 1939, 2449, 3206, 5034, 6856) as a machine that turns bytes into bytes. Pure: of
 * accounts, mail and logs it knows what its backend tells it. The table of the commands is in session.c; auth.c has those of the
 * AUTHORIZATION state, transaction.c those of TRANSACTION and UPDATE, command.c what they share.
 */
#ifndef SESSION_H
#define SESSION_H

#include "line.h"
#include "protocol.h"
#include "sasl.h"

/* An event for the log. What is NULL or empty has no meaning for it. */
struct note {
	const char *event;
	struct span user; /* as the peer wrote it */
	const char *method, *uidl, *reason;
	const char *counted; /* what there are `number` of */
	uint64_t number;
};

struct message {
	uint64_t octets; /* what RETR sends, dots not stuffed */
	const char *uidl;
};

/*
 * Accounts, mail and the log. The first argument of each is the context that the session was given. Messages are numbered from 0.
 * Where one with a reason fails it returns the response code that says how (RFC 2449 8.1, RFC 3206 4), and adds a sentence that says why
 * to reason; else it returns NULL.
 */
struct backend {
	struct exchange_accounts accounts;

	/* The maildrop of a user who has logged in, and what is in it; close it in every case, also one that is closed. */
	const char *(*open)(void *, const char *user, size_t *count, uint64_t *octets, struct buf *reason);
	void (*close)(void *);

	struct message (*message)(void *, size_t);

	/* One message at a time. lines of the body, -1 for all. read adds CRLF lines with dots stuffed, `limit` bytes or somewhat more. */
	const char *(*read_begin)(void *, size_t message, long lines, struct buf *reason);
	const char *(*read)(void *, size_t limit, struct buf *out, bool *done, struct buf *reason);

	/* All or none, durably. */
	const char *(*expunge)(
	    void *, bool (*deleted)(const void *, size_t message), const void *, struct buf *reason);

	void (*log)(void *, const struct note *);
};

struct session_settings {
	const char *hostname;  /* for the greeting */
	const char *timestamp; /* <…@…>, RFC 1939 7: APOP is offered; NULL: it is not */
	bool cleartext;	       /* a password may cross this connection as it is */
};

enum session_state {
	AUTHORIZATION = 1,
	TRANSACTION = 2
}; /* RFC 1939 3; a set of them in the command table */

struct session {
	const struct backend *backend;
	void *context;
	struct session_settings settings;
	enum session_state state;
	struct line line;
	int errors;
	struct buf reason; /* the backend's, for what has failed */

	struct buf login; /* of USER, until PASS */
	struct exchange exchange;
	char user[SASL_USER + 1];

	size_t count; /* all the messages; those that aren't deleted, and their octets */
	uint64_t octets;
	size_t left;
	uint64_t left_octets;
	uint8_t *marks; /* a bit a message that is deleted; NULL while none is */

	/* The multi-line reply that is under way: what says more of it, NULL where there is none, and where that is. */
	enum event (*more)(struct session *, struct buf *);
	bool uidls; /* in a list; else octets */
	size_t message;
};

/* All pointers are the caller's and must outlive the session. session_free closes the maildrop; nothing is deleted. */
void session_init(struct session *, const struct backend *, void *context, const struct session_settings *);
void session_free(struct session *);

extern const struct protocol session_protocol;

/* The rest is for the commands. */

struct argument {
	struct span text; /* all that follows the word and a blank */
	size_t message;	  /* from 0; where the command needs MESSAGE */
	long lines;	  /* where it needs LINES */
};

/* A command: appends its reply, and says what comes next. */
typedef enum event command(struct session *, const struct argument *, struct buf *out);

command auth_user, auth_pass, auth_apop, auth_auth;
command transaction_stat, transaction_list, transaction_uidl, transaction_retr, transaction_top,
    transaction_dele, transaction_rset, transaction_quit;

/* A line while s->exchange is under way; the SASL mechanisms that are allowed here, each between `before` and `after`. */
enum event auth_answer(struct session *, struct span line, struct buf *out);
void auth_mechanisms(const struct session *, const char *before, const char *after, struct buf *out);

/* Is it there, and not deleted? */
bool transaction_has(const struct session *, size_t message);

/* "-ERR …". The session ends where there were too many errors; else it goes on. command_fail: with the backend's code and reason. */
enum event command_refuse(struct session *, const char *text, struct buf *out);
enum event command_fail(struct session *, const char *code, const char *what, struct buf *out);

/* Log it, with the session's user where the note has none, and its reason. */
void command_log(struct session *, struct note);

/* The s of messages, where there isn't one. */
const char *command_plural(size_t messages);

#endif
