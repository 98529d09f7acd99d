#include "heap.h"

#include <stdlib.h>

static void
set(struct heap *heap, size_t place, struct heap_item *item)
{
	heap->items[place - 1] = item;
	item->place = place;
}

/* Move it up or down to where its key belongs. */
static void
settle(struct heap *heap, struct heap_item *item)
{
	size_t at = item->place;

	for (; at > 1 && heap->items[at / 2 - 1]->key > item->key; at /= 2)
		set(heap, at, heap->items[at / 2 - 1]);
	for (size_t child; (child = 2 * at) <= heap->n; at = child) {
		if (child < heap->n && heap->items[child]->key < heap->items[child - 1]->key)
			child++;
		if (heap->items[child - 1]->key >= item->key)
			break;
		set(heap, at, heap->items[child - 1]);
	}
	set(heap, at, item);
}

int
heap_put(struct heap *heap, struct heap_item *item, int64_t key)
{
	if (item->place == 0 && heap->n == heap->size) {
		size_t size = heap->size == 0 ? 4 : heap->size * 2;
		struct heap_item **items = realloc(heap->items, size * sizeof(struct heap_item *));
		if (items == NULL)
			return -1;
		heap->items = items;
		heap->size = size;
	}
	item->key = key;
	if (item->place == 0)
		set(heap, ++heap->n, item);
	settle(heap, item);
	return 0;
}

void
heap_take(struct heap *heap, struct heap_item *item)
{
	size_t place = item->place;

	if (place == 0)
		return;
	struct heap_item *last = heap->items[--heap->n];
	item->place = 0;
	if (last == item)
		return;
	set(heap, place, last);
	settle(heap, last);
}

struct heap_item *
heap_first(const struct heap *heap)
{
	return heap->n == 0 ? NULL : heap->items[0];
}
