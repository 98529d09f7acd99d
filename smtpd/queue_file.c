#include "queue_file.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "io.h"

int64_t
queue_now(void)
{
	return (int64_t)time(NULL);
}

bool
queue_lock(int file, off_t at, short type, int command)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
	int result;

	while ((result = fcntl(file, command, &lock)) < 0 && errno == EINTR)
		;
	return result == 0;
}

/* suffix: NULL for none. */
void
queue_path(const char *id, const char *suffix, char path[QUEUE_PATH])
{
	snprintf(
	    path, QUEUE_PATH, "queue/%s%s%s", id, suffix == NULL ? "" : ".", suffix == NULL ? "" : suffix);
}

bool
queue_is_there(const struct queue_entry *entry)
{
	struct stat st;

	return fstat(entry->file, &st) == 0 && st.st_nlink > 0;
}

int
queue_read_journal(struct queue_entry *entry, void (*notice)(const char *id, void *context), void *context)
{
	struct stat st;

	for (size_t i = 0; i < entry->message.recipients_n; i++) {
		struct queue_recipient *r = &entry->message.recipients[i];
		*r = (struct queue_recipient){
			.address = r->address, .mailbox = r->mailbox, .dsn = r->dsn, .owner = r->owner
		};
	}
	buf_clear(&entry->journal);
	if (fstat(entry->file, &st) < 0)
		return -1;
	errno = EBADMSG;
	if (st.st_size < entry->end)
		return -1;
	size_t n =
	    st.st_size - entry->end > QUEUE_JOURNAL ? QUEUE_JOURNAL : (size_t)(st.st_size - entry->end);
	if (n <= 1) /* the empty line */
		return 0;
	char *at = buf_reserve(&entry->journal, n);
	ssize_t got = at == NULL ? -1 : io_read_at(entry->file, at, n, entry->end);
	if (got < 0)
		return -1;
	entry->journal.len = (size_t)got;
	queue_journal_read(&entry->journal, &entry->message, notice, context);
	return 0;
}
