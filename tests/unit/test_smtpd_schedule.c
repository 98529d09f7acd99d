#include "bounds.h"
#include "schedule.h"

#include <stdio.h>

#include "unit.h"

static struct schedule s;

static const char *
id_of(int n)
{
	static char id[UNIQUE_ID + 1];

	snprintf(id, sizeof id, "%026d", n);
	return id;
}

static void
add_wait(int n, const char *destination, int64_t due)
{
	ck_assert_ptr_nonnull(schedule_add(&s, id_of(n), destination, due));
}

static int64_t
next(void)
{
	int64_t when;

	(void)schedule_next(&s, &when);
	return when;
}

static struct host *
next_host(int64_t now)
{
	int64_t when;
	struct host *host = schedule_next(&s, &when);

	return when <= now ? host : NULL;
}

static int
strangers(void)
{
	int n = 0;

	for (const struct host *host = s.first; host != NULL; host = host->following)
		n += host->workers > 0 && !host->answered;
	return n;
}

static void
answered(struct host *host, bool answered)
{
	host->answered = answered;
	host->closed = 0;
}

static void
end_at(struct host *host, int64_t closed)
{
	host->closed = closed;
	schedule_end(&s, host);
}

/* A worker begins where the next one is to go. */
static struct host *
begin(int64_t now)
{
	struct host *host = next_host(now);

	if (host != NULL)
		schedule_begin(&s, host);
	return host;
}

/* All that is due is done. How many that was. */
static int
work(struct host *host, int64_t now)
{
	struct wait *wait;
	int n = 0;

	for (; (wait = schedule_take(host, now)) != NULL; n++)
		schedule_drop(&s, wait);
	return n;
}

static void
expect_work(int64_t now, const char *destination, int n)
{
	struct host *host = begin(now);

	ck_assert_ptr_nonnull(host);
	ck_assert_str_eq(host->name, destination);
	ck_assert_int_eq(work(host, now), n);
	schedule_end(&s, host);
}

static void
expect_empty(void)
{
	ck_assert_uint_eq(s.waiting, 0);
	ck_assert_int_eq(s.workers, 0);
	ck_assert_int_eq(strangers(), 0);
	ck_assert_ptr_null(s.first);
	ck_assert_ptr_null(s.waits);
	ck_assert_ptr_null(s.hosts);
	ck_assert_int_eq(next(), INT64_MAX);
}

START_TEST(gives_what_is_due)
{
	ck_assert_ptr_null(next_host(1000));
	add_wait(1, "a", 100);
	add_wait(2, "a", 101);
	add_wait(3, "b", 99);
	ck_assert(schedule_knows(&s, id_of(1)) && !schedule_knows(&s, id_of(4)));
	ck_assert_int_eq(next(), 99);
	ck_assert_ptr_null(next_host(98));
	expect_work(100, "b", 1);
	ck_assert(!schedule_knows(&s, id_of(3)));
	struct host *host = begin(100);
	struct wait *wait = schedule_take(host, 100);
	ck_assert_str_eq(wait->id, id_of(1));
	ck_assert(schedule_knows(&s, id_of(1)));
	ck_assert_ptr_null(schedule_take(host, 100));
	schedule_drop(&s, wait);
	/* The worker is still there when the next one is due. */
	ck_assert_int_eq(work(host, 101), 1);
	schedule_end(&s, host);
	expect_empty();
}
END_TEST

/* In whatever order they come, also while a worker has one. */
START_TEST(counts_an_entry_once_a_destination)
{
	for (int i = 0; i < 3; i++) {
		add_wait(1, "a", 5);
		add_wait(2, "a", 5);
		add_wait(1, "b", 6);
	}
	ck_assert_uint_eq(s.waiting, 3);
	struct host *host = begin(5);
	struct wait *wait = schedule_take(host, 5);
	add_wait(1, "a", 3);
	add_wait(2, "a", 3);
	ck_assert_uint_eq(s.waiting, 3);
	ck_assert_int_eq(work(host, 5), 1);
	schedule_return(wait, 7, false);
	ck_assert_uint_eq(s.waiting, 2);
	ck_assert_int_eq(work(host, 7), 1);
	schedule_end(&s, host);
	expect_work(7, "b", 1);
	expect_empty();
}
END_TEST

