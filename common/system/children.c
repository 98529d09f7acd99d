#include "children.h"

#include <netinet/in.h>

#include <signal.h>
#include <stdlib.h>

uint64_t
children_source(const struct peer *peer)
{
	uint64_t source = 0;

	if (peer->address.ss_family == AF_INET6) {
		const struct in6_addr *address = &((const struct sockaddr_in6 *)&peer->address)->sin6_addr;
		for (int i = 0; i < 8; i++)
			source = source << 8 | address->s6_addr[i];
	} else if (peer->address.ss_family == AF_INET) {
		/* No IPv6 source begins with 32 ones: that would be multicast. */
		source = (uint64_t)UINT32_MAX << 32 |
			 ntohl(((const struct sockaddr_in *)&peer->address)->sin_addr.s_addr);
	}
	return source;
}

int
children_reserve(struct children *c)
{
	if (c->n < c->size)
		return 0;
	size_t size = c->size == 0 ? 64 : c->size * 2;
	struct child *list = realloc(c->list, size * sizeof *list);
	if (list == NULL)
		return -1;
	c->list = list;
	c->size = size;
	return 0;
}

void
children_add(struct children *c, pid_t pid, uint64_t source)
{
	c->list[c->n++] = (struct child){ .pid = pid, .source = source };
}

struct child *
children_find(const struct children *c, pid_t pid)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].pid == pid)
			return &c->list[i];
	return NULL;
}

void
children_remove(struct children *c, pid_t pid)
{
	struct child *child = children_find(c, pid);

	if (child != NULL)
		*child = c->list[--c->n];
}

size_t
children_from(const struct children *c, uint64_t source)
{
	size_t count = 0;

	for (size_t i = 0; i < c->n; i++)
		count += c->list[i].source == source;
	return count;
}

void
children_end_denied(const struct children *c, uint64_t source)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].denied && c->list[i].source == source)
			kill(c->list[i].pid, SIGTERM);
}

void
children_kill(const struct children *c, int signal)
{
	for (size_t i = 0; i < c->n; i++)
		kill(c->list[i].pid, signal);
}
