/*
 * boundary: where one message of a mailbox ends and the next begins, when no entry line proves it. Reads only.
 */
#ifndef BOUNDARY_H
#define BOUNDARY_H

#include "survey.h"

/* From the message (or the text that is none) at `start`: where the next one begins, or the file ends. 0, or -1 with errno. */
int boundary_find(struct window *, off_t start, off_t *end);

/* Where the run of NULs at `at` ends. 0, or -1 with errno. */
int boundary_skip_hole(struct window *, off_t at, off_t *end);

#endif
