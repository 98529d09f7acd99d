#include "unit.h"

#include <stdio.h>

#include "address.h"

static const char *reason;

/* The whole list as "name|address;" and so on, "!;" for a malformed one. */
static const char *
list_of(const char *text)
{
	static char result[2048];
	struct span rest = guarded_span(span_of(text));
	struct buf name, address;
	int status;
	size_t n = 0;

	buf_init(&name, 256);
	buf_init(&address, 256);
	result[0] = '\0';
	while ((status = address_next(&rest, &name, &address, &reason)) != 0) {
		ck_assert(status > 0 || reason != NULL);
		n += (size_t)(status < 0 ? snprintf(result + n, sizeof(result) - n, "!;")
					 : snprintf(result + n, sizeof(result) - n, "%s|%s;",
					       buf_string(&name), buf_string(&address)));
	}
	ck_assert_uint_eq(rest.n, 0);
	buf_free(&name);
	buf_free(&address);
	return result;
}

static void
expect_list(const char *text, const char *expected)
{
	ck_assert_str_eq(list_of(text), expected);
}

START_TEST(reads_plain_lists)
{
	expect_list("", "");
	expect_list(" , ,, ", "");
	expect_list("a@b", "|a@b;");
	expect_list("a@b,c@d", "|a@b;|c@d;");
	expect_list(" a@b ,\r\n c@d , ", "|a@b;|c@d;");
	expect_list("Anna <a@b>", "Anna|a@b;");
	expect_list("<a@b>", "|a@b;");
	expect_list("\"B, Anna\" <a@b>, c@d", "B, Anna|a@b;|c@d;");
	expect_list("a@b; c@d", "|a@b;|c@d;");
	expect_list("=?utf-8?q?J=C3=BC?= <a@b>", "=?utf-8?q?J=C3=BC?=|a@b;");
	expect_list("a@[192.0.2.1], b@[IPv6:::1]", "|a@[192.0.2.1];|b@[IPv6:::1];");
	expect_list("\"x y\"@b", "|\"x y\"@b;");
	expect_list("\"x@y\" <a@b>, \"x@y\": c@d;", "x@y|a@b;|c@d;");
	expect_list("a@b (Anna (B.) C)", "Anna (B.) C|a@b;");
}
END_TEST

/* RFC 5322 appendix A.1.1 to A.1.3, A.5, A.6. */
START_TEST(reads_the_rfcs_examples)
{
	expect_list("John Doe <jdoe@machine.example>", "John Doe|jdoe@machine.example;");
	expect_list(
	    "\"Joe Q. Public\" <john.q.public@example.com>", "Joe Q. Public|john.q.public@example.com;");
	expect_list("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	    "Mary Smith|mary@x.test;|jdoe@example.org;Who?|one@y.test;");
	expect_list("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
	    "|boss@nil.test;Giant; \"Big\" Box|sysservices@example.net;");
	expect_list("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	    "Ed Jones|c@a.test;|joe@where.test;John|jdoe@one.test;");
	expect_list("Undisclosed recipients:;", "");
	expect_list(
	    "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|pete@silly.test;");
	expect_list(
	    "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
	    "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
	    "Chris Jones|c@public.example;|joe@example.org;John|jdoe@one.test;");
	expect_list("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "");
	expect_list("Joe Q. Public <john.q.public@example.com>", "Joe Q. Public|john.q.public@example.com;");
	expect_list("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
	    "Mary Smith|mary@example.net;|jdoe@test.example;");
}
END_TEST

START_TEST(goes_on_behind_malformed_ones)
{
	expect_list("anna, c@d", "!;|c@d;");
	expect_list("a b@c, c@d", "!;|c@d;");
	expect_list("a@b c, c@d", "!;|c@d;");
	expect_list("<a@b> x, c@d", "!;|c@d;");
	expect_list("<>, c@d", "!;|c@d;");
	expect_list("x <>, c@d", "!;|c@d;");
	expect_list("<a@b, c@d", "!;|c@d;");
	expect_list("a@b., c@d", "!;|c@d;");
	expect_list("a@b@c, c@d", "!;|c@d;");
	expect_list(">, c@d", "!;|c@d;");
	expect_list("\"a@b, c@d", "!;");
	expect_list("(a@b, c@d", "!;");
	expect_list("a@[192.0.2.1, c@d", "!;");
	expect_list("x <a@b", "!;");
	expect_list("\\", "!;");
	expect_list("\"\\", "!;");
	expect_list("(\\", "!;");
}
END_TEST

START_TEST(bounds_the_list)
{
	struct buf name, address;
	struct span rest = span_of("A name that is too long <a@b>, A <a.too.long.one@b>, x <c@d>");

	buf_init(&name, 4);
	buf_init(&address, 4);
	ck_assert_int_eq(address_next(&rest, &name, &address, &reason), -1);
	ck_assert_int_eq(address_next(&rest, &name, &address, &reason), -1);
	ck_assert_int_eq(address_next(&rest, &name, &address, &reason), 1);
	expect_span(buf_span(&name), "x");
	expect_span(buf_span(&address), "c@d");
	buf_free(&name);
	buf_free(&address);

	static char deep[100000];
	memset(deep, '(', sizeof(deep) - 1);
	expect_list(deep, "!;");
}
END_TEST

/* Every cut of a list with everything in it comes to an end, within its bytes. */
START_TEST(ends_wherever_it_is_cut)
{
	const char *all = "G: \"a\\\"b\" (c(d)) <@r,@s:x.\"y\"@[IPv6:::1]>, z @ e . f (n); k@l";
	struct buf name, address;

	buf_init(&name, 256);
	buf_init(&address, 256);
	for (size_t n = 0; n <= strlen(all); n++) {
		struct span rest = guarded_span((struct span){ all, n });
		for (int turns = 0; address_next(&rest, &name, &address, &reason) != 0; turns++)
			ck_assert_int_lt(turns, 10);
	}
	buf_free(&name);
	buf_free(&address);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, reads_plain_lists);
	tcase_add_test(t, reads_the_rfcs_examples);
	tcase_add_test(t, goes_on_behind_malformed_ones);
	tcase_add_test(t, bounds_the_list);
	tcase_add_test(t, ends_wherever_it_is_cut);
}

int
main(void)
{
	return run_suite("address_list", add);
}
