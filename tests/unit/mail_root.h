/*
 * mail_root: a fixture: a mail root in a scratch directory.
 */
#ifndef MAIL_ROOT_H
#define MAIL_ROOT_H

#include <stdio.h>

#include "unit.h"
#include "account.h"

static char *dir; /* its path */
static int root;  /* its descriptor */

static inline void
setup(void)
{
	dir = scratch_dir();
	root = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(root, 0);
}

static inline void
teardown(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
	close(root);
	free(dir);
}

static inline void
put(const char *text)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/accounts", dir);
	write_file(path, text, strlen(text));
}

/* Every name of the file, with a blank behind each. */
static inline void
expect_names(const char *expected)
{
	char name[ACCOUNT_NAME + 1], names[1000] = "";
	struct span rest, credential;
	struct buf text;

	ck_assert_int_eq(account_read(root, &text), 0);
	for (rest = buf_span(&text); account_next(&rest, name, &credential);) {
		strcat(names, name);
		strcat(names, " ");
	}
	buf_free(&text);
	ck_assert_str_eq(names, expected);
}

static inline enum account_status
add_user(const char *name, const char *password)
{
	return account_change(root, ACCOUNT_ADD, name, span_of(password));
}

static inline enum account_status
set_password(const char *name, const char *password)
{
	return account_change(root, ACCOUNT_PASSWD, name, span_of(password));
}

static inline enum account_status
remove_user(const char *name)
{
	return account_change(root, ACCOUNT_REMOVE, name, span_of(""));
}

static inline void
expect_password(const char *name, const char *password, bool right)
{
	struct credential c;

	ck_assert_int_eq(account_find(root, name, &c), ACCOUNT_OK);
	ck_assert(credential_verify(&c, span_of(password)) == right);
}

static inline void
expect_file(const char *path, const char *expected)
{
	char text[1000];
	int fd = openat(root, path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ssize_t n = read(fd, text, sizeof(text));

	close(fd);
	expect_span((struct span){ text, (size_t)n }, expected);
}

#endif
