/* test_log: lines as they are promised, and a reader that stalls stops nobody. Each scene plays in a process of its own,
 * its stderr a pipe that the test reads when it likes. */
#include "core/log.h"
#include "core/json.h"
#include "core/utf8.h"
#include "testing.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene {
    pid_t pid;
    int   said; /* read end of its stderr   */
    int   sign; /* it writes a byte: "done" */
};

static struct scene play(void (*scene)(int sign))
{
    int said[2], sign[2];
    assert_int_equal(pipe(said), 0);
    assert_int_equal(pipe(sign), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(said[1], STDERR_FILENO);
        (void)close(said[0]);
        (void)close(said[1]);
        (void)close(sign[0]);
        scene(sign[1]);
        _exit(0);
    }
    (void)close(said[1]);
    (void)close(sign[1]);
    return (struct scene){ .pid = pid, .said = said[0], .sign = sign[0] };
}

/* All that the scene said, to its end; it must have ended well. The caller frees. */
static char *hear(struct scene *s)
{
    size_t  cap = 1 << 20, n = 0;
    char   *text = malloc(cap + 1);
    ssize_t got;
    assert_non_null(text);
    while (n < cap && (got = read(s->said, text + n, cap - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    int status = 0;
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the scene ended with %d: %s", status, text);
    (void)close(s->said);
    (void)close(s->sign);
    return text;
}

static void say_things(int sign)
{
    (void)sign;
    log_setup(LOG_INFO, LOG_LOGFMT);
    log_line(LOG_INFO, "mail.kept", LOG_S("peer", "10.0.0.1"), LOG_I("bytes", -7), LOG_S("left", NULL), LOG_S("empty", ""));
    log_line(LOG_WARN, "x", LOG_S("text", "a \"b\"\r\nlevel=error"), LOG_S("eq", "a=b"), LOG_S("esc", "\x1b[31m"));
    log_line(LOG_ERROR, "x", LOG_S("name", "Küche"), LOG_S("latin1", "K\xFC" "che"), LOG_S("csi", "\xC2\x9B" "31m"));
    log_line(LOG_DEBUG, "x", LOG_S("not", "said"));
}

static void test_log_lines_are_logfmt_with_foreign_text_escaped(void **state)
{
    (void)state;
    struct scene s = play(say_things);
    char        *text = hear(&s);
    assert_non_null(strstr(text, " level=info at=mail.kept peer=10.0.0.1 bytes=-7 empty=\"\"\n"));
    assert_non_null(strstr(text, " level=warn at=x text=\"a \\\"b\\\"\\r\\nlevel=error\" eq=\"a=b\" esc=\"\\u001b[31m\"\n"));
    assert_non_null(strstr(text, " level=error at=x name=Küche latin1=\"K\xEF\xBF\xBD" "che\" csi=\"\\u009b31m\"\n"));
    assert_null(strstr(text, "not="));
    assert_memory_equal(text, "time=20", 7);
    free(text);
}

static void say_json(int sign)
{
    (void)sign;
    log_setup(LOG_DEBUG, LOG_JSON);
    log_line(LOG_DEBUG, "mail.kept", LOG_S("text", "a \"b\"\nc K\xFC"), LOG_I("bytes", 812), LOG_S("left", NULL));
}

static void test_log_lines_are_json_where_that_is_wanted(void **state)
{
    (void)state;
    struct scene s = play(say_json);
    char        *text = hear(&s);
    struct json *root = json_parse(text, strlen(text), NULL);
    assert_non_null(root);
    assert_string_equal(json_str(root, "level", ""), "debug");
    assert_string_equal(json_str(root, "at", ""), "mail.kept");
    assert_string_equal(json_str(root, "text", ""), "a \"b\"\nc K\xEF\xBF\xBD");
    assert_int_equal(json_int(root, "bytes", 0), 812);
    assert_null(json_get(root, "left"));
    json_free(&root);
    free(text);
}

static void say_too_much(int sign)
{
    (void)sign;
    char large[6000];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        log_setup(LOG_INFO, i ? LOG_JSON : LOG_LOGFMT);
        log_line(LOG_INFO, "big", LOG_S("before", "1"), LOG_S("large", large), LOG_S("after", "2"));
    }
}

static void test_log_leaves_out_a_field_that_does_not_fit(void **state)
{
    (void)state;
    struct scene s = play(say_too_much);
    char        *text = hear(&s);
    assert_non_null(strstr(text, " at=big before=1 after=2\n{\"time\""));
    assert_non_null(strstr(text, "\"at\":\"big\",\"before\":\"1\",\"after\":\"2\"}\n"));
    free(text);
}

enum { FLOOD = 20000 };

static pthread_t start_pump(void)
{
    pthread_t pump;
    if (pthread_create(&pump, NULL, log_pump, NULL) != 0)
        _exit(2);
    (void)usleep(100000); /* until it has taken over */
    return pump;
}

/* Far more than ring and pipe hold, while nobody reads; then the sign, then a proper stop. */
static void flood(int sign)
{
    log_setup(LOG_INFO, LOG_LOGFMT);
    pthread_t pump = start_pump();
    for (int i = 0; i < FLOOD; i++)
        log_line(LOG_INFO, "flood", LOG_I("i", i));
    if (write(sign, "x", 1) != 1)
        _exit(3);
    (void)usleep(300000);
    log_line(LOG_INFO, "flood.after", LOG_I("i", 1));
    log_stop();
    (void)pthread_join(pump, NULL);
}

static int count_of(const char *text, const char *what)
{
    int n = 0;
    for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
        n++;
    return n;
}

static void test_log_stalled_reader_stops_nobody_and_lost_lines_are_counted(void **state)
{
    (void)state;
    struct scene s = play(flood);
    char         byte;
    assert_int_equal(read(s.sign, &byte, 1), 1); /* it got through all lines with nobody reading */
    char *text = hear(&s);
    int   said = count_of(text, " at=flood ");
    assert_true(said > 1000 && said < FLOOD);
    int lost = 0;
    for (const char *p = strstr(text, "at=log.lost lines="); p; p = strstr(p + 1, "at=log.lost lines="))
        lost += (int)strtol(p + strlen("at=log.lost lines="), NULL, 10);
    assert_int_equal(said + lost + count_of(text, "at=flood.after"), FLOOD + 1);
    for (char *line = text; *line;) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        assert_memory_equal(line, "time=", 5); /* no line was torn */
        line = end + 1;
    }
    free(text);
}

static void flood_and_stop(int sign)
{
    log_setup(LOG_INFO, LOG_LOGFMT);
    pthread_t pump = start_pump();
    for (int i = 0; i < FLOOD; i++)
        log_line(LOG_INFO, "flood", LOG_I("i", i));
    log_stop();
    (void)pthread_join(pump, NULL);
    log_line(LOG_INFO, "last", LOG_I("i", 1));
    if (write(sign, "x", 1) != 1)
        _exit(3);
}

static void test_log_stops_though_nobody_reads(void **state)
{
    (void)state;
    struct scene s = play(flood_and_stop);
    char         byte;
    assert_int_equal(read(s.sign, &byte, 1), 1);
    free(hear(&s));
}

static void *say_many(void *name)
{
    for (int i = 0; i < 500; i++)
        log_line(LOG_INFO, "many", LOG_S("who", name), LOG_I("i", i));
    return NULL;
}

static void say_from_threads(int sign)
{
    (void)sign;
    log_setup(LOG_INFO, LOG_LOGFMT);
    pthread_t   pump = start_pump(), threads[3];
    static char names[3][2] = { "a", "b", "c" };
    for (size_t i = 0; i < COUNT(threads); i++)
        if (pthread_create(&threads[i], NULL, say_many, names[i]) != 0)
            _exit(2);
    for (size_t i = 0; i < COUNT(threads); i++)
        (void)pthread_join(threads[i], NULL);
    log_stop();
    (void)pthread_join(pump, NULL);
}

static void test_log_writes_every_line_of_every_thread(void **state)
{
    (void)state;
    struct scene s = play(say_from_threads);
    char        *text = hear(&s);
    assert_int_equal(count_of(text, " at=many "), 1500);
    assert_int_equal(count_of(text, " who=b "), 500);
    assert_int_equal(count_of(text, "log.lost"), 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_lines_are_logfmt_with_foreign_text_escaped),
        cmocka_unit_test(test_log_lines_are_json_where_that_is_wanted),
        cmocka_unit_test(test_log_leaves_out_a_field_that_does_not_fit),
        cmocka_unit_test(test_log_stalled_reader_stops_nobody_and_lost_lines_are_counted),
        cmocka_unit_test(test_log_stops_though_nobody_reads),
        cmocka_unit_test(test_log_writes_every_line_of_every_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
