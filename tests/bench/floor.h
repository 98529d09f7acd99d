/*
 * floor: what a server cannot do without. Both floors accept, fork, and answer from a table of canned replies.
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <stddef.h>

/* The peer's lines, and replies that leave just before the next read. */
struct peer {
	int fd;
	size_t have, used; /* bytes in in[], and how many of them were taken */
	size_t pending;	   /* bytes in out[] */
	char in[64 * 1024], out[64 * 1024];
};

/* Listens on 127.0.0.1, any port, says `listening on 127.0.0.1:PORT` and calls session in a child for each connection. Ends by a signal. */
_Noreturn void floor_serve(void (*session)(struct peer *));

/* The next line without its end, as a string; NULL at the end of the connection. */
char *floor_line(struct peer *);

/* More bytes into in[], after what is pending was sent; 0 at the end of the connection. */
int floor_read(struct peer *);

void floor_reply(struct peer *, const char *bytes, size_t n);
void floor_say(struct peer *, const char *text);
void floor_flush(struct peer *);

#endif
