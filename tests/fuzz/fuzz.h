/*
 * fuzz: what the targets share. fuzz_X.c is one program, linked with what test_X.c would be, and gives fuzz() alone: whatever the
 * input, it returns. fuzz.c has the rest.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

void fuzz(struct span input);

/* What holds for every input; that it does not is a finding. */
#define MUST(what) ((what) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #what))
_Noreturn void fuzz_failed(const char *file, int line, const char *what);

/* The same bytes, or both are shown. */
void must_equal(struct span, struct span);

/*
 * The next piece of rest, at most `most` bytes (0: all that is left), in memory of its own that ends where the piece does. The piece
 * before is gone then: who still looks at it is caught.
 */
struct span fuzz_cut(struct span *rest, size_t most);

/* Pieces of 1, 2 … bytes, in an order that the input decides and that is the same every time. */
struct cuts {
	uint32_t state;
};
size_t cuts_next(struct cuts *);

/* The bytes up to the first `c`, which is taken, too. */
struct span fuzz_part(struct span *rest, char c);

#endif
