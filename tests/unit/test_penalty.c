#include "penalty.h"
#include "unit.h"

enum { START = 5000, FULL = AUTH_FAILURES * AUTH_FORGOTTEN };

static struct penalty penalty;

static void
deny(uint64_t source, int times, int64_t now)
{
	for (int i = 0; i < times; i++)
		penalty_add(&penalty, source, now);
}

START_TEST(is_due_past_so_many)
{
	ck_assert(!penalty_due(&penalty, 1, START));
	deny(1, AUTH_FAILURES, START);
	ck_assert(!penalty_due(&penalty, 1, START));
	deny(1, 1, START);
	ck_assert(penalty_due(&penalty, 1, START));
	ck_assert(!penalty_due(&penalty, 2, START));
}
END_TEST

START_TEST(is_forgotten_one_by_one)
{
	deny(1, AUTH_FAILURES + 2, START);
	ck_assert(penalty_due(&penalty, 1, START + 2 * AUTH_FORGOTTEN - 1));
	ck_assert(!penalty_due(&penalty, 1, START + 2 * AUTH_FORGOTTEN));
	deny(1, 1, START + 2 * AUTH_FORGOTTEN);
	ck_assert(penalty_due(&penalty, 1, START + 2 * AUTH_FORGOTTEN));
	/* In the end it owes nothing, not less. */
	deny(1, AUTH_FAILURES, START + 100 * FULL);
	ck_assert(!penalty_due(&penalty, 1, START + 100 * FULL));
	deny(1, 1, START + 100 * FULL);
	ck_assert(penalty_due(&penalty, 1, START + 100 * FULL));
}
END_TEST

START_TEST(forgets_the_least_first)
{
	deny(0, AUTH_FAILURES + 2, START);
	for (uint64_t source = 1; source <= AUTH_SOURCES; source++)
		deny(source, source == 7 ? 1 : AUTH_FAILURES + 1, START);
	ck_assert_uint_eq(penalty.n, AUTH_SOURCES);
	for (uint64_t source = 0; source <= AUTH_SOURCES; source++)
		ck_assert(penalty_due(&penalty, source, START) == (source != 7));
	for (uint64_t source = 10000; source < 20000; source++)
		deny(source, 1, START);
	ck_assert(penalty_due(&penalty, 0, START));
	ck_assert_uint_eq(penalty.n, AUTH_SOURCES);
}
END_TEST

static void
setup(void)
{
	penalty = (struct penalty){ .n = 0 };
}

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, is_due_past_so_many);
	tcase_add_test(t, is_forgotten_one_by_one);
	tcase_add_test(t, forgets_the_least_first);
}

int
main(void)
{
	return run_suite("penalty", add);
}
