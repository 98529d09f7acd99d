#include "penalty.h"

/* Its place; p->n where it has none. */
static size_t
find(const struct penalty *p, uint64_t source)
{
	size_t i = 0;

	while (i < p->n && p->list[i].source != source)
		i++;
	return i;
}

/* A place for one more: where all are taken, that of who owes least. */
static size_t
make_room(struct penalty *p)
{
	size_t least = 0;

	if (p->n < AUTH_SOURCES)
		return p->n++;
	for (size_t i = 1; i < p->n; i++)
		if (p->list[i].until < p->list[least].until)
			least = i;
	return least;
}

void
penalty_add(struct penalty *p, uint64_t source, int64_t now)
{
	size_t i = find(p, source);

	if (i == p->n) {
		i = make_room(p);
		p->list[i].source = source;
		p->list[i].until = now;
	}
	if (p->list[i].until < now)
		p->list[i].until = now;
	p->list[i].until += AUTH_FORGOTTEN;
}

bool
penalty_due(const struct penalty *p, uint64_t source, int64_t now)
{
	size_t i = find(p, source);

	return i < p->n && p->list[i].until - now > (int64_t)AUTH_FAILURES * AUTH_FORGOTTEN;
}
