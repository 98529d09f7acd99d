/*
 * bounds: every limit of the system, each with its reason. (Not limits.h: that is the C library's.)
 */
#ifndef BOUNDS_H
#define BOUNDS_H

enum {
	/* SMTP. RFC 5321 4.5.3.1 are the least that must be taken; RFC 4954 4 wants 12,288 for AUTH. */
	SMTP_LINE = 12288,     /* bytes of a command line, its end not counted */
	SMTP_PATH = 1024,      /* RFC 5321 wants 256; UTF-8 and long hosts of real life want more */
	SMTP_LOCAL_PART = 512, /* RFC 5321 wants 64; VERP and SRS exceed it */
	SMTP_DOMAIN = 255,
	SMTP_RECEIVED = 100, /* RFC 5321 6.3: loops are found by counting; the RFC's own figure */

	/* POP3. RFC 2449 4: 255 octets; AUTH wants more. */
	POP3_LINE = 2048,

	SESSION_ERRORS = 50, /* a peer that only errs is no client */
	AUTH_TRIES = 5,	     /* failed logins, then a session is over */

	/* serve */
	SERVE_PROGRESS = 1024, /* bytes that count as progress in a transfer: 3 bytes/s at 300 s */
	SERVE_SESSION = 100,   /* a session lasts as many times its time-out: 8 h, 16 h for POP3 */
	SERVE_FAREWELL = 5,    /* seconds for the last reply of a session that we end */

	AUTH_DELAY = 1000, /* milliseconds before a failed login is answered: a typo is no pain */

	/* A source may fail so often at once, more than an office full of mistyped passwords does, and then once in so many milliseconds: */
	AUTH_FAILURES = 30,
	AUTH_FORGOTTEN = 20 * 1000, /* 4,320 guesses a day */
	AUTH_SOURCES = 1024, /* of which so much is known, 16 KiB; the least of them is forgotten first */

	/* conn */
	CONN_INPUT = 64 * 1024,	   /* a read(2) of a large message; pages not touched cost nothing */
	CONN_OUTPUT = 1024 * 1024, /* never reached: replies are flushed at OUTPUT_CHUNK */
	OUTPUT_CHUNK = 64 * 1024,  /* a long reply goes out in such pieces */

	/* After our last reply: what a peer still sends is read, so that no reset overtakes the reply; not for ever. */
	CONN_LINGER = 1500, /* milliseconds */
	CONN_LINGER_BYTES = 256 * 1024,

	/* server */
	SERVER_BACKLOG = 511,
	SERVER_GRACE = 30, /* seconds for a child that is in the middle of a message at SIGTERM */

	HOST_CONNECTIONS = 4, /* from all of us to one next hop: more, and many refuse them */

	/* store */
	SPOOL_MEMORY = 256 * 1024, /* a message up to here costs no file */
	MBOX_LOCK_SECONDS = 30,	   /* for a mailbox that another program holds: a client waits longer */
	DOTLOCK_UNREADABLE = 5,	   /* seconds after which an empty dotlock is taken for a dead one's */
	DOTLOCK_NAMELESS = 300,	   /* for the pid 0 (procmail, dotlockfile); liblockfile's own figure */
	DOTLOCK_LIVING = 1024,	   /* where the pid lives, perhaps as another's; procmail's figure */
	/* Where more bytes would move, what goes is only marked, at a page a mark: copying so many twice takes as long. */
	EXPUNGE_MOVED = 4 * 1024 * 1024,
	EXPUNGE_MARK = 4096,
	SURVEY_DOUBTED = 16 << 20, /* bytes at the end of an unknown mailbox: were they synced? */
	CHECKUP_LOCK_SECONDS = 2,  /* who only looks does not wait long */

	/* clients */
	REPLY_LINE = 4096,	/* RFC 5321 4.5.3.1.5 says 512, servers say more */
	REPLY_TEXT = 64 * 1024, /* a whole multi-line reply */
	/* Of a client's MAIL or RCPT, with RFC 3461's parameters: more than a server must take. */
	SMTP_COMMAND = SMTP_PATH + 1024,
	/* Of pipelined commands whose replies are outstanding: less than a socket buffers, so that never both sides wait (RFC 2920 3.1). */
	SMTP_BATCH = 8 * 1024, /* bytes */
	SMTP_BATCH_RCPT = 64,  /* recipients: their replies must find room, too */
	SMTP_QUIT_WAIT = 5     /* seconds for the reply to QUIT, which changes nothing */
};

#endif
