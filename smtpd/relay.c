#include "relay.h"

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "hash.h"
#include "io.h"
#include "nexthop.h"
#include "queue.h"
#include "smtp_client.h"

enum {
	CONNECT_SECONDS = 30, /* an address */
	OPEN_SECONDS =
	    600, /* for greeting, EHLO and login; and for all addresses: after that no other is tried */
	SEND_SECONDS = 3600, /* for a message, and a second more for each */
	SEND_BYTES = 4096,
	RECIPIENTS = 100 /* of a transaction; RFC 5321 4.5.3.1.8: nobody takes fewer */
};

struct relay {
	struct conn conn;
	struct smtp_client client;
	char host[256];
	int place; /* as take_place */
	bool used; /* a message went over it */
};

/* What the server said. What is tried again has a status of class 4, whatever the reply has. */
static void
take_answer(const struct relay *relay, const struct smtp_answer *answer, enum relay_verdict verdict,
    struct relay_result *result)
{
	static const char classes[] = { [RELAY_DONE] = '2', [RELAY_LATER] = '4', [RELAY_FAILED] = '5' };
	const char *text = answer->text == NULL ? "" : answer->text;
	struct span rest = smtp_reply_enhanced(span_of(text));
	char status[sizeof result->status];

	rest = rest.n > 0 ? span_slice(rest, 1, rest.n) : span_of(".0.0");
	snprintf(status, sizeof status, "%c%.*s", classes[verdict], (int)rest.n, rest.at);
	nexthop_result(result, verdict, status, "%s", text);
	memcpy(result->host, relay->host, sizeof result->host);
}

/* What became of a session, or of a message as a whole. */
static void
take_outcome(const struct relay *relay, enum smtp_outcome outcome, enum relay_verdict verdict,
    struct relay_result *result)
{
	const struct smtp_client *client = &relay->client;
	const char *status = client->status;

	if (client->answer.code != 0) {
		take_answer(relay, &client->answer, verdict, result);
		return;
	}
	if (status[0] == '\0')
		status = outcome == SMTP_PROTOCOL     ? "4.5.0"
			 : outcome == SMTP_DENIED     ? "4.7.0"
			 : outcome == SMTP_UNREADABLE ? "4.3.0"
						      : "4.4.2";
	nexthop_result(result, verdict, status, "%s: %s%s", relay->host, client->reason,
	    outcome == SMTP_MAYBE ? ", before it answered to the message; it may have taken it" : "");
}

/* Where a password may cross the network readable, auth-cleartext says. */
static enum smtp_outcome
log_in(struct relay *relay, const struct config *config, const struct route *route)
{
	struct smtp_client *client = &relay->client;
	struct peer peer;

	net_peer_of(relay->conn.in, &peer);
	if (!config_allows_cleartext(config, &peer) && smtp_client_auth_is_readable(client)) {
		snprintf(client->reason, sizeof client->reason,
		    "it wants the password readable, which auth-cleartext does not allow");
		return SMTP_DENIED;
	}
	return smtp_client_auth(client, span_of(route->user), span_of(route->password));
}

/*
 * A session over a new connection. A 5xx that speaks of us and not of a message may go by the hour or by the host: as Postfix does, try the
 * next one, and in the end again.
 */
static struct relay *
greet(int fd, const char *host, const struct config *config, const struct route *route,
    struct relay_result *result)
{
	struct relay *relay = malloc(sizeof *relay);

	if (relay == NULL || conn_init(&relay->conn, fd, fd, -1) < 0) {
		free(relay);
		close(fd);
		nexthop_result(result, RELAY_LATER, "4.3.0", "out of memory");
		return NULL;
	}
	smtp_client_init(&relay->client, &relay->conn);
	relay->place = -1;
	relay->used = false;
	snprintf(relay->host, sizeof relay->host, "%s", host);
	relay->client.deadline = conn_now() + OPEN_SECONDS * 1000;
	enum smtp_outcome outcome = smtp_client_open(&relay->client, config->hostname);
	if (outcome == SMTP_DONE && route->login)
		outcome = log_in(relay, config, route);
	if (outcome == SMTP_DONE)
		return relay;
	take_outcome(relay, outcome, RELAY_LATER, result);
	relay_close(relay);
	return NULL;
}

/*
 * A place among the connections to a host, which ends when the descriptor is closed: the lock of one of its bytes in a file. -1: there is none
 * for now, and *result says why.
 */
