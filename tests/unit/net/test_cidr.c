/* test_cidr: networks as settings write them, against addresses as sockets give them. */
#include "net/cidr.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

union any_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static union any_address address(const char *text)
{
    union any_address a = { .in6 = { .sin6_family = AF_INET6 } };
    if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1)
        return a;
    a = (union any_address){ .in = { .sin_family = AF_INET } };
    assert_int_equal(inet_pton(AF_INET, text, &a.in.sin_addr), 1);
    return a;
}

static void test_an_address_is_inside_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        bool is_inside;
    } cases[] = {
        { "192.168.0.0/16", "192.168.255.1", true },
        { "192.168.0.0/16", "192.169.0.1", false },
        { "192.168.1.7/24", "192.168.1.200", true },
        { "10.1.2.3", "10.1.2.3", true },
        { "10.1.2.3", "10.1.2.2", false },
        { "10.1.2.3/31", "10.1.2.2", true },
        { "172.16.0.0/12", "172.31.255.255", true },
        { "172.16.0.0/12", "172.32.0.0", false },
        { "0.0.0.0/0", "8.8.8.8", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "8.8.8.8", true },
        { "::/0", "2001:db8::1", true },
        { "127.0.0.0/8", "::ffff:127.0.0.1", true },
        { "::ffff:10.0.0.0/104", "10.9.9.9", true },
        { "fd00::/8", "fd12::1", true },
        { "fd00::/8", "fe80::1", false },
        { "fe80::/10", "febf::1", true },
        { "fe80::/10", "fec0::1", false },
        { "::1", "::1", true },
        { "::1/128", "::2", false },
        { "::1", "127.0.0.1", false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cidr c;
        struct err e;
        assert_int_equal(cidr_parse(cases[i].network, &c, &e), 0);
        struct cidr_list list = { &c, 1 };
        union any_address a = address(cases[i].address);
        if (cidr_contains(&list, &a.any) != cases[i].is_inside)
            fail_msg("%s in %s", cases[i].address, cases[i].network);
    }
}

static void test_what_is_no_network_is_said(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",
                                         "/8",
                                         "10.0.0.0/",
                                         "10.0.0.0/33",
                                         "10.0.0.0/-1",
                                         "10.0.0.0/8x",
                                         "10.0.0/8",
                                         "::/129",
                                         "fe80::1%eth0",
                                         "camera.example",
                                         "10.0.0.0/99999999999",
                                         "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct cidr c;
        struct err e;
        assert_int_equal(cidr_parse(wrong[i], &c, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

static void test_an_empty_list_holds_nobody_and_a_strange_family_is_nowhere(void **state)
{
    (void)state;
    struct cidr_list nobody = { NULL, 0 };
    union any_address a = address("127.0.0.1");
    assert_false(cidr_contains(&nobody, &a.any));
    struct cidr c;
    struct err e;
    assert_int_equal(cidr_parse("::/0", &c, &e), 0);
    struct sockaddr strange = { .sa_family = AF_UNIX };
    assert_false(cidr_contains(&(struct cidr_list){ &c, 1 }, &strange));
}

static void test_an_address_is_written_as_people_know_it(void **state)
{
    (void)state;
    static const char *const texts[][2] = { { "::ffff:10.1.2.3", "10.1.2.3" },
                                            { "10.1.2.3", "10.1.2.3" },
                                            { "fe80::1", "fe80::1" } };
    for (size_t i = 0; i < COUNT(texts); i++) {
        union any_address a = address(texts[i][0]);
        unsigned char bytes[16];
        char out[CIDR_TEXT];
        assert_true(cidr_address(&a.any, bytes));
        assert_string_equal(cidr_text(bytes, out), texts[i][1]);
    }
}

static void test_an_address_as_text_is_inside_or_not(void **state)
{
    (void)state;
    struct cidr nets[2];
    struct err e;
    assert_int_equal(cidr_parse("192.168.1.0/24", &nets[0], &e), 0);
    assert_int_equal(cidr_parse("fd00::/8", &nets[1], &e), 0);
    struct cidr_list list = { nets, 2 };
    assert_true(cidr_contains_text(&list, "192.168.1.9") && cidr_contains_text(&list, "fd12::1"));
    assert_true(cidr_contains_text(&list, "::ffff:192.168.1.9"));
    assert_false(cidr_contains_text(&list, "192.168.2.9") || cidr_contains_text(&list, "") || cidr_contains_text(&list, "front"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_inside_or_not),
        cmocka_unit_test(test_an_address_as_text_is_inside_or_not),
        cmocka_unit_test(test_what_is_no_network_is_said),
        cmocka_unit_test(test_an_empty_list_holds_nobody_and_a_strange_family_is_nowhere),
        cmocka_unit_test(test_an_address_is_written_as_people_know_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
