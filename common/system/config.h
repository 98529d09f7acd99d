/*
 * config: the key/value settings of a mail root, from its `config` file and from -o.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdint.h>

#include "bounds.h"
#include "net.h"

enum {
	CONFIG_LISTEN = 16,
	CONFIG_SESSIONS = 100000,
	CONFIG_REASON = 256,
	CONFIG_LINE = 4096, /* bytes of a line: room for a long list of domains */
	CONFIG_USER = 64
};

/* What is asked of who connects there. */
enum listener { LISTENER_PLAIN, LISTENER_SUBMISSION };

enum { CLEARTEXT_NO, CLEARTEXT_LOOPBACK, CLEARTEXT_YES };

struct config {
	const char *root; /* the mail root, as given; not copied */
	char hostname[SMTP_DOMAIN + 1];
	char domain[CONFIG_LINE]; /* separated by single spaces; "": hostname and localhost */
	char listen[CONFIG_LISTEN][NET_ADDRESS];
	enum listener listener[CONFIG_LISTEN]; /* what each of them is */
	int listens;
	char user[CONFIG_USER];	      /* "": none */
	char resolver[NET_ADDRESS];   /* ADDR:PORT of a name server; "": those of resolv.conf */
	int cleartext;		      /* CLEARTEXT_… */
	char relay_from[CONFIG_LINE]; /* networks, separated by single spaces */
	int sender_check;
	int64_t message_size; /* bytes */
	int64_t mailbox_size; /* bytes, 0: no quota */
	int recipients;
	int max_sessions;
	int max_per_source;
	int queue_lifetime; /* seconds */
	int timeout;	    /* seconds; 0: the daemon's default */
	int log_syslog;
	uint32_t fixed; /* keys that -o set: the file does not change them */
};

/* Defaults. root: -d, or NULL for $MAILBOXES, else ./mailboxes. */
void config_init(struct config *, const char *root);

/*
 * One "key=value" of -o. 0, or -1 with a sentence in reason: unknown key, bad value, or a key that this version does not have yet.
 * What -o sets, the file does not change.
 */
int config_option(struct config *, const char *option, char reason[CONFIG_REASON]);

/* One key, of the file or of -o (option). Returns as config_option does. */
int config_set(struct config *, struct span key, struct span value, bool option, char reason[CONFIG_REASON]);

/* Read DIR/config, if it is there. 0, or -1 with "config:LINE: …" in reason. Of a key that comes twice the last counts; listen adds. */
int config_read(struct config *, char reason[CONFIG_REASON]);

/* Is the domain one whose users are local? Without regard to case or a trailing dot. */
bool config_is_local(const struct config *, struct span domain);
/* Is the address for somebody here? That of the postmaster of our own name always is, by which our notices call him: RFC 5321 4.5.1. */
bool config_receives(const struct config *, struct span local, struct span domain);

/* Is the peer in one of the networks of relay-from? */
bool config_relays_from(const struct config *, const struct peer *);

/* May a password cross the connection to that peer as it is? */
bool config_allows_cleartext(const struct config *, const struct peer *);

#endif
