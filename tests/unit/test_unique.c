#include <sys/wait.h>

#include <time.h>

#include "unit.h"

#include "hash.h"
#include "unique.h"

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, UNIQUE_ID + 1);
}

/* Several processes, each with a child: no id twice, and each of the alphabet. */
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

/* The bytes behind an id's characters, five bits each. */
static void
decode(const char *id, uint8_t bytes[17])
{
	static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

	memset(bytes, 0, 17);
	for (size_t bit = 0; bit < (size_t)UNIQUE_ID * 5; bit++) {
		size_t value = (size_t)(strchr(alphabet, id[bit / 5]) - alphabet);

		if ((value >> (4 - bit % 5) & 1) != 0)
			bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
}

static uint64_t
number(const uint8_t *bytes, size_t n)
{
	return n == 0 ? 0 : number(bytes, n - 1) << 8 | bytes[n - 1];
}

START_TEST(ids_hold_what_makes_them_unique)
{
	char id[UNIQUE_ID + 1];
	uint8_t first[17], next[17], host[SHA256_SIZE];
	struct timespec before, after;

	sha256("mx.example", 10, host);
	clock_gettime(CLOCK_REALTIME, &before);
	unique_id("mx.example", id);
	decode(id, first);
	unique_id("mx.example", id);
	decode(id, next);
	clock_gettime(CLOCK_REALTIME, &after);
	uint64_t from = (uint64_t)before.tv_sec * 1000000 + (uint64_t)before.tv_nsec / 1000;
	uint64_t to = (uint64_t)after.tv_sec * 1000000 + (uint64_t)after.tv_nsec / 1000;
	ck_assert_uint_ge(number(first, 7), from);
	ck_assert_uint_ge(number(next, 7), number(first, 7));
	ck_assert_uint_le(number(next, 7), to);
	ck_assert_uint_eq(number(first + 7, 3), (uint64_t)getpid());
	ck_assert_uint_eq(number(next + 10, 2), number(first + 10, 2) + 1);
	ck_assert_mem_eq(first + 12, host, 4);
	ck_assert_uint_eq(first[16], 0);
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
	tcase_add_test(t, ids_hold_what_makes_them_unique);
	tcase_add_test(t, random_bytes_fill_everything);
}

int
main(void)
{
	return run_suite("unique", add);
}
