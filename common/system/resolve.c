/* The values of h_errno, which POSIX had until 2008, and MAP_ANONYMOUS, which it has since 2024. */
#define _DEFAULT_SOURCE /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#include "resolve.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"

/*
 * The resolver is libc's. Neither its TCP nor getaddrinfo(3) can be given a deadline, so each question has a child of its own, which the kernel
 * ends; and what a hostile server might do to libc it does to that child.
 */

struct question {
	const char *server, *name;
	enum resolve_status (*ask)(const struct question *, void *found);
	size_t size; /* of what is found */
};

#ifdef res_ninit

enum { OWN_SECONDS = 3, OWN_TRIES = 2 }; /* for a server that the configuration names: it is near */

/* -1: this libc has no way to do it. */
static int
set_server(struct __res_state *state, const char *server)
{
	struct sockaddr_storage address;
	socklen_t n;

	if (net_parse(server, &address, &n) < 0)
		return -1;
	state->nscount = 1;
	state->retrans = OWN_SECONDS;
	state->retry = OWN_TRIES;
	memcpy(&state->nsaddr_list[0], &address, sizeof state->nsaddr_list[0]);
	if (address.ss_family == AF_INET)
		return 0;
#ifdef __GLIBC__
	struct sockaddr_in6 *v6 = malloc(sizeof *v6);
	if (v6 == NULL)
		return -1;
	memcpy(v6, &address, sizeof *v6);
	state->_u._ext.nsaddrs[0] = v6;
	state->nsaddr_list[0].sin_family = 0; /* look there */
	return 0;
#else
	return -1;
#endif
}

/* The bytes of an answer; or -1 with *error, as h_errno has it. */
static int
query(const struct question *q, enum dns_type type, unsigned char answer[DNS_MESSAGE], int *error)
{
	struct __res_state state;

	memset(&state, 0, sizeof state);
	*error = TRY_AGAIN;
	if (res_ninit(&state) < 0 || (q->server[0] != '\0' && set_server(&state, q->server) < 0))
		return -1;
	int n = res_nquery(&state, q->name, ns_c_in, (int)type, answer, DNS_MESSAGE);
	*error = state.res_h_errno;
	return n;
}

#else /* there is but the one resolver, and it asks whom resolv.conf(5) names */

static int
query(const struct question *q, enum dns_type type, unsigned char answer[DNS_MESSAGE], int *error)
{
	*error = TRY_AGAIN;
	if (q->server[0] != '\0')
		return -1;
	int n = res_query(q->name, ns_c_in, (int)type, answer, DNS_MESSAGE);
	*error = h_errno;
	return n;
}

#endif

static enum resolve_status
ask_dns(const struct question *q, enum dns_type type, unsigned char message[DNS_MESSAGE],
    struct dns_answer *answer)
{
	int error;
	int n = query(q, type, message, &error);

	if (n < 0 && error == HOST_NOT_FOUND)
		return RESOLVE_NO_DOMAIN;
	if (n < 0 && error == NO_DATA)
		return RESOLVE_NO_RECORD;
	if (n < 0 || n > DNS_MESSAGE)
		return RESOLVE_LATER;
	struct span bytes = { (const char *)message, (size_t)n };
	switch (dns_begin(answer, bytes, q->name, type)) {
	case DNS_ANSWER:
		return RESOLVE_OK;
	case DNS_NO_DOMAIN:
		return RESOLVE_NO_DOMAIN;
	case DNS_REFUSED:
	case DNS_BAD:
		break;
	}
	return RESOLVE_LATER;
}

/* At its place by preference; where the list is full, the worst goes. */
static void
insert(struct resolve_hosts *hosts, const struct dns_record *record)
{
	size_t at = hosts->n;

	while (at > 0 && hosts->list[at - 1].preference > record->preference)
		at--;
	if (at == RESOLVE_HOSTS)
		return;
	if (hosts->n < RESOLVE_HOSTS)
		hosts->n++;
	memmove(&hosts->list[at + 1], &hosts->list[at], (hosts->n - at - 1) * sizeof hosts->list[0]);
	hosts->list[at].preference = record->preference;
	memcpy(hosts->list[at].host, record->host, sizeof record->host);
}

