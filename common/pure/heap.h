/*
 * heap: things that wait, of which only the first matters: a binary heap. Pure; allocates, a pointer a thing.
 */
#ifndef HEAP_H
#define HEAP_H

#include <stddef.h>
#include <stdint.h>

/* Is a member of what is put there, and stays where it is meanwhile. */
struct heap_item {
	int64_t key;
	size_t place; /* in the heap, from 1; 0: in none */
};

/* Zeroed, it is empty; free its items. */
struct heap {
	struct heap_item **items;
	size_t n, size;
};

/* Put it there, or give it another key. 0, or -1 with ENOMEM; not if it was there. */
int heap_put(struct heap *, struct heap_item *, int64_t key);

/* Take it out, if it is there. */
void heap_take(struct heap *, struct heap_item *);

/* One with the lowest key; NULL where there is none. */
struct heap_item *heap_first(const struct heap *);

#endif
