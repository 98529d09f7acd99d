/*
 * What went wrong with a mailbox, for replies and for the log.
 */
#include <errno.h>
#include <stdio.h>

#include "log.h"
#include "maildrop.h"

const char *
maildrop_words(enum maildrop_status status)
{
	static const char *const words[] = {
		[MAILDROP_OK] = "ok",
		[MAILDROP_TEMP] = "mailbox not available now",
		[MAILDROP_FULL] = "disk full",
		[MAILDROP_QUOTA] = "mailbox full",
		[MAILDROP_TOO_BIG] = "message too big for the mailbox",
		[MAILDROP_BROKEN] = "mailbox is no mbox",
		[MAILDROP_IN_USE] = "mailbox in use by another session",
		[MAILDROP_CHANGED] = "mailbox was changed by another program",
	};

	return words[status];
}

enum maildrop_status
maildrop_status_of(int error)
{
	switch (error) {
	case ENOSPC:
		return MAILDROP_FULL;
	case EDQUOT:
		return MAILDROP_QUOTA;
	case EFBIG:
		return MAILDROP_TOO_BIG;
	case EBADMSG:
	case ELOOP:
	case EISDIR:
	case ENOTDIR:
	case ENXIO:
		return MAILDROP_BROKEN;
	default:
		return MAILDROP_TEMP;
	}
}

enum maildrop_status
maildrop_failed(const struct maildrop *m, const char *what)
{
	char file[128];

	snprintf(file, sizeof(file), "users/%s/mbox", m->name);
	log_failure(what, "file", file);
	return maildrop_status_of(errno);
}
