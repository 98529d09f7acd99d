#include "unit.h"

#include "dot.h"

struct outcome {
	enum dot_result result;
	size_t used; /* in all */
	struct buf out;
};

/* Push in pieces of `step` bytes, after a first one of `first`. */
static void
push(struct outcome *o, enum dot_kind kind, const char *bytes, size_t n, size_t first, size_t step)
{
	struct dot dot = { .kind = kind };

	o->result = DOT_MORE;
	o->used = 0;
	buf_clear(&o->out);
	while (o->used < n && o->result == DOT_MORE) {
		size_t part = o->used == 0 ? first : step, used;
		part = part < n - o->used ? part : n - o->used;
		char *copy = guarded(bytes + o->used, part);
		o->result = dot_push(&dot, copy, part, &used, &o->out);
		unguard(copy, part);
		ck_assert_uint_le(used, part);
		ck_assert(o->result != DOT_MORE || used == part);
		o->used += used;
	}
}

static void
expect_push(enum dot_kind kind, const char *bytes, size_t n, enum dot_result result, size_t used,
    const char *out, size_t out_n)
{
	struct outcome o;

	buf_init(&o.out, 100000);
	for (size_t first = 1; first <= n; first++) {
		push(&o, kind, bytes, n, first, 1);
		for (int again = 0; again < 2; again++) {
			ck_assert_int_eq(o.result, result);
			ck_assert_uint_eq(o.used, used);
			ck_assert_uint_eq(o.out.len, out_n);
			ck_assert_mem_eq(buf_string(&o.out), out, out_n);
			push(&o, kind, bytes, n, first, n);
		}
	}
	buf_free(&o.out);
}

#define BYTES(string) string, sizeof string - 1

#define WHOLE(kind, in, out) expect_push(kind, BYTES(in), DOT_END, sizeof in - 1, BYTES(out))
#define MORE(kind, in, out)  expect_push(kind, BYTES(in), DOT_MORE, sizeof in - 1, BYTES(out))

/* What stands behind `in` is not taken. */
#define REST(kind, in, rest, out) expect_push(kind, BYTES(in rest), DOT_END, sizeof in - 1, BYTES(out))
#define BAD(kind, in, rest, out)  expect_push(kind, BYTES(in rest), DOT_BAD, sizeof in - 1, BYTES(out))

START_TEST(content_ends_with_the_dot)
{
	for (int kind = 0; kind < 3; kind++) {
		if (kind == DOT_COUNTED)
			continue;
		WHOLE(kind, ".\r\n", "");
		WHOLE(kind, "\r\n.\r\n", "\r\n");
		WHOLE(kind, "a\r\nb\r\n.\r\n", "a\r\nb\r\n");
		REST(kind, "a\r\n.\r\n", "QUIT\r\n", "a\r\n");
		REST(kind, ".\r\n", ".\r\n", "");
		MORE(kind, "a\r\n.", "a\r\n");
		MORE(kind, "a\r\n.\r", "a\r\n");
		MORE(kind, "a\r\n", "a\r\n");
		MORE(kind, "a\r", "a");
		MORE(kind, "a", "a");
	}
}
END_TEST

START_TEST(stuffed_dots_lose_one)
{
	for (int kind = 0; kind < 3; kind++) {
		if (kind == DOT_COUNTED)
			continue;
		WHOLE(kind, "..\r\n.\r\n", ".\r\n");
		WHOLE(kind, "...\r\n.\r\n", "..\r\n");
		WHOLE(kind, "..a\r\n.b\r\na.\r\n.\r\n", ".a\r\nb\r\na.\r\n");
		WHOLE(kind, "a\r\n..\r\n.\r\n", "a\r\n.\r\n");
		WHOLE(kind, "a.b..\r\n.\r\n", "a.b..\r\n");
	}
}
END_TEST

/* SMTP smuggling lives from each of these. */
START_TEST(strict_data_takes_no_other_line_end)
{
	BAD(DOT_STRICT, "a", "\n.\n", "a");
	BAD(DOT_STRICT, "a", "\n.\r\n", "a");
	BAD(DOT_STRICT, "a\r", "\r\n.\r\n", "a");
	BAD(DOT_STRICT, "a\r", ".\r\n", "a");
	BAD(DOT_STRICT, "a\r\n.", "\n", "a\r\n");
	BAD(DOT_STRICT, "a\r\n.\r", "\r\n", "a\r\n");
	BAD(DOT_STRICT, "a\r\n.\r", "a", "a\r\n");
	BAD(DOT_STRICT, "", "\n", "");
	BAD(DOT_STRICT, ".", "\n", "");
	BAD(DOT_STRICT, "a", "\0b\r\n", "a");
	BAD(DOT_STRICT, ".", "\0", "");
	BAD(DOT_STRICT, "a\r", "\0", "a");
	BAD(DOT_COUNTED, "a", "\n", "a");
	BAD(DOT_COUNTED, "a\r", "b", "a");
	BAD(DOT_COUNTED, "a", "\0", "a");
	MORE(DOT_STRICT, "\x80\xff\x01\x7f\t", "\x80\xff\x01\x7f\t");
}
END_TEST

