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
add_wait(int n, const char *domain, int64_t due)
{
	ck_assert_int_eq(schedule_add(&s, id_of(n), domain, due, due), 0);
}

/* All of it is over, as the worker found it. */
static void
end_batch(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		schedule_drop(&s, batch->waits[i]);
	schedule_end(&s, batch, 0);
}

static void
expect_empty(void)
{
	ck_assert_uint_eq(s.waits, 0);
	ck_assert_int_eq(s.workers, 0);
	ck_assert_int_eq(s.to_strangers, 0);
	ck_assert_ptr_null(s.first);
	ck_assert_ptr_null(s.known);
	ck_assert_ptr_null(s.hosts);
	ck_assert_int_eq(schedule_next(&s), INT64_MAX);
}

START_TEST(gives_what_is_due)
{
	struct batch batch;

	ck_assert(!schedule_take(&s, 1000, &batch));
	add_wait(1, "a", 100);
	add_wait(2, "a", 101);
	add_wait(3, "b", 99);
	ck_assert(schedule_knows(&s, id_of(1)) && !schedule_knows(&s, id_of(4)));
	ck_assert_int_eq(schedule_next(&s), 99);
	ck_assert(!schedule_take(&s, 98, &batch));
	ck_assert(schedule_take(&s, 100, &batch));
	ck_assert_str_eq(batch.host->domain, "b");
	end_batch(&batch);
	ck_assert(!schedule_knows(&s, id_of(3)));
	ck_assert(schedule_take(&s, 100, &batch));
	ck_assert_str_eq(batch.host->domain, "a");
	ck_assert_uint_eq(batch.n, 1);
	ck_assert_str_eq(batch.waits[0]->known->id, id_of(1));
	ck_assert(schedule_knows(&s, id_of(1)));
	end_batch(&batch);
	ck_assert_int_eq(schedule_next(&s), 101);
	ck_assert(schedule_take(&s, 101, &batch));
	end_batch(&batch);
	expect_empty();
}
END_TEST

START_TEST(counts_an_entry_once_a_domain)
{
	struct batch batch;

	for (int i = 0; i < 3; i++) {
		add_wait(1, "a", 0);
		add_wait(1, "b", 0);
	}
	ck_assert_uint_eq(s.waits, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert(schedule_knows(&s, id_of(1)));
		ck_assert(schedule_take(&s, 0, &batch));
		ck_assert_uint_eq(batch.n, 1);
		end_batch(&batch);
	}
	expect_empty();
}
END_TEST

/* One at first; what is too much for it comes back when the host has answered, and others may go there. */
START_TEST(trusts_a_host_that_has_answered)
{
	struct batch first, others[SCHEDULE_HOST], none;
	size_t seen;

	for (int i = 0; i < 250; i++)
		add_wait(i, "a", 0);
	ck_assert(schedule_take(&s, 0, &first));
	ck_assert_uint_eq(first.n, 250);
	ck_assert_int_eq(s.to_strangers, 1);
	ck_assert(!schedule_take(&s, 0, &none));
	schedule_answered(&s, &first);
	ck_assert_uint_eq(first.n, SCHEDULE_BATCH);
	ck_assert_int_eq(s.to_strangers, 0);
	seen = first.n;
	for (int i = 1; i < SCHEDULE_HOST; i++) {
		ck_assert(schedule_take(&s, 0, &others[i]));
		ck_assert_uint_le(others[i].n, SCHEDULE_BATCH);
		ck_assert_uint_ge(others[i].n, SCHEDULE_LEAST);
		seen += others[i].n;
	}
	ck_assert_uint_eq(seen, 250);
	add_wait(1000, "a", 0);
	ck_assert(!schedule_take(&s, 0, &none));
	end_batch(&first);
	/* So few wait for one of those that are there; but not long. */
	ck_assert(!schedule_take(&s, 0, &none));
	ck_assert(schedule_take(&s, SCHEDULE_TURN, &none));
	end_batch(&none);
	for (int i = 1; i < SCHEDULE_HOST; i++)
		end_batch(&others[i]);
	expect_empty();
}
END_TEST

