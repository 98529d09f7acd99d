#include "report.h"

#include "unit.h"

START_TEST(waits_longer_and_longer)
{
	static const int minutes[] = { 1, 2, 5, 10, 20, 40 };

	for (int n = 1; n <= 6; n++)
		ck_assert_int_eq(report_delay(n, (uint32_t)n * 12345), minutes[n - 1] * 60);
	for (uint32_t dice = 0; dice < 5000; dice++) {
		int64_t delay = report_delay(7 + (int)dice, dice);
		ck_assert_int_ge(delay, 55 * 60);
		ck_assert_int_lt(delay, 65 * 60);
	}
	ck_assert_int_ne(report_delay(7, 0), report_delay(7, 1));
}
END_TEST

START_TEST(gives_up_after_time_and_tries)
{
	ck_assert(report_expires(1000, 500, 5, 1500));
	ck_assert(!report_expires(1000, 500, 4, 1500));
	ck_assert(!report_expires(1000, 500, 5, 1499));
	ck_assert(!report_expires(1000, 500, 100, 10));
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, waits_longer_and_longer);
	tcase_add_test(t, gives_up_after_time_and_tries);
}

int
main(void)
{
	return run_suite("report", add);
}