static int
take_place(int root, const struct server_name *host, struct relay_result *result, bool *busy)
{
	char name[ROUTES_DESTINATION];
	uint8_t digest[SHA256_SIZE];
	off_t at = 0;
	int file = io_open(root, "queue/hosts", O_RDWR | O_CREAT);

	if (file < 0) {
		nexthop_result(
		    result, RELAY_LATER, "4.3.0", "queue/hosts cannot be opened: %s", strerror(errno));
		return -1;
	}
	routes_write(host, name);
	sha256(name, strlen(name), digest);
	for (int i = 0; i < 4; i++)
		at = at << 8 | digest[i];
	for (int i = 0; i < HOST_CONNECTIONS; i++)
		if (queue_lock(file, HOST_CONNECTIONS * at + i, F_WRLCK, F_SETLK))
			return file;
	nexthop_result(
	    result, RELAY_LATER, "4.4.5", "%s has %d connections from here", host->host, HOST_CONNECTIONS);
	*busy = true;
	close(file);
	return -1;
}

static struct relay *
try_address(const struct sockaddr_storage *address, const char *host, const struct nexthop *hop,
    struct relay_result *result)
{
	socklen_t n =
	    address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	const struct sockaddr *where = (const struct sockaddr *)address;
	bool answered = result->host[0] != '\0';
	struct peer peer;

	int fd = net_connect(where, n, conn_now() + CONNECT_SECONDS * 1000);
	if (fd >= 0)
		return greet(fd, host, hop->target->config, &hop->route, result);
	int error = errno;
	net_peer(&peer, where, n);
	if (!answered) /* else that says more */
		nexthop_result(result, RELAY_LATER, "4.4.1", "%s (%s) cannot be reached: %s", host, peer.text,
		    strerror(error));
	return NULL;
}

struct relay *
relay_open(const struct relay_target *target, struct relay_result *result, bool *busy)
{
	int64_t deadline = conn_now() + OPEN_SECONDS * 1000;
	struct sockaddr_storage address;
	struct relay *relay = NULL;
	struct nexthop hop;
	const struct server_name *host;
	int place = -1;

	*busy = false;
	result->host[0] = '\0';
	if (nexthop_find(&hop, target, result))
		while (conn_now() < deadline && nexthop_next(&hop, &address, &host, result) &&
		       (place = take_place(target->root, host, result, busy)) >= 0) {
			relay = try_address(&address, host->host, &hop, result);
			if (relay != NULL)
				break;
			close(place);
		}
	if (relay != NULL)
		relay->place = place;
	wipe(&hop.route, sizeof hop.route);
	return relay;
}

void
relay_close(struct relay *relay)
{
	smtp_client_quit(&relay->client);
	smtp_client_free(&relay->client);
	conn_free(&relay->conn);
	io_close(relay->place);
	free(relay);
}

/* A transaction: recipients that share the envelope's other parts. */
struct batch {
	struct queue_entry *entry;
	unsigned offers; /* of the server */
	off_t at;	 /* of its content, which is read next */
	struct smtp_recipient recipients[RECIPIENTS];
	struct smtp_message message;
};

static int
next_piece(void *context, struct buf *out)
{
	struct batch *batch = context;

	return queue_read(batch->entry, &batch->at, out);
}

/* An alias with an owner is a list, RFC 5321 3.9.2. (Where postmaster is told in the sender's place there was none: 3.9.1.) */
static bool
is_of_list(const struct queue_recipient *recipient)
{
	return recipient->owner.n > 0 && memchr(recipient->owner.at, '@', recipient->owner.n) != NULL;
}

/* What a list sends on comes from its owner. But a bounce stays one. */
static struct span
sender_of(const struct queue_message *message, const struct queue_recipient *recipient)
{
	return is_of_list(recipient) && message->sender.n > 0 ? recipient->owner : message->sender;
}

static bool
may_share(
    const struct queue_message *message, const struct queue_recipient *a, const struct queue_recipient *b)
{
	return span_equal(sender_of(message, a), sender_of(message, b)) &&
	       span_is_ascii(a->address) == span_is_ascii(b->address);
}

