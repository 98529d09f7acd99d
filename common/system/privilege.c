/* initgroups(3), which every Unix has, is not in POSIX. */
#define _DEFAULT_SOURCE /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

#include "privilege.h"
#include "exits.h"

#include <sys/types.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
privilege_become(const char *user, char *reason, size_t reason_n)
{
	if (user[0] == '\0')
		return EXITS_DONE;
	errno = 0;
	/* cppcheck-suppress getpwnamCalled ; there are no threads */
	const struct passwd *pw = getpwnam(user);
	if (pw == NULL) {
		snprintf(
		    reason, reason_n, "user %s: %s", user, errno != 0 ? strerror(errno) : "no such user");
		return EXITS_CONFIG;
	}
	if (geteuid() != 0) {
		if (pw->pw_uid == geteuid())
			return EXITS_DONE;
		snprintf(reason, reason_n, "only root can become user %s", user);
		return EXITS_CONFIG;
	}
	if (initgroups(user, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0) {
		snprintf(reason, reason_n, "cannot become user %s: %s", user, strerror(errno));
		return EXITS_SYSTEM;
	}
	if (pw->pw_uid != 0 && setuid(0) == 0) {
		snprintf(reason, reason_n, "user %s could become root again", user);
		return EXITS_SYSTEM;
	}
	return EXITS_DONE;
}
