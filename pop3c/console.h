/*
 * console: what a program does with the person before it: signals that end it in good order, progress, the pager.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

#include "buf.h"

/* From now on SIGINT, SIGTERM and SIGHUP set conn_stop and make the descriptor that is returned readable. -1 with errno. */
int interrupt_open(void);

/* Until a line was typed. False: there was an interrupt. A terminal hands over one line at a time, so that none waits in stdin's buffer. */
bool wait_for_line(void);

/* Was there one? Then die of it, as the shell expects, or return. */
bool interrupted(void);
void interrupt_end(void);

/* "message 3 of 5" on standard error, some times a second, where that is a terminal. progress_end takes it away. */
void progress(uint32_t number, size_t all);
void progress_end(void);

/*
 * Text to standard output, through $PAGER (else less, else more) if that is a terminal. An interrupt meanwhile is the pager's. 0, or -1 with
 * errno.
 */
int page(struct span text);

#endif
