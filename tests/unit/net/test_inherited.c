/* inherited: a socket that is kept outlives its owner and is found again under its name or by its port, and no other is. */
#include "core/listen.h"
#include "net/inherited.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool answers(int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool               is_there = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    (void)close(fd);
    return is_there;
}

static int open_two(int fd[2], int port[2])
{
    struct err e;
    for (int i = 0; i < 2; i++) {
        if (listen_on("127.0.0.1", 0, &fd[i], &e) < 0)
            return -1;
        port[i] = listen_port(fd[i]);
    }
    return 0;
}

static void put(char *text)
{
    char *value = strchr(text, '=');
    *value++ = '\0';
    (void)setenv(text, value, 1);
}

/* As the program that begins sees it; the first step that fails. */
static int begin_again(void)
{
    int                    fd[2], port[2];
    struct err             e;
    struct inherited_words words;
    if (open_two(fd, port) < 0 || inherited_keep("postern.one", fd[0], &e) < 0 || inherited_keep("postern.two", fd[1], &e) < 0)
        return 1;
    (void)close(fd[0]);
    (void)close(fd[1]);
    if (!answers(port[0]) || !answers(port[1]))
        return 2;
    inherited_hand_over(&words);
    put(words.pid);
    put(words.count);
    put(words.names);
    if (strcmp(getenv("LISTEN_FDS"), "2") != 0 || strcmp(getenv("LISTEN_FDNAMES"), "postern.one:postern.two") != 0)
        return 3;
    if (inherited_socket("postern.on", 0) != -1 || inherited_socket("postern.one:postern.two", 0) != -1 || inherited_socket("postern.one", 1) != -1)
        return 4;
    int two = inherited_socket("postern.two", 0);
    if (two < 0 || listen_port(two) != port[1] || inherited_socket("postern.two", 0) != -1)
        return 5;
    int one = inherited_socket("another name", port[0]);
    return one < 0 || listen_port(one) != port[0] ? 6 : 0;
}

static int in_a_child(int (*run)(void))
{
    int   status;
    pid_t child = fork();
    if (child == 0)
        _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_what_was_kept_is_found_again(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(begin_again), 0);
}

static int forget(void)
{
    int                    fd[2], port[2];
    struct err             e;
    struct inherited_words words;
    if (open_two(fd, port) < 0 || inherited_keep("postern.one", fd[0], &e) < 0)
        return 1;
    (void)close(fd[0]);
    inherited_forget();
    if (answers(port[0]))
        return 2;
    inherited_hand_over(&words);
    return strcmp(words.count, "LISTEN_FDS=0") != 0 ? 3 : 0;
}

static void test_what_is_forgotten_listens_no_more(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(forget), 0);
}

static void test_sockets_for_another_process_are_not_ours(void **state)
{
    (void)state;
    (void)setenv("LISTEN_PID", "1", 1);
    (void)setenv("LISTEN_FDS", "3", 1);
    assert_int_equal(inherited_socket("postern.smtp", 2025), -1);
    (void)unsetenv("LISTEN_PID");
    assert_int_equal(inherited_socket("postern.smtp", 2025), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_was_kept_is_found_again), cmocka_unit_test(test_what_is_forgotten_listens_no_more),
                                        cmocka_unit_test(test_sockets_for_another_process_are_not_ours) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
