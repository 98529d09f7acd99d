/*
 * exits: the exit statuses of the programs. sysexits(3), which POSIX does not have, and two of our own.
 */
#ifndef EXITS_H
#define EXITS_H

enum exits {
	EXITS_DONE = 0,
	EXITS_USAGE = 64,
	EXITS_REFUSED = 65, /* for good: by the server; or what was given is wrong */
	EXITS_NO_INPUT = 66,
	EXITS_UNREACHABLE = 69,
	EXITS_SYSTEM = 71,
	EXITS_CANNOT_CREATE = 73,
	EXITS_CANNOT_WRITE = 74,
	EXITS_LATER = 75,
	EXITS_PROTOCOL = 76,
	EXITS_AUTH = 77,
	EXITS_CONFIG = 78,
	EXITS_SOME = 79, /* some were refused, the rest are done */
	EXITS_MAYBE = 80 /* the connection broke where nobody can tell */
};

#endif
