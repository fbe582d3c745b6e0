/* listen: what an address means, and what is said of one that cannot be had. */
#include "core/listen.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool takes_ipv4(int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool               is_taken = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    (void)close(fd);
    return is_taken;
}

static void all_addresses_are_ipv4_too(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "::", "0.0.0.0", "127.0.0.1" };
    for (size_t i = 0; i < COUNT(texts); i++) {
        int        fd = -1;
        struct err e = { 0 };
        assert_int_equal(listen_on(texts[i], 0, &fd, &e), 0);
        assert_true(listen_port(fd) > 0 && takes_ipv4(listen_port(fd)));
        (void)close(fd);
    }
}

static void what_cannot_be_had_is_named(void **state)
{
    (void)state;
    int        fd = -1, second = -1;
    struct err e = { 0 };
    assert_int_equal(listen_on("127.0.0.1", 0, &fd, &e), 0);
    assert_int_equal(listen_on("127.0.0.1", listen_port(fd), &second, &e), -1);
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.text, "listen on 127.0.0.1, port "));
    assert_non_null(strstr(e.text, "in use"));
    (void)close(fd);
    assert_int_equal(listen_on("my-house", 2025, &second, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.text, "\"my-house\" is no IP address"));
    assert_int_equal(second, -1);
}

static void only_a_listening_socket_has_a_port(void **state)
{
    (void)state;
    int pipes[2], bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(listen_port(pipes[0]), -1);
    assert_int_equal(listen_port(bound), -1);
    (void)close(pipes[0]), (void)close(pipes[1]), (void)close(bound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_addresses_are_ipv4_too),
        cmocka_unit_test(what_cannot_be_had_is_named),
        cmocka_unit_test(only_a_listening_socket_has_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