static enum resolve_status
ask_mx(const struct question *q, void *found)
{
	struct resolve_hosts *hosts = found;
	unsigned char message[DNS_MESSAGE];
	struct dns_answer answer;
	struct dns_record record;

	enum resolve_status status = ask_dns(q, DNS_MX, message, &answer);
	while (status == RESOLVE_OK && dns_next(&answer, &record) > 0)
		insert(hosts, &record);
	return status == RESOLVE_OK && hosts->n == 0 ? RESOLVE_NO_RECORD : status;
}

static void
add_address(struct resolve_addresses *to, const struct sockaddr *address, size_t n)
{
	if (to->n < RESOLVE_ADDRESSES && n <= sizeof to->list[0])
		memcpy(&to->list[to->n++], address, n);
}

static enum resolve_status
ask_addresses(const struct question *q, enum dns_type type, struct resolve_addresses *to, size_t most)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	unsigned char message[DNS_MESSAGE];
	struct dns_answer answer;
	struct dns_record record;

	enum resolve_status status = ask_dns(q, type, message, &answer);
	while (status == RESOLVE_OK && to->n < most && dns_next(&answer, &record) > 0) {
		memcpy(&v4.sin_addr, record.address, sizeof v4.sin_addr);
		memcpy(&v6.sin6_addr, record.address, sizeof v6.sin6_addr);
		if (type == DNS_A)
			add_address(to, (struct sockaddr *)&v4, sizeof v4);
		else
			add_address(to, (struct sockaddr *)&v6, sizeof v6);
	}
	return status;
}

static enum resolve_status
ask_host(const struct question *q, void *found)
{
	struct resolve_addresses *to = found;

	/* Neither kind may crowd out the other. */
	enum resolve_status v6 = ask_addresses(q, DNS_AAAA, to, RESOLVE_ADDRESSES / 2);
	enum resolve_status v4 = ask_addresses(q, DNS_A, to, RESOLVE_ADDRESSES);
	if (to->n > 0)
		return RESOLVE_OK;
	if (v4 == RESOLVE_LATER || v6 == RESOLVE_LATER)
		return RESOLVE_LATER;
	return v4 == RESOLVE_NO_DOMAIN ? RESOLVE_NO_DOMAIN : RESOLVE_NO_RECORD;
}

static enum resolve_status
ask_system(const struct question *q, void *found)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list = NULL;
	int error = getaddrinfo(q->name, NULL, &hints, &list);

	if (error == EAI_NONAME)
		return RESOLVE_NO_DOMAIN;
	if (error != 0)
		return error == EAI_AGAIN || error == EAI_MEMORY || error == EAI_SYSTEM ? RESOLVE_LATER
											: RESOLVE_NO_RECORD;
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		add_address(found, a->ai_addr, a->ai_addrlen);
	return RESOLVE_OK;
}

static enum resolve_status
ask(const struct question *q, void *found)
{
	/* In memory that we share with the child. */
	struct answer {
		enum resolve_status status;
		union {
			struct resolve_hosts hosts;
			struct resolve_addresses addresses;
		} found;
	} * answer;

	memset(found, 0, q->size);
	if (!dns_is_name(span_of(q->name)))
		return RESOLVE_NO_DOMAIN;
	answer = mmap(NULL, sizeof *answer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answer == MAP_FAILED)
		return RESOLVE_LATER;
	answer->status = RESOLVE_LATER;
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(RESOLVE_SECONDS);
		answer->status = q->ask(q, &answer->found);
		_exit(EXIT_SUCCESS);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	enum resolve_status status = answer->status;
	if (status != RESOLVE_LATER)
		memcpy(found, &answer->found, q->size);
	munmap(answer, sizeof *answer);
	return status;
}

enum resolve_status
resolve_mx(const char *server, const char *name, struct resolve_hosts *hosts)
{
	const struct question q = { server, name, ask_mx, sizeof *hosts };

	return ask(&q, hosts);
}

enum resolve_status
resolve_host(const char *server, const char *name, struct resolve_addresses *addresses)
{
	const struct question q = { server, name, server[0] == '\0' ? ask_system : ask_host,
		sizeof *addresses };

	return ask(&q, addresses);
}
