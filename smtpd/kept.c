#include "kept.h"

#include <errno.h>

#include "io.h"

void
kept_init(struct kept *kept, size_t max)
{
	*kept = (struct kept){ .seen = { 0 } };
	buf_init(&kept->text, max);
}

void
kept_free(struct kept *kept)
{
	buf_free(&kept->text);
}

/* The time of the last change of the inode, which nobody can set, is in it. */
static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int
kept_refresh(struct kept *kept, int root, const char *name)
{
	struct stat now = { 0 };

	bool known = fstatat(root, name, &now, 0) == 0 || errno == ENOENT;
	if (known && kept->error == 0 && is_same(&now, &kept->seen))
		return 0;
	kept_free(kept);
	kept->seen = (struct stat){ 0 };
	kept->error = 0;
	if (io_read_file(root, name, 0, &kept->seen, &kept->text) == 0)
		return 1;
	kept->error = errno == ENOENT ? 0 : errno;
	kept->seen = (struct stat){ 0 };
	kept_free(kept);
	errno = kept->error;
	return kept->error == 0 ? 0 : -1;
}