START_TEST(bounds_the_workers)
{
	struct batch batches[SCHEDULE_WORKERS], none;
	char domain[10];
	int n = 0;

	for (int i = 0; i < 2 * SCHEDULE_WORKERS; i++) {
		snprintf(domain, sizeof domain, "d%d", i);
		add_wait(i, domain, i);
	}
	while (schedule_take(&s, 1000, &batches[n]))
		n++;
	ck_assert_int_eq(n, SCHEDULE_STRANGERS);
	ck_assert_int_eq(schedule_next(&s), INT64_MAX);
	/* Mailboxes here are no strangers. */
	add_wait(100, "", 0);
	ck_assert(schedule_take(&s, 1000, &batches[n]));
	ck_assert_str_eq(batches[n].host->domain, "");
	n++;
	for (int i = 0; n < SCHEDULE_WORKERS; n++) {
		schedule_answered(&s, &batches[i++]);
		ck_assert(schedule_take(&s, 1000, &batches[n]));
	}
	ck_assert_int_eq(s.to_strangers, SCHEDULE_STRANGERS);
	add_wait(101, "", 0);
	ck_assert(!schedule_take(&s, 1000, &none));
	for (int i = 0; i < n; i++)
		end_batch(&batches[i]);
	while (schedule_take(&s, 1000, &none))
		end_batch(&none);
	expect_empty();
}
END_TEST

/* A host that was not reached: its mail, what comes later, too, waits until then, and then one goes there. */
START_TEST(leaves_a_dead_host_alone)
{
	struct batch batch;

	add_wait(1, "a", 0);
	ck_assert(schedule_take(&s, 10, &batch));
	schedule_answered(&s, &batch);
	schedule_return(&s, batch.waits[0], 0, 500);
	schedule_end(&s, &batch, 400);
	add_wait(2, "a", 20);
	add_wait(3, "b", 30);
	ck_assert_int_eq(schedule_next(&s), 30);
	ck_assert(schedule_take(&s, 399, &batch));
	ck_assert_str_eq(batch.host->domain, "b");
	end_batch(&batch);
	ck_assert(!schedule_take(&s, 399, &batch));
	ck_assert(schedule_take(&s, 400, &batch));
	ck_assert(batch.stranger);
	ck_assert_uint_eq(batch.n, 1);
	end_batch(&batch);
	ck_assert(schedule_take(&s, 500, &batch));
	end_batch(&batch);
	expect_empty();
}
END_TEST

START_TEST(flushes)
{
	struct batch batch;

	add_wait(1, "a", 0);
	ck_assert(schedule_take(&s, 0, &batch));
	schedule_return(&s, batch.waits[0], 60, 60);
	schedule_end(&s, &batch, 60);
	add_wait(2, "b", 3600);
	add_wait(3, "b", 7200);
	schedule_flush(&s, 5);
	ck_assert_int_eq(schedule_next(&s), 5);
	ck_assert(schedule_take(&s, 5, &batch));
	end_batch(&batch);
	ck_assert(schedule_take(&s, 5, &batch));
	end_batch(&batch);
	expect_empty();
}
END_TEST

/* It is known until the end, and does nothing. */
START_TEST(shuns_what_is_broken)
{
	struct batch batch;

	schedule_shun(&s, id_of(1));
	schedule_shun(&s, id_of(1));
	ck_assert(schedule_knows(&s, id_of(1)));
	ck_assert(!schedule_take(&s, 1000, &batch));
}
END_TEST

/* Any order of events: nothing is lost, nothing is given out twice, no bound is passed. */
START_TEST(keeps_count)
{
	struct batch batches[SCHEDULE_WORKERS] = { { .host = NULL } };
	unsigned dice = 1;
	size_t in = 0;
	int ids = 0;

	for (int64_t now = 0; now < 20000; now++) {
		struct batch *b = &batches[(dice = dice * 1103515245 + 12345) / 65536 % SCHEDULE_WORKERS];
		char domain[4] = { (char)('a' + dice / 65536 % 23), '\0' };
		if (now < 15000) {
			add_wait(ids++, domain, now);
			in++;
		}
		if (b->host == NULL) {
			(void)schedule_take(&s, now, b);
		} else if (b->stranger && dice / 65536 % 3 > 0) {
			schedule_answered(&s, b);
		} else {
			bool dead = b->stranger;
			for (size_t i = 0; i < b->n; i++) {
				if (dead)
					schedule_return(&s, b->waits[i], now, now + 50);
				else
					schedule_drop(&s, b->waits[i]);
			}
			in -= dead ? 0 : b->n;
			schedule_end(&s, b, dead ? now + 50 : 0);
		}
		ck_assert_int_le(s.to_strangers, SCHEDULE_STRANGERS);
		ck_assert_uint_eq(s.waits, in);
	}
	for (int64_t now = 20000; s.waits > 0; now += 100)
		for (int i = 0; i < SCHEDULE_WORKERS; i++)
			if (batches[i].host != NULL || schedule_take(&s, now, &batches[i]))
				end_batch(&batches[i]);
	expect_empty();
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, gives_what_is_due);
	tcase_add_test(t, counts_an_entry_once_a_domain);
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