START_TEST(counted_data_has_no_dots)
{
	MORE(DOT_COUNTED, ".\r\n..\r\na\r\n.\r\n", ".\r\n..\r\na\r\n.\r\n");
	MORE(DOT_COUNTED, "\r\n\r\n", "\r\n\r\n");
}
END_TEST

START_TEST(lenient_data_passes_what_it_finds)
{
	WHOLE(DOT_LENIENT, "a\nb\0c\rd\r\re\r\n.\r\n", "a\nb\0c\rd\r\re\r\n");
	WHOLE(DOT_LENIENT, "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n");
	WHOLE(DOT_LENIENT, "a\n..b\r\n.\r\n", "a\n..b\r\n");
	WHOLE(DOT_LENIENT, ".\ra\r\n.\r\n", "\ra\r\n");
	WHOLE(DOT_LENIENT, ".\r\r\n.\r\n", "\r\r\n");
	WHOLE(DOT_LENIENT, "\ra\r\n.\r\n", "\ra\r\n");
	WHOLE(DOT_LENIENT, "\r\r\r\n.\r\n", "\r\r\r\n");
	WHOLE(DOT_LENIENT, "\r.\r\n.\r\n", "\r.\r\n");
	WHOLE(DOT_LENIENT, ".\n\r\n.\r\n", "\n\r\n");
	MORE(DOT_LENIENT, "a\n.\r\n", "a\n.\r\n");
}
END_TEST

static void
expect_stuffed(const char *in, size_t n, const char *expected, size_t expected_n)
{
	struct buf out;

	buf_init(&out, 100000);
	for (size_t first = 0; first <= n; first++) {
		struct dot_stuffer stuffer = { .in_line = false };
		buf_clear(&out);
		char *head = guarded(in, first), *tail = guarded(in + first, n - first);
		ck_assert_int_eq(dot_stuff(&stuffer, head, first, &out), 0);
		ck_assert_int_eq(dot_stuff(&stuffer, tail, n - first, &out), 0);
		ck_assert_int_eq(dot_stuff_end(&stuffer, &out), 0);
		ck_assert_uint_eq(out.len, expected_n);
		ck_assert_mem_eq(buf_string(&out), expected, expected_n);
	}
	buf_free(&out);
}

#define STUFFED(in, out) expect_stuffed(BYTES(in), BYTES(out))

START_TEST(dots_are_stuffed)
{
	STUFFED("", ".\r\n");
	STUFFED("a\r\n", "a\r\n.\r\n");
	STUFFED(".\r\n", "..\r\n.\r\n");
	STUFFED("..a\r\n.b\r\nc.\r\n", "...a\r\n..b\r\nc.\r\n.\r\n");
	STUFFED("a", "a\r\n.\r\n");
	STUFFED(".", "..\r\n.\r\n");
	STUFFED("\r\n.\r\n", "\r\n..\r\n.\r\n");
	STUFFED("a\0.\r\n", "a\0.\r\n.\r\n");
	/* A client that splits at LF must not see the end here either. */
	STUFFED("a\n.\nb\r\n", "a\n..\nb\r\n.\r\n");
}
END_TEST

/* Every content of up to seven of these bytes comes through both ways. */
START_TEST(there_and_back)
{
	static const char *const words[] = { "", ".", "\r\n", "x", ".." };
	struct buf wire, back;

	buf_init(&wire, 1000);
	buf_init(&back, 1000);
	for (int code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
		struct dot_stuffer stuffer = { .in_line = false };
		struct dot dot = { .kind = DOT_STRICT };
		char content[32] = "";
		size_t used;
		for (int rest = code; rest > 0; rest /= 5)
			strcat(content, words[rest % 5]);
		strcat(content, "\r\n");
		buf_clear(&wire);
		buf_clear(&back);
		dot_stuff(&stuffer, content, strlen(content), &wire);
		dot_stuff_end(&stuffer, &wire);
		ck_assert_int_eq(dot_push(&dot, wire.data, wire.len, &used, &back), DOT_END);
		ck_assert_uint_eq(used, wire.len);
		ck_assert_str_eq(buf_string(&back), content);
	}
	buf_free(&wire);
	buf_free(&back);
}
END_TEST

START_TEST(a_full_buffer_is_no_reason_to_lose_the_end)
{
	struct dot dot = { .kind = DOT_STRICT };
	struct buf out;
	size_t used;

	buf_init(&out, 4);
	ck_assert_int_eq(dot_push(&dot, BYTES("abcdefgh\r\nij\r\n.\r\nQUIT"), &used, &out), DOT_END);
	ck_assert_uint_eq(used, 17);
	ck_assert(out.failed);
	buf_free(&out);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, content_ends_with_the_dot);
	tcase_add_test(t, stuffed_dots_lose_one);
	tcase_add_test(t, strict_data_takes_no_other_line_end);
	tcase_add_test(t, counted_data_has_no_dots);
	tcase_add_test(t, lenient_data_passes_what_it_finds);
	tcase_add_test(t, dots_are_stuffed);
	tcase_add_test(t, there_and_back);
	tcase_add_test(t, a_full_buffer_is_no_reason_to_lose_the_end);
}

int
main(void)
{
	return run_suite("dot", add);
}