START_TEST(takes_the_earlier_time)
{
	add_wait(1, "a", 50);
	add_wait(1, "a", 40);
	add_wait(1, "a", 60);
	ck_assert_int_eq(next(), 40);
	struct host *host = begin(40);
	struct wait *wait = schedule_take(host, 40);
	ck_assert_int_eq(wait->due, 40);
	schedule_drop(&s, wait);
	schedule_end(&s, host);
	expect_empty();
}
END_TEST

/* What it knows of the entry's other recipients is no reason to try what has stalled before its time. */
START_TEST(leaves_alone_what_has_stalled)
{
	add_wait(1, "a", 0);
	struct host *host = begin(0);
	schedule_return(schedule_take(host, 0), 60, true);
	add_wait(1, "a", 0);
	ck_assert_ptr_null(schedule_take(host, 59));
	struct wait *wait = schedule_take(host, 60);
	schedule_return(wait, 90, false);
	add_wait(1, "a", 70);
	ck_assert_int_eq(work(host, 70), 1);
	schedule_end(&s, host);
	expect_empty();
}
END_TEST

/* One at first; when the host has answered, others where many wait, or one waits for long. */
START_TEST(trusts_a_host_that_has_answered)
{
	struct host *host;
	int workers = 1, n = 0;

	for (; n < SCHEDULE_LONG * HOST_CONNECTIONS; n++)
		add_wait(n, "a", 10);
	host = begin(10);
	ck_assert_int_eq(strangers(), 1);
	ck_assert_ptr_null(next_host(1000));
	answered(host, true);
	ck_assert_int_eq(strangers(), 0);
	while (begin(10) == host)
		workers++;
	ck_assert_int_eq(workers, HOST_CONNECTIONS);
	ck_assert_ptr_null(next_host(1000));
	while (workers > 1) {
		schedule_end(&s, host);
		workers--;
	}
	while (n > SCHEDULE_LONG) {
		schedule_drop(&s, schedule_take(host, 10));
		n--;
	}
	ck_assert_ptr_null(next_host(10 + SCHEDULE_TURN - 1));
	ck_assert_ptr_eq(next_host(10 + SCHEDULE_TURN), host);
	work(host, 10);
	schedule_end(&s, host);
	expect_empty();
}
END_TEST

START_TEST(bounds_the_workers)
{
	struct host *hosts[SCHEDULE_WORKERS];
	char name[10];
	int n = 0;

	for (int i = 0; i < 2 * SCHEDULE_WORKERS; i++) {
		snprintf(name, sizeof name, "d%d", i);
		add_wait(i, name, i);
	}
	while ((hosts[n] = begin(1000)) != NULL)
		work(hosts[n++], 1000);
	ck_assert_int_eq(n, SCHEDULE_STRANGERS);
	ck_assert_int_eq(next(), INT64_MAX);
	/* Mailboxes here are no strangers. */
	add_wait(100, "", 0);
	hosts[n] = begin(1000);
	ck_assert_str_eq(hosts[n]->name, "");
	n++;
	for (int i = 0; n < SCHEDULE_WORKERS; n++) {
		answered(hosts[i++], true);
		hosts[n] = begin(1000);
		work(hosts[n], 1000);
	}
	ck_assert_int_eq(strangers(), SCHEDULE_STRANGERS - 1);
	answered(hosts[SCHEDULE_WORKERS - 1], true);
	ck_assert_ptr_nonnull(next_host(1000));
	work(hosts[SCHEDULE_STRANGERS], 1000);
	for (int i = 0; i < n; i++)
		schedule_end(&s, hosts[i]);
	for (struct host *host; (host = begin(1000)) != NULL; schedule_end(&s, host))
		work(host, 1000);
	expect_empty();
}
END_TEST

