/*
 * unit: what the unit tests share. A suite is one program:
 *
 *	static void
 *	add(TCase *t)
 *	{
 *		tcase_add_test(t, splits_at_the_first);
 *	}
 *
 *	int
 *	main(void)
 *	{
 *		return run_suite("span", add);
 *	}
 */
#ifndef UNIT_H
#define UNIT_H

#include <sys/mman.h>

#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "span.h"

/* Whole pages that hold n bytes. */
static inline size_t
guarded_pages(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return n == 0 ? page : (n + page - 1) / page * page;
}

/* A copy whose last byte is the last of its page, with a page behind it that nobody may read: one byte too far is SIGSEGV. */
static inline char *
guarded(const void *bytes, size_t n)
{
	size_t pages = guarded_pages(n), page = (size_t)sysconf(_SC_PAGESIZE);
	int zero = open("/dev/zero", O_RDWR);
	ck_assert_int_ge(zero, 0);
	char *map = mmap(NULL, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
	close(zero);

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mprotect(map + pages, page, PROT_NONE), 0);
	char *at = map + pages - n;
	if (n > 0)
		memcpy(at, bytes, n);
	return at;
}

/* Needed only where a loop makes thousands of them. */
static inline void
unguard(char *at, size_t n)
{
	size_t pages = guarded_pages(n);

	munmap(at + n - pages, pages + (size_t)sysconf(_SC_PAGESIZE));
}

/* The same as a span. */
static inline struct span
guarded_span(struct span s)
{
	return (struct span){ guarded(s.at, s.n), s.n };
}

/* The bytes are those of the string. */
static inline void
expect_span(struct span s, const char *expected)
{
	if (s.n != strlen(expected) || (s.n > 0 && memcmp(s.at, expected, s.n) != 0))
		ck_abort_msg("\"%.*s\" instead of \"%s\"", (int)s.n, s.n > 0 ? s.at : "", expected);
}

/* A fresh directory under /tmp; the caller removes it. */
static inline char *
scratch_dir(void)
{
	char *path = strdup("/tmp/unit.XXXXXX");

	ck_assert_ptr_nonnull(path);
	ck_assert_ptr_nonnull(mkdtemp(path));
	return path;
}

static inline void
write_file(const char *path, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

/* Runs what `add` adds; main's return value. */
static inline int
run_suite(const char *name, void (*add)(TCase *))
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	tcase_set_timeout(cases, 60);
	add(cases);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
