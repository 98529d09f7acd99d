/*
 * dns: the response of a name server (RFC 1035 4), which may say anything at all. Pure.
 */
#ifndef DNS_H
#define DNS_H

#include "span.h"

enum {
	DNS_NAME = 253,	    /* characters of the longest name, without its last dot */
	DNS_ALIASES = 16,   /* a chain of more CNAMEs is taken for a circle */
	DNS_MESSAGE = 65535 /* bytes of the longest message */
};

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_MX = 15, DNS_AAAA = 28 };

struct dns_record {
	unsigned preference;	   /* MX */
	char host[DNS_NAME + 1];   /* MX; empty: the root, RFC 7505; "?": dns_is_name would not take it */
	unsigned char address[16]; /* A (4 bytes), AAAA; network order */
};

/* A walk through the records that answer the question. */
struct dns_answer {
	struct span message; /* the caller's */
	enum dns_type type;
	char owner[DNS_NAME + 1]; /* the name, or what its CNAMEs lead to */
	size_t records, at;	  /* where they begin, and the next one */
	unsigned count, left;
};

enum dns_result {
	DNS_ANSWER,
	DNS_NO_DOMAIN, /* NXDOMAIN */
	DNS_REFUSED,   /* the server failed, or does not want to */
	DNS_BAD	       /* truncated, malformed, a circle, or the answer to another question */
};

/* Only letters, digits, - and _, in labels of 1 to 63, DNS_NAME in all, and no number at the end: a name that can be asked for. */
bool dns_is_name(struct span);

/* Begin with a response to the question for that name and type. */
enum dns_result dns_begin(struct dns_answer *, struct span message, const char *name, enum dns_type);

/* The next record of that type. 1; 0: there are no more. */
int dns_next(struct dns_answer *, struct dns_record *);

#endif
