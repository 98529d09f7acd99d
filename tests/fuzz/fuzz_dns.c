/* A name server's response: what comes out of it is names and addresses, however it was made, and it comes out again. */
#include "dns.h"

#include "fuzz.h"

/* The first byte says what was asked. */
void
fuzz(struct span input)
{
	static const enum dns_type types[] = { DNS_MX, DNS_A, DNS_AAAA };
	struct dns_answer answer;
	struct dns_record record;

	if (input.n == 0)
		return;
	enum dns_type type = types[(unsigned char)input.at[0] % 3];
	span_skip(&input, 1);
	struct span message = fuzz_cut(&input, 0);
	enum dns_result result = dns_begin(&answer, message, "example.org", type);
	MUST(dns_begin(&answer, message, "example.org", type) == result);
	if (result != DNS_ANSWER)
		return;
	unsigned records = 0;
	while (dns_next(&answer, &record) > 0) {
		MUST(++records <= message.n / 11);
		if (type == DNS_MX)
			MUST(record.host[0] == '\0' || strcmp(record.host, "?") == 0 ||
			     dns_is_name(span_of(record.host)));
	}
	MUST(dns_next(&answer, &record) == 0);
}
