#include "serve.h"

#include <errno.h>
#include <unistd.h>

#include "bounds.h"
#include "log.h"

struct loop {
	struct conn *conn;
	const struct protocol *protocol;
	void *session;
	int64_t timeout;     /* milliseconds */
	int64_t command_end; /* deadlines, as conn_now */
	int64_t session_end;
	uint64_t progress; /* conn->received when command_end was set */
	size_t before;	   /* bytes of output before the last call of the session */
	int denied;	   /* failed logins */
	bool partial;	   /* the session can do nothing with what is unconsumed before more has come */
	bool stopping;	   /* a transfer is being finished, then it is over */
	enum serve_end end;
};

static bool
finish(struct loop *l, enum serve_end end)
{
	l->end = end;
	return false;
}

/* The peer has got somewhere: it has all its time again. */
static void
restart(struct loop *l)
{
	l->command_end = conn_now() + l->timeout;
	l->progress = l->conn->received;
}

/* All of the below: false when the session is over; why, is in l->end. */

static bool
flush(struct loop *l)
{
	if (l->conn->output.failed) {
		errno = ENOMEM;
		return finish(l, SERVE_ERROR);
	}
	if (l->conn->output.len == 0)
		return true;
	enum conn_status status = conn_flush(l->conn, l->timeout, l->session_end);
	if (status == CONN_TIMEOUT)
		return finish(l, l->stopping ? SERVE_STOPPED : SERVE_TIMEOUT);
	if (status != CONN_OK)
		return finish(l, SERVE_ERROR);
	restart(l);
	return true;
}

/* Whether the peer takes the last reply changes nothing. */
static bool
bid_farewell(struct loop *l, enum farewell why)
{
	static const enum serve_end ends[] = { [FAREWELL_STOP] = SERVE_STOPPED,
		[FAREWELL_TIMEOUT] = SERVE_TIMEOUT,
		[FAREWELL_DENIED] = SERVE_DENIED,
		[FAREWELL_EARLY] = SERVE_EARLY };
	int64_t patience = (int64_t)SERVE_FAREWELL * 1000;

	l->protocol->farewell(l->session, why, &l->conn->output);
	(void)conn_flush(l->conn, patience, conn_now() + patience);
	return finish(l, ends[why]);
}

static void
begin_stop(struct loop *l)
{
	int64_t grace_end = conn_now() + (int64_t)SERVER_GRACE * 1000;

	l->stopping = true;
	if (grace_end < l->session_end)
		l->session_end = grace_end;
}

/* Everything is answered: say so, and wait for the peer. */
static bool
wait_input(struct loop *l)
{
	if (l->stopping && !l->protocol->in_transfer(l->session))
		return bid_farewell(l, FAREWELL_STOP);
	if (!flush(l))
		return false;
	switch (conn_fill(l->conn, l->command_end < l->session_end ? l->command_end : l->session_end)) {
	case CONN_OK:
		if (l->conn->received - l->progress >= SERVE_PROGRESS && l->protocol->in_transfer(l->session))
			restart(l);
		l->partial = false;
		return true;
	case CONN_STOPPED:
		begin_stop(l);
		return true;
	case CONN_TIMEOUT:
		return bid_farewell(l, l->stopping ? FAREWELL_STOP : FAREWELL_TIMEOUT);
	case CONN_EOF:
		return finish(l, SERVE_EOF);
	case CONN_ERROR:
		break;
	}
	return finish(l, SERVE_ERROR);
}

static bool
step_input(struct loop *l, enum event *event)
{
	struct span bytes = conn_bytes(l->conn);
	size_t used = 0;

	if (bytes.n == 0 || l->partial)
		return wait_input(l);
	if (l->conn->output.len >= OUTPUT_CHUNK && !flush(l))
		return false;
	l->before = l->conn->output.len;
	*event = l->protocol->input(l->session, bytes, &used, &l->conn->output);
	conn_consume(l->conn, used);
	l->partial = *event == EVENT_INPUT && used == 0 && l->conn->output.len == l->before;
	return true;
}

static bool
step_output(struct loop *l, enum event *event)
{
	if (l->conn->output.len >= OUTPUT_CHUNK) {
		if (!l->stopping && conn_stopping(l->conn))
			begin_stop(l);
		if (!flush(l))
			return false;
	}
	*event = l->protocol->output(l->session, &l->conn->output);
	return true;
}

static bool
step_turn(struct loop *l, enum event *event)
{
	*event = EVENT_INPUT;
	if (!conn_pending(l->conn))
		return true;
	buf_cut(&l->conn->output, l->before);
	return bid_farewell(l, FAREWELL_EARLY);
}

static bool
step_denied(struct loop *l, enum event *event)
{
	pid_t self = getpid();

	*event = EVENT_INPUT;
	ssize_t n = write(l->conn->denied_fd, &self, sizeof self);
	(void)n;
	if (!l->stopping && conn_pause(l->conn, conn_now() + AUTH_DELAY) == CONN_STOPPED)
		begin_stop(l);
	/* Who is stopped here guesses from where too many come from, and may have sent more guesses already. */
	if (++l->denied < AUTH_TRIES && !l->stopping)
		return flush(l);
	return bid_farewell(l, FAREWELL_DENIED);
}

static bool
step(struct loop *l, enum event *event)
{
	switch (*event) {
	case EVENT_INPUT:
		return step_input(l, event);
	case EVENT_OUTPUT:
		return step_output(l, event);
	case EVENT_TURN:
		return step_turn(l, event);
	case EVENT_DENIED:
		return step_denied(l, event);
	case EVENT_DROP:
		return finish(l, SERVE_DROPPED);
	case EVENT_CLOSE:
		break;
	}
	return flush(l) && finish(l, SERVE_CLOSED);
}

enum serve_end
serve(struct conn *conn, const struct protocol *protocol, void *session, int timeout)
{
	static const char *const names[] = { "closed", "eof", "timeout", "stopped", "early", "dropped",
		"denied", "error" };
	struct loop l = { .conn = conn, .protocol = protocol, .session = session };

	l.timeout = (int64_t)timeout * 1000;
	l.session_end = conn_now() + l.timeout * SERVE_SESSION;
	restart(&l);
	enum event event = protocol->greet(session, &conn->output);
	while (step(&l, &event))
		;
	int error = errno;
	log_begin("disconnect");
	log_text("reason", names[l.end]);
	if (l.end == SERVE_ERROR)
		log_errno(error);
	log_number("received", (long long)conn->received);
	log_number("sent", (long long)conn->sent);
	log_end();
	conn->linger = l.end != SERVE_EOF && l.end != SERVE_DROPPED && l.end != SERVE_ERROR;
	return l.end;
}
