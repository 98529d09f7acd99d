#include "unit.h"

#include "buf.h"

START_TEST(grows_up_to_its_maximum)
{
	struct buf b;
	char block[100];

	memset(block, 'x', sizeof block);
	buf_init(&b, 1000);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(buf_add(&b, block, sizeof block), 0);
	ck_assert_uint_eq(b.len, 1000);
	ck_assert_int_eq(buf_add_char(&b, 'x'), -1);
	ck_assert(b.failed);
	ck_assert_uint_eq(b.len, 1000);
	ck_assert_uint_eq(strlen(buf_string(&b)), 1000);
	ck_assert_int_eq(buf_add(&b, "", 0), 0);
	ck_assert(b.failed);
	buf_clear(&b);
	ck_assert(!b.failed);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_int_eq(buf_add_string(&b, "again"), 0);
	ck_assert_str_eq(buf_string(&b), "again");
	buf_free(&b);
	ck_assert_uint_eq(b.max, 1000);
	buf_free(&b);
}
END_TEST

START_TEST(an_addition_is_whole_or_not_at_all)
{
	struct buf b;

	buf_init(&b, 10);
	ck_assert_int_eq(buf_add_string(&b, "12345678"), 0);
	ck_assert_int_eq(buf_add_string(&b, "abc"), -1);
	expect_span(buf_span(&b), "12345678");
	buf_clear(&b);
	buf_add_string(&b, "12345678");
	ck_assert_int_eq(buf_printf(&b, "%d", 100), -1);
	expect_span(buf_span(&b), "12345678");
	buf_clear(&b);
	buf_add_string(&b, "1234");
	ck_assert_int_eq(buf_add_escaped(&b, span_of("ab\n")), 0);
	expect_span(buf_span(&b), "1234ab\\x0a");
	buf_clear(&b);
	buf_add_string(&b, "12345");
	ck_assert_int_eq(buf_add_escaped(&b, span_of("ab\n")), -1);
	expect_span(buf_span(&b), "12345");
	buf_free(&b);
}
END_TEST

START_TEST(huge_sizes_do_not_overflow)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	ck_assert_int_eq(buf_add_string(&b, "x"), 0);
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX - 1));
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX - 2));
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX / 2 + 2));
	ck_assert(b.failed);
	expect_span(buf_span(&b), "x");
	buf_free(&b);
	buf_init(&b, 0);
	ck_assert_int_eq(buf_add_char(&b, 'x'), -1);
	ck_assert_str_eq(buf_string(&b), "");
	buf_free(&b);
}
END_TEST

START_TEST(prints_and_escapes)
{
	struct buf b;

	buf_init(&b, 1000);
	ck_assert_int_eq(buf_printf(&b, "%s-%d-", "a", 5), 0);
	ck_assert_int_eq(buf_printf(&b, "%s", ""), 0);
	ck_assert_int_eq(buf_add_escaped(&b, (struct span){ "a\0\\\x7f\xff \"", 7 }), 0);
	ck_assert_str_eq(buf_string(&b), "a-5-a\\x00\\x5c\\x7f\\xff \"");
	buf_free(&b);
	buf_init(&b, 5);
	ck_assert_int_eq(buf_printf(&b, "%05d", 7), 0);
	ck_assert_str_eq(buf_string(&b), "00007");
	ck_assert_int_eq(buf_printf(&b, "%s", ""), 0);
	ck_assert(!b.failed);
	buf_free(&b);
}
END_TEST

START_TEST(drops_and_cuts)
{
	struct buf b;

	buf_init(&b, 100);
	buf_add_string(&b, "abcdef");
	buf_drop(&b, 2);
	ck_assert_str_eq(buf_string(&b), "cdef");
	buf_cut(&b, 9);
	ck_assert_str_eq(buf_string(&b), "cdef");
	buf_cut(&b, 3);
	ck_assert_str_eq(buf_string(&b), "cde");
	buf_drop(&b, 0);
	ck_assert_str_eq(buf_string(&b), "cde");
	buf_drop(&b, 99);
	ck_assert_str_eq(buf_string(&b), "");
	buf_free(&b);
	buf_drop(&b, 1);
	buf_cut(&b, 0);
	ck_assert_str_eq(buf_string(&b), "");
}
END_TEST

START_TEST(reserved_room_is_the_callers)
{
	struct buf b;

	buf_init(&b, 100);
	buf_add_string(&b, "ab");
	char *room = buf_reserve(&b, 98);
	ck_assert_ptr_nonnull(room);
	memset(room, 'x', 98);
	b.len += 98;
	ck_assert_uint_eq(strlen(buf_string(&b)), 100);
	ck_assert_ptr_null(buf_reserve(&b, 1));
	buf_free(&b);
}
END_TEST

START_TEST(wipes)
{
	char secret[32];

	memset(secret, 's', sizeof secret);
	wipe(secret, sizeof secret);
	for (size_t i = 0; i < sizeof secret; i++)
		ck_assert_int_eq(secret[i], 0);
	wipe(secret, 0);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, grows_up_to_its_maximum);
	tcase_add_test(t, an_addition_is_whole_or_not_at_all);
	tcase_add_test(t, huge_sizes_do_not_overflow);
	tcase_add_test(t, prints_and_escapes);
	tcase_add_test(t, drops_and_cuts);
	tcase_add_test(t, reserved_room_is_the_callers);
	tcase_add_test(t, wipes);
}

int
main(void)
{
	return run_suite("buf", add);
}
