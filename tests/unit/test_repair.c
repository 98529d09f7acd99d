#include <sys/wait.h>

#include "store.h"

#include "repair.h"

/* What inspect says, a letter a part: Ours Rewritten Damaged Foreign eXpunged Torn Stray Hole Blank; behind it what is wrong with it. */
static int
spell(void *context, const struct inspect_part *part)
{
	struct buf *out = context;

	buf_add_char(out, "ORDFXTSHB"[part->kind]);
	if (part->glued)
		buf_add_char(out, 'g');
	if (part->restored)
		buf_add_char(out, 'b');
	if (part->reseal)
		buf_add_char(out, 's');
	if (part->mend.from.n > 0)
		buf_printf(out, "f%d", (int)part->mend.from.n);
	if (part->mend.crlf.n > 0)
		buf_add_char(out, 'c');
	if (part->mend.nul.n > 0)
		buf_printf(out, "n%d", (int)part->mend.nul.n);
	buf_add_char(out, ' ');
	return 0;
}

static const char *
spelled(void)
{
	static char text[1000];
	struct buf out;
	struct stat st;
	int fd = open(store_file(&store, "mbox"), O_RDONLY);

	buf_init(&out, sizeof(text) - 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(inspect(fd, st.st_size, spell, &out), 0);
	close(fd);
	snprintf(text, sizeof(text), "%s", buf_string(&out));
	buf_free(&out);
	return text;
}

static int
count_wrong(void *context, const struct inspect_part *part)
{
	*(int *)context += inspect_is_wrong(part);
	return 0;
}

static int
wrong(void)
{
	struct stat st;
	int n = 0, fd = open(store_file(&store, "mbox"), O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(inspect(fd, st.st_size, count_wrong, &n), 0);
	close(fd);
	return n;
}

static struct repair
mend(void)
{
	struct repair repair = { .each = NULL };
	struct buf holder;

	buf_init(&holder, 1000);
	ck_assert_int_eq(repair_mailbox(store.root, "anna", &holder, &repair), MAILDROP_OK);
	buf_free(&holder);
	ck_assert(!store_has(&store, "mbox.repaired"));
	ck_assert(!store_has(&store, "mbox.keep"));
	ck_assert(!store_has(&store, "mbox.lock"));
	return repair;
}

static void
put(struct span bytes)
{
	unlink(store_file(&store, "mbox.index"));
	unlink(store_file(&store, "mbox.torn"));
	unlink(store_file(&store, "mbox.before-repair"));
	unlink(store_file(&store, "mbox"));
	store_write(&store, "mbox", bytes);
}

static void
put_text(const char *text)
{
	put(span_of(text));
}

/* Two messages of ours. */
static struct buf
two(void)
{
	store_deliver_text(&store, "idJ1", "Subject: x\r\n\r\none\r\n\r\nFrom here\r\n");
	store_deliver_text(&store, "idJ2", "Subject: y\r\n\r\ntwo\r\n");
	return store_read(&store, "mbox");
}

/* The file with the n bytes at `at` replaced. */
static struct buf
replaced(const struct buf *all, size_t at, size_t n, struct span by)
{
	struct buf out;

	buf_init(&out, all->len + by.n + 1);
	buf_add(&out, all->data, at);
	buf_add_span(&out, by);
	buf_add(&out, all->data + at + n, all->len - at - n);
	return out;
}

static size_t
find(const struct buf *all, const char *text)
{
	for (size_t i = 0; i + strlen(text) <= all->len; i++)
		if (memcmp(all->data + i, text, strlen(text)) == 0)
			return i;
	ck_abort_msg("no %s", text);
	return 0;
}

/* Where the second of two begins. */
static size_t
second_of(const struct buf *all)
{
	size_t at = find(all, "idJ2");

	while (memcmp(all->data + at, "From ", 5) != 0)
		at--;
	return at;
}

/* It was `all`; a repair makes that of it again. */
static void
expect_back(const struct buf *all, const char *how)
{
	ck_assert_str_eq(spelled(), how);
	struct buf before = store_read(&store, "mbox");
	struct repair repair = mend();
	ck_assert(repair.rewritten);
	ck_assert_str_eq(repair.kept, "mbox.before-repair");
	store_expect(&store, "mbox", buf_span(all));
	store_expect(&store, "mbox.before-repair", buf_span(&before));
	buf_free(&before);
}

START_TEST(leaves_alone_what_is_well)
{
	static const char *const well[] = {
		"",
		"From a@example.org Tue Nov 24 05:31:18 2026\nSubject: x\n\nbody\n",
		"From a Tue Nov 24 05:31:18 2026\nX-UIDL: a14b\n\nbody\n\n\n\nFrom b Tue Nov 24 05:31:18 "
		"2026\nA: b\n\n",
		"From nobody\nSubject: no date\n\n>From quoted\n\nFrom nobody\nSubject: no date\n\n",
		"From a Tue Nov 24 05:31:18 2026\nContent-Length: 4\nLines: 1\nStatus: RO\n\nbody\n\n",
	};

	for (size_t i = 0; i < sizeof(well) / sizeof(well[0]); i++) {
		put_text(well[i]);
		ck_assert_msg(wrong() == 0, "%s: %s", well[i], spelled());
		ck_assert(!mend().rewritten);
		store_expect(&store, "mbox", span_of(well[i]));
		ck_assert(!store_has(&store, "mbox.before-repair"));
	}
	put_text("");
	struct buf all = two();
	ck_assert_str_eq(spelled(), "O O ");
	ck_assert(!mend().rewritten);
	buf_free(&all);
}
END_TEST

/* That bit of the two messages was flipped, and is put right as far as it can be: the message that it is not in is as it was. */
static void
expect_repaired(struct buf *all, size_t second, size_t bit)
{
	struct buf flipped = store_read(&store, "mbox");

	mend();
	ck_assert_msg(wrong() == 0, "bit %zu: %s", bit, spelled());
	store_expect(&store, "mbox.before-repair", buf_span(&flipped));
	struct buf now = store_read(&store, "mbox");
	size_t rest = all->len - second;
	if (bit / 8 >= second)
		ck_assert_msg(now.len >= second && memcmp(now.data, all->data, second) == 0, "bit %zu", bit);
	else
		ck_assert_msg(
		    now.len >= rest && memcmp(now.data + now.len - rest, all->data + second, rest) == 0,
		    "bit %zu", bit);
	ck_assert_str_eq(store_uidls(&store), "idJ1 idJ2 ");
	buf_free(&now);
	buf_free(&flipped);
}

/* Each bit of two messages: it is found, and after the repair nothing is wrong, and the other message is as it was. */
START_TEST(finds_every_flipped_bit)
{
	struct buf all = two();
	size_t second = second_of(&all);

	for (size_t bit = 0; bit < all.len * 8; bit++) {
		all.data[bit / 8] ^= (char)(1 << bit % 8);
		put(buf_span(&all));
		ck_assert_msg(wrong() > 0, "bit %zu", bit);
		all.data[bit / 8] ^= (char)(1 << bit % 8);
		/* Syncing takes time. NULs, and a sample. */
		if (all.data[bit / 8] == (char)(1 << bit % 8) || bit % 23 == 0)
			expect_repaired(&all, second, bit);
	}
	buf_free(&all);
}
END_TEST

START_TEST(restores_what_can_be_proved)
{
	struct buf all = two(), bad;
	size_t quoted = find(&all, ">From here"), second = find(&all, "two");

	bad = replaced(&all, quoted, 1, span_of(""));
	put(buf_span(&bad));
	expect_back(&all, "Of1 O ");
	buf_free(&bad);
	bad = replaced(&all, second, 0, (struct span){ "\0\0\0", 3 });
	put(buf_span(&bad));
	expect_back(&all, "O On3 ");
	buf_free(&bad);
	buf_init(&bad, all.len * 2);
	for (size_t i = 0; i < all.len; i++) {
		if (all.data[i] == '\n')
			buf_add_char(&bad, '\r');
		buf_add_char(&bad, all.data[i]);
	}
	put(buf_span(&bad));
	expect_back(&all, "Oc Oc ");
	buf_free(&bad);
	buf_free(&all);
}
END_TEST

START_TEST(cuts_off_what_is_torn)
{
	struct buf all = two();
	size_t second = second_of(&all);

	for (size_t n = second + 1; n < all.len; n += n < second + 6 ? 1 : 9) {
		put((struct span){ all.data, n });
		ck_assert_str_eq(spelled(), "O T ");
		mend();
		store_expect(&store, "mbox", (struct span){ all.data, second });
		ck_assert(store_has(&store, "mbox.torn"));
	}
	/* In the middle. */
	for (size_t n = find(&all, "Return-Path"); n < second - 2; n += 5) {
		struct buf bad = replaced(&all, n, second - n, span_of("\n\n"));
		put(buf_span(&bad));
		ck_assert_int_gt(wrong(), 0);
		mend();
		ck_assert_int_eq(wrong(), 0);
		struct buf now = store_read(&store, "mbox");
		ck_assert_uint_ge(now.len, all.len - second);
		ck_assert_int_eq(
		    memcmp(now.data + now.len - (all.len - second), all.data + second, all.len - second), 0);
		buf_free(&now);
		buf_free(&bad);
	}
	buf_free(&all);
}
END_TEST

static void
expect_mended(const char *bad, const char *how, const char *good)
{
	put_text(bad);
	ck_assert_str_eq(spelled(), how);
	mend();
	store_expect(&store, "mbox", span_of(good));
	ck_assert_int_eq(wrong(), 0);
}

#define DATE " Tue Nov 24 05:31:18 2026\n"

START_TEST(mends_what_others_wrote)
{
	expect_mended("From a" DATE "A: b\r\n\r\nbody\r\n", "Fc ", "From a" DATE "A: b\n\nbody\n");
	expect_mended("From a" DATE "A: b\n\nbody\n\nFrom here to there,\nhe went.\nFrom there\n", "Ff2 ",
	    "From a" DATE "A: b\n\nbody\n\n>From here to there,\nhe went.\n>From there\n");
	expect_mended("From a" DATE "A: b\n\nbody\nFrom b" DATE "A: c\n\n", "F Fg ",
	    "From a" DATE "A: b\n\nbody\n\nFrom b" DATE "A: c\n\n");
	expect_mended("garbage\nmore\n\nFrom b" DATE "A: c\n\n", "S F ", "From b" DATE "A: c\n\n");
	expect_mended("garbage\n", "S ", "");
	expect_mended("\n\nFrom b" DATE "A: c\n\n", "S F ", "From b" DATE "A: c\n\n");
	expect_mended("\n", "S ", "");
}
END_TEST

START_TEST(takes_holes_out)
{
	static const char foreign[] = "From b" DATE "A: c\n\nbody\n\n";
	struct buf all = two(), bad, good;
	struct span hole = { calloc(1, 600000), 600000 };

	for (size_t n = 1; n <= hole.n; n = n < 9 ? n + 1 : n * 9) {
		bad = replaced(&all, all.len, 0, (struct span){ hole.at, n });
		put(buf_span(&bad));
		expect_back(&all, "O O H ");
		good = replaced(&all, all.len, 0, span_of(foreign));
		buf_add_string(&bad, foreign);
		buf_free(&bad);
		bad = replaced(&good, all.len, 0, (struct span){ hole.at, n });
		put(buf_span(&bad));
		expect_back(&good, "O O H F ");
		buf_free(&bad);
		buf_free(&good);
	}
	free((void *)(uintptr_t)hole.at);
	buf_free(&all);
}
END_TEST

START_TEST(parts_glued_mailboxes)
{
	struct buf all = two(), bad;

	for (size_t cut = 1; cut < 3; cut++) {
		bad = replaced(&all, all.len - cut, cut, buf_span(&all));
		put(buf_span(&bad));
		ck_assert_int_gt(wrong(), 0);
		mend();
		ck_assert_int_eq(wrong(), 0);
		ck_assert_str_eq(spelled(), "O O O ");
		buf_free(&bad);
	}
	buf_free(&all);
}
END_TEST

START_TEST(keeps_every_original)
{
	put_text("garbage\n");
	mend();
	store_write(&store, "mbox", span_of("rubbish\n"));
	ck_assert_str_eq(mend().kept, "mbox.before-repair.1");
	store_expect(&store, "mbox.before-repair", span_of("garbage\n"));
	store_expect(&store, "mbox.before-repair.1", span_of("rubbish\n"));
	store_expect(&store, "mbox.torn", span_of("garbage\n\nrubbish\n\n"));
}
END_TEST

START_TEST(waits_for_nobodys_session)
{
	struct snapshot snapshot;
	struct repair repair = { .each = NULL };
	struct buf holder;
	int status;

	put_text("From a" DATE "A: b\r\n\r\nbody\r\n");
	store_open(&store, &snapshot);
	/* A process of its own: a lock of ours would be granted. */
	pid_t pid = fork();
	if (pid == 0) {
		buf_init(&holder, 1000);
		_exit(repair_mailbox(store.root, "anna", &holder, &repair) == MAILDROP_IN_USE &&
			      strstr(buf_string(&holder), "from test") != NULL
			  ? 7
			  : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	snapshot_close(&snapshot);
	ck_assert(mend().rewritten);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, store_setup, store_teardown);
	tcase_add_test(t, leaves_alone_what_is_well);
	tcase_add_test(t, finds_every_flipped_bit);
	tcase_add_test(t, restores_what_can_be_proved);
	tcase_add_test(t, cuts_off_what_is_torn);
	tcase_add_test(t, mends_what_others_wrote);
	tcase_add_test(t, takes_holes_out);
	tcase_add_test(t, parts_glued_mailboxes);
	tcase_add_test(t, keeps_every_original);
	tcase_add_test(t, waits_for_nobodys_session);
}

int
main(void)
{
	return run_suite("repair", add);
}
