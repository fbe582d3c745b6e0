/* What of the archive needs no server: connection strings that say nothing of what they hold, ids of times, names of contents. */
#include "core/arena.h"
#include "store/mongo.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_a_connection_string_that_is_none_is_refused_without_its_secrets(void **state)
{
    static const char *const wrong[] = {
        "", "geheim", "http://anna:geheim@db/postern", "mongodb://anna:geheim@db", "mongodb://anna:geheim@db/", "mongodb://an@na:geheim@db/postern",
        "mongodb://anna:geheim%@db/postern", "mongodb://anna:geheim@db:99999/postern", "mongodb://anna:geheim@/postern",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct err e = { 0 };
        assert_int_equal(mongo_check(wrong[i], &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
        assert_null(strstr(e.text, "geheim"));
        assert_null(strstr(e.text, "anna"));
    }
}

static void test_where_it_leads_is_said_without_user_and_password(void **state)
{
    (void)state;
    struct mongo_options o = { .uri = "mongodb://anna:geheim%40wort@db1:27018,db2/postern?replicaSet=rs0&tls=true&w=1" };
    struct mongo        *m = NULL;
    struct err           e;
    assert_int_equal(mongo_open(&o, &m, &e), 0);
    assert_string_equal(mongo_where(m), "db1:27018,db2:27017/postern");
    mongo_close(&m);
    assert_null(m);
}

static void test_the_first_id_of_a_time_sorts_as_the_time(void **state)
{
    (void)state;
    char id[ID_TEXT], made[ID_TEXT], next[ID_TEXT];
    for (int64_t ms = 1; ms < INT64_C(0xffffffffffff); ms = ms * 3 + 1) {
        (void)mongo_first_id(id, ms);
        (void)mongo_first_id(next, ms + 1);
        (void)id_make(made, ms);
        assert_true(id_is_valid(id));
        assert_true(strcmp(id, made) <= 0 && strcmp(made, next) < 0);
    }
}

static void test_a_time_comes_back_from_a_document(void **state)
{
    (void)state;
    static const int64_t times[] = { 0, 1795219964123, INT64_C(4102444800000), INT64_C(253402300799999) };
    for (size_t i = 0; i < COUNT(times); i++)
        assert_true(mongo_keeps_time(times[i]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_string_that_is_none_is_refused_without_its_secrets),
        cmocka_unit_test(test_where_it_leads_is_said_without_user_and_password),
        cmocka_unit_test(test_the_first_id_of_a_time_sorts_as_the_time),
        cmocka_unit_test(test_a_time_comes_back_from_a_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
