/* test_gateway: the routing tables of containers. */
#include "net/gateway.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char docker_ipv4[] =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
static const char docker_ipv6[] =
    "fd000000000000010000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 "
    "00000000 00000001     eth0\n"
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000010000000000000001 00000400 00000003 "
    "00000000 00000003     eth0\n"
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 "
    "00000001 00200200       lo\n";

static void test_the_default_gateways_are_found(void **state)
{
    (void)state;
    struct gateways g = { 0 };
    char text[CIDR_TEXT];
    gateways_read_ipv4(&g, docker_ipv4);
    gateways_read_ipv6(&g, docker_ipv6);
    assert_int_equal(g.count, 2);
    /* The table holds an address as the machine stores numbers: written here on a little-endian one. */
    uint16_t one = 1;
    if (*(const unsigned char *)&one == 1)
        assert_string_equal(cidr_text(g.address[0], text), "172.17.0.1");
    assert_string_equal(cidr_text(g.address[1], text), "fd00:0:0:1::1");
    assert_true(gateways_hide(&g, g.address[0]));
    unsigned char other[16];
    memcpy(other, g.address[0], sizeof other);
    other[15] ^= 2;
    assert_false(gateways_hide(&g, other));
    assert_true(gateways_hide_text(&g, "fd00:0:0:1::1"));
    assert_false(gateways_hide_text(&g, "fd00:0:0:1::2"));
    assert_false(gateways_hide_text(&g, "nobody"));
}

static void test_other_tables_have_none(void **state)
{
    (void)state;
    static const char *const tables[] = {
        "",
        "\n\n",
        "Iface\tDestination\tGateway\n",
        "eth0\t000011AC\t010011AC\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0\n", /* a way to one network        */
        "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", /* a default without a gateway */
        "tun0\t00000000\t010011AC\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", /* a half of all              */
        "00000000000000000000000000000000 00 x 00 fe80 0 0 0 00000003 eth0\n",
        "eth0 0 0 0",
        "eth0 zz zz",
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct gateways g = { 0 };
        gateways_read_ipv4(&g, tables[i]);
        gateways_read_ipv6(&g, tables[i]);
        assert_int_equal(g.count, 0);
    }
}

static void test_more_than_fit_are_left_out(void **state)
{
    (void)state;
    struct gateways g = { 0 };
    for (unsigned i = 0; i < 300; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "eth0\t00000000\t%08X\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", 0x0100000AU + ((i % 20) << 8));
        gateways_read_ipv4(&g, line);
    }
    assert_int_equal(g.count, GATEWAYS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_default_gateways_are_found),
        cmocka_unit_test(test_other_tables_have_none),
        cmocka_unit_test(test_more_than_fit_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
