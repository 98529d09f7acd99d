/* The lines that are printed. */
#include "checks.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *
check_fix(struct check *c, const char *format, ...)
{
	char text[CHECK_TEXT];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	buf_clear(&c->fix);
	buf_add_string(&c->fix, text);
	return buf_string(&c->fix);
}

const char *
check_fix_line(struct check *c, const char *reason)
{
	struct span rest, text;
	struct span file = span_until(span_of(reason), ':', &rest);
	long long line = span_number(span_until(rest, ':', &text), INT32_MAX);

	if (line < 0)
		return NULL;
	return check_fix(c, "sed -i '%llds/^/#/' %s/%.*s", line, buf_string(&c->dir), (int)file.n, file.at);
}

void
check_say(struct check *c, enum check_verdict verdict, const char *fix, const char *format, ...)
{
	static const char *const words[] = { "ok  ", "warn", "fail" };
	va_list list;

	printf("%s ", words[verdict]);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("%s%s\n", *fix != '\0' ? "; fix: " : "", fix);
	c->failed |= verdict == CHECK_FAIL;
}

bool
check_access(struct check *c, const char *path)
{
	struct stat st;
	bool stated = fstatat(c->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	int mode = R_OK | W_OK | (stated && S_ISDIR(st.st_mode) ? X_OK : 0);

	if (stated && faccessat(c->root, path, mode, AT_EACCESS) == 0)
		return true;
	const char *fix =
	    stated && st.st_uid == geteuid()
		? check_fix(c, "chmod -R u+rwX %s/%s", buf_string(&c->dir), path)
		: check_fix(c, "chown -R %ld %s/%s", (long)geteuid(), buf_string(&c->dir), path);
	check_say(c, CHECK_FAIL, fix, "%s: %s", path, strerror(errno));
	return false;
}