static void
add_recipient(struct batch *batch, const struct queue_recipient *recipient)
{
	struct smtp_recipient *to = &batch->recipients[batch->message.recipients_n++];
	struct buf notify;

	to->address = recipient->address;
	batch->message.utf8 |= !span_is_ascii(recipient->address);
	if (is_of_list(recipient)) /* who sends to a list is not told of its members, RFC 3461 5.2.7.3 */
		return;
	to->orcpt = recipient->dsn.orcpt;
	/* No message fails for that: where it cannot stand, it is left out. */
	batch->message.utf8 |= !span_is_ascii(to->orcpt) && (batch->offers & SMTP_SMTPUTF8) != 0;
	buf_init(&notify, sizeof to->notify);
	dsn_write_notify(recipient->dsn.notify, &notify);
	snprintf(to->notify, sizeof to->notify, "%s", buf_string(&notify));
	buf_free(&notify);
}

static void
fill_batch(struct batch *batch, const size_t *which, size_t n)
{
	static const char *const returns[] = {
		[DSN_RET_NONE] = "", [DSN_RET_FULL] = "FULL", [DSN_RET_HDRS] = "HDRS"
	};
	const struct queue_message *from = &batch->entry->message;
	struct span sender = sender_of(from, &from->recipients[which[0]]);

	batch->message = (struct smtp_message){ .sender = sender,
		.ret = span_of(returns[from->ret]),
		.envid = from->envid,
		.recipients = batch->recipients,
		.size = from->size,
		.eight_bit = from->eight_bit,
		/* Clients say SMTPUTF8 without need, too: a message that is all ASCII goes anywhere. */
		.utf8 = (from->utf8 && from->eight_bit) || !span_is_ascii(sender),
		.body = next_piece,
		.context = batch };
	for (size_t i = 0; i < n; i++)
		add_recipient(batch, &from->recipients[which[i]]);
}

/*
 * What became of a recipient. A 552 may mean that there are too many, RFC 5321 4.5.3.1.10: where others were taken it is tried again, with
 * fewer. What is wrong with the message as a whole counts for all that nothing else was said of.
 */
static void
take_recipient(const struct relay *relay, const struct smtp_recipient *recipient, enum smtp_outcome outcome,
    struct relay_result *result)
{
	const struct smtp_client *client = &relay->client;
	bool taken = outcome == SMTP_DONE || outcome == SMTP_SOME;
	int code = recipient->answer.code;

	if (code >= 500 && !(code == 552 && taken))
		take_answer(relay, &recipient->answer, RELAY_FAILED, result);
	else if (code >= 400)
		take_answer(relay, &recipient->answer, RELAY_LATER, result);
	else if (taken)
		take_answer(relay, &client->answer, RELAY_DONE, result);
	else
		take_outcome(relay, outcome, outcome == SMTP_REFUSED ? RELAY_FAILED : RELAY_LATER, result);
	result->told = result->verdict == RELAY_DONE && (client->offers & SMTP_DSN) != 0;
}

/* False: it was over before, RELAY_STALE. */
static bool
send_batch(struct relay *relay, struct queue_entry *entry, const size_t *which, size_t n,
    struct relay_result *results)
{
	struct smtp_client *client = &relay->client;
	struct batch batch = { .entry = entry, .offers = client->offers, .at = entry->content };
	int64_t seconds = SEND_SECONDS + (int64_t)(entry->message.size / SEND_BYTES);

	fill_batch(&batch, which, n);
	client->deadline = conn_now() + seconds * 1000;
	enum smtp_outcome outcome = smtp_client_send(client, &batch.message);
	bool stale = relay->used && client->over && !client->begun;
	relay->used = true;
	for (size_t i = 0; i < n; i++) {
		take_recipient(relay, &batch.recipients[i], outcome, &results[i]);
		smtp_answer_free(&batch.recipients[i].answer);
	}
	return !stale;
}

enum relay_session
relay_send(struct relay *relay, struct queue_entry *entry, const size_t *which, size_t n,
    struct relay_result *results)
{
	const struct queue_recipient *recipients = entry->message.recipients;

	for (size_t i = 0, end; i < n; i = end) {
		end = i + 1;
		while (end < n && end - i < RECIPIENTS &&
		       may_share(&entry->message, &recipients[which[i]], &recipients[which[end]]))
			end++;
		if (!relay->client.over) {
			if (!send_batch(relay, entry, which + i, end - i, results + i) && i == 0)
				return RELAY_STALE;
		} else
			for (size_t k = i; k < end; k++)
				nexthop_result(&results[k], RELAY_LATER, "4.4.2",
				    "%s: the session ended before it", relay->host);
	}
	return relay->client.over ? RELAY_OVER : RELAY_STANDS;
}
