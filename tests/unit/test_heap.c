#include "heap.h"

#include "unit.h"

enum { MANY = 500 };

static uint32_t state = 1;

static size_t
dice(size_t n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

/* Against a list that is looked through. */
START_TEST(gives_the_lowest_first)
{
	static struct heap_item items[MANY];
	struct heap heap = { .n = 0 };
	size_t in = 0;

	for (int step = 0; step < 20000; step++) {
		struct heap_item *item = &items[dice(MANY)];
		if (dice(3) == 0) {
			in -= item->place != 0;
			heap_take(&heap, item);
			ck_assert_uint_eq(item->place, 0);
		} else {
			in += item->place == 0;
			ck_assert_int_eq(heap_put(&heap, item, (int64_t)dice(200) - 100), 0);
		}
		const struct heap_item *lowest = NULL, *first = heap_first(&heap);
		for (size_t i = 0; i < MANY; i++)
			if (items[i].place != 0 && (lowest == NULL || items[i].key < lowest->key))
				lowest = &items[i];
		ck_assert_uint_eq(heap.n, in);
		ck_assert((first == NULL) == (lowest == NULL));
		ck_assert(first == NULL || first->key == lowest->key);
	}
	free(heap.items);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, gives_the_lowest_first);
}

int
main(void)
{
	return run_suite("heap", add);
}