/* A host that was not reached: its mail, what comes later, too, waits until then, and then one goes there. */
START_TEST(leaves_a_dead_host_alone)
{
	add_wait(1, "a", 0);
	struct host *host = begin(10);
	struct wait *wait = schedule_take(host, 10);
	answered(host, true);
	schedule_return(wait, 500, false);
	answered(host, false);
	ck_assert_int_eq(strangers(), 1);
	end_at(host, 400);
	add_wait(2, "a", 20);
	add_wait(3, "b", 30);
	expect_work(399, "b", 1);
	ck_assert_ptr_null(next_host(399));
	ck_assert_int_eq(next(), 400);
	ck_assert_ptr_eq(begin(400), host);
	ck_assert_int_eq(strangers(), 1);
	ck_assert_int_eq(work(host, 400), 1);
	ck_assert_int_eq(work(host, 500), 1);
	schedule_end(&s, host);
	expect_empty();
}
END_TEST

START_TEST(flushes)
{
	add_wait(1, "a", 0);
	struct host *host = begin(0);
	schedule_return(schedule_take(host, 0), 60, true);
	end_at(host, 60);
	add_wait(2, "b", 3600);
	add_wait(3, "b", 7200);
	schedule_flush(&s, 5);
	ck_assert_int_eq(next(), 5);
	for (int i = 0; i < 2; i++) {
		host = begin(5);
		ck_assert_int_eq(work(host, 5), host->name[0] == 'a' ? 1 : 2);
		schedule_end(&s, host);
	}
	expect_empty();
}
END_TEST

/* It is known until the end, and does nothing. */
START_TEST(shuns_what_is_broken)
{
	schedule_shun(&s, id_of(1));
	schedule_shun(&s, id_of(1));
	ck_assert(schedule_knows(&s, id_of(1)));
	ck_assert_ptr_null(next_host(1000));
}
END_TEST

/* Any order of events: nothing is lost, nothing is given out twice, no bound is passed. */
START_TEST(keeps_count)
{
	struct {
		struct host *host;
		struct wait *wait;
	} workers[SCHEDULE_WORKERS] = { { NULL, NULL } }, *w;
	unsigned dice = 1;
	size_t in = 0;
	int ids = 0;

	for (int64_t now = 0; now < 20000 || s.waiting > 0 || s.workers > 0; now++) {
		dice = dice * 1103515245 + 12345;
		unsigned die = dice / 65536;
		w = &workers[die % SCHEDULE_WORKERS];
		char name[4] = { (char)('a' + die % 23), '\0' };
		if (now < 15000) {
			add_wait(ids++, name, now);
			in++;
		}
		if (w->host == NULL) {
			w->host = s.workers < SCHEDULE_WORKERS ? begin(now) : NULL;
		} else if (w->wait == NULL && (w->wait = schedule_take(w->host, now)) != NULL) {
			ck_assert(w->wait->taken);
		} else if (w->wait != NULL && die % 3 == 0) {
			schedule_return(w->wait, now + 50, false);
			w->wait = NULL;
		} else if (w->wait != NULL) {
			answered(w->host, true);
			schedule_drop(&s, w->wait);
			w->wait = NULL;
			in--;
		} else {
			if (die % 5 == 0)
				answered(w->host, false);
			end_at(w->host, die % 5 == 0 ? now + 50 : 0);
			w->host = NULL;
		}
		ck_assert_int_le(strangers(), SCHEDULE_STRANGERS + HOST_CONNECTIONS);
		ck_assert_int_le(s.workers, SCHEDULE_WORKERS);
		ck_assert_uint_eq(s.waiting, in);
	}
	expect_empty();
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, gives_what_is_due);
	tcase_add_test(t, counts_an_entry_once_a_destination);
	tcase_add_test(t, takes_the_earlier_time);
	tcase_add_test(t, leaves_alone_what_has_stalled);
	tcase_add_test(t, trusts_a_host_that_has_answered);
	tcase_add_test(t, bounds_the_workers);
	tcase_add_test(t, leaves_a_dead_host_alone);
	tcase_add_test(t, flushes);
	tcase_add_test(t, shuns_what_is_broken);
	tcase_add_test(t, keeps_count);
}

int
main(void)
{
	return run_suite("schedule", add);
}
