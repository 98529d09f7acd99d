#include <sys/wait.h>

#include "unit.h"

#include "unique.h"

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, UNIQUE_ID + 1);
}

/* Several processes, each with a child: no id twice, each of the alphabet, the later ones of a process behind the earlier. */
START_TEST(ids_are_unique)
{
	enum { PROCESSES = 4, EACH = 5000, ALL = PROCESSES * 2 * EACH };
	static char ids[ALL][UNIQUE_ID + 1];
	char one[UNIQUE_ID + 1];
	int ends[2], status;

	unique_id("mx.example", one);
	ck_assert_int_eq(pipe(ends), 0);
	for (int p = 0; p < PROCESSES; p++) {
		pid_t pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid > 0)
			continue;
		fork();
		for (int i = 0; i < EACH; i++) {
			unique_id("mx.example", one);
			if (write(ends[1], one, sizeof(one)) != sizeof(one))
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	for (size_t got = 0; got < sizeof(ids);) {
		ssize_t n = read(ends[0], (char *)ids + got, sizeof(ids) - got);
		ck_assert_int_gt(n, 0);
		got += (size_t)n;
	}
	close(ends[0]);
	while (wait(&status) > 0)
		ck_assert_int_eq(status, 0);
	qsort(ids, ALL, sizeof(ids[0]), compare);
	for (size_t i = 0; i < ALL; i++) {
		ck_assert_uint_eq(strlen(ids[i]), UNIQUE_ID);
		ck_assert_uint_eq(strspn(ids[i], "0123456789abcdefghijklmnopqrstuvwxyz"), UNIQUE_ID);
		ck_assert(i == 0 || strcmp(ids[i - 1], ids[i]) != 0);
	}
}
END_TEST

START_TEST(ids_sort_by_time_and_tell_hosts)
{
	char first[UNIQUE_ID + 1], second[UNIQUE_ID + 1], other[UNIQUE_ID + 1];

	unique_id("a.example", first);
	do
		unique_id("a.example", second);
	while (memcmp(first, second, 11) == 0); /* the same microsecond */
	unique_id("b.example", other);
	ck_assert_int_lt(memcmp(first, second, UNIQUE_ID), 0);
	ck_assert_str_eq(first + 20, second + 20);
	ck_assert_str_ne(first + 20, other + 20);
}
END_TEST

/* A byte that is 0 in all of eight rounds was not filled: by chance that is 1 in 2^64. */
START_TEST(random_bytes_fill_everything)
{
	enum { SIZE = 1000 };
	uint8_t bytes[SIZE + 1], seen[SIZE] = { 0 };

	bytes[SIZE] = 0x55;
	for (int round = 0; round < 8; round++) {
		ck_assert_int_eq(random_bytes(bytes, SIZE), 0);
		for (int i = 0; i < SIZE; i++)
			seen[i] |= bytes[i];
	}
	for (int i = 0; i < SIZE; i++)
		ck_assert_uint_ne(seen[i], 0);
	ck_assert_uint_eq(bytes[SIZE], 0x55);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, ids_are_unique);
	tcase_add_test(t, ids_sort_by_time_and_tell_hosts);
	tcase_add_test(t, random_bytes_fill_everything);
}

int
main(void)
{
	return run_suite("unique", add);
}
