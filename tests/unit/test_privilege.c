#include "exits.h"
#include "unit.h"

#include <pwd.h>
#include <stdio.h>

#include "privilege.h"

/* Each test is a process of its own. */

static char reason[200];

START_TEST(nobody_named_changes_nothing)
{
	uid_t before = geteuid();

	ck_assert_int_eq(privilege_become("", reason, sizeof reason), EXITS_DONE);
	ck_assert_uint_eq(geteuid(), before);
}
END_TEST

START_TEST(an_unknown_user_is_an_error)
{
	ck_assert_int_eq(privilege_become("no-such-user", reason, sizeof reason), EXITS_CONFIG);
	ck_assert_str_eq(reason, "user no-such-user: no such user");
}
END_TEST

START_TEST(root_becomes_the_user_for_good)
{
	const struct passwd *pw = getpwnam("nobody");

	if (geteuid() != 0 || pw == NULL)
		return;
	uid_t uid = pw->pw_uid;
	gid_t gid = pw->pw_gid, groups[64];
	ck_assert_int_eq(privilege_become("nobody", reason, sizeof reason), EXITS_DONE);
	ck_assert_uint_eq(getuid(), uid);
	ck_assert_uint_eq(geteuid(), uid);
	ck_assert_uint_eq(getgid(), gid);
	ck_assert_uint_eq(getegid(), gid);
	int n = getgroups(64, groups);
	for (int i = 0; i < n; i++)
		ck_assert_uint_ne(groups[i], 0);
	ck_assert_int_lt(setuid(0), 0);
	ck_assert_int_lt(seteuid(0), 0);
	/* And now without root. */
	ck_assert_int_eq(privilege_become("nobody", reason, sizeof reason), EXITS_DONE);
	ck_assert_int_eq(privilege_become("root", reason, sizeof reason), EXITS_CONFIG);
	ck_assert_str_eq(reason, "only root can become user root");
}
END_TEST

START_TEST(without_root_only_oneself)
{
	if (geteuid() == 0)
		return;
	const struct passwd *pw = getpwuid(geteuid());
	char name[64];
	ck_assert_ptr_nonnull(pw);
	snprintf(name, sizeof name, "%s", pw->pw_name);
	ck_assert_int_eq(privilege_become(name, reason, sizeof reason), EXITS_DONE);
	ck_assert_int_eq(privilege_become("root", reason, sizeof reason), EXITS_CONFIG);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, nobody_named_changes_nothing);
	tcase_add_test(t, an_unknown_user_is_an_error);
	tcase_add_test(t, root_becomes_the_user_for_good);
	tcase_add_test(t, without_root_only_oneself);
}

int
main(void)
{
	return run_suite("privilege", add);
}
