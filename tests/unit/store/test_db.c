/* Parameters reach the database as they were given. */
#include "tests/unit/store/temp.h"

static struct store_reader *open_reader(struct temp *t)
{
    struct store_reader *r = NULL;
    struct err e = { .text = "" };
    if (store_reader_open(t->store, &r, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static void test_each_parameter_arrives_with_its_type_and_length(void **state)
{
    static const char bytes[] = "a\0b";
    const char *none = NULL;
    const struct {
        struct param value;
        const char *type;
        int64_t length; /* 0 also of NULL */
    } table[] = {
        { P(0), "integer", 1 },
        { P(INT64_MIN), "integer", 20 },
        { P(true), "integer", 1 },
        { param_if(true, 0), "integer", 1 },
        { param_if(false, 7), "null", 0 },
        { P("four"), "text", 4 },
        { P(""), "text", 0 },
        { P(none), "null", 0 },
        { param_textn("four more", 4), "text", 4 },
        { param_blob(bytes, sizeof bytes), "blob", 4 },
        { param_blob(bytes, 0), "blob", 0 },
        { param_blob(NULL, 5), "null", 0 },
    };
    struct store_reader *r = open_reader(*state);
    for (size_t i = 0; i < COUNT(table); i++) {
        struct err e = { .text = "" };
        CLEANUP(stmt_done) struct stmt *q = db_ask(reader_db(r), &e, "SELECT typeof(?1), length(?1), ?2", table[i].value, P((int64_t)i));
        assert_non_null(q);
        assert_int_equal(stmt_step(q, &e), 1);
        assert_string_equal(col_text(q, 0), table[i].type);
        assert_int_equal(col_int(q, 1), table[i].length);
        assert_int_equal(col_int(q, 2), i);
    }
    store_reader_close(&r);
}

static void test_a_kept_statement_remembers_no_parameter(void **state)
{
    static const char sql[] = "SELECT ?1 IS NULL, ?2 IS NULL, ?3 IS NULL";
    struct store_reader *r = open_reader(*state);
    struct err e = { .text = "" };
    assert_int_equal(db_run(reader_db(r), &e, sql, P(1), P("two"), P(3)), 0);
    CLEANUP(stmt_done) struct stmt *q = db_ask(reader_db(r), &e, sql, P(1));
    assert_non_null(q);
    stmt_bind(q, 3, P("three"));
    assert_int_equal(stmt_step(q, &e), 1);
    assert_int_equal(col_int(q, 0), 0);
    assert_int_equal(col_int(q, 1), 1);
    assert_int_equal(col_int(q, 2), 0);
    stmt_done(&q);
    store_reader_close(&r);
}

static void test_one_parameter_too_many_fails_the_step_and_not_the_next_question(void **state)
{
    static const char sql[] = "SELECT ?1";
    struct store_reader *r = open_reader(*state);
    struct err e = { .text = "" };
    assert_int_equal(db_run(reader_db(r), &e, sql, P(1), P(2)), -1);
    assert_int_equal(db_run(reader_db(r), &e, sql, P(1)), 0);
    store_reader_close(&r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_parameter_arrives_with_its_type_and_length, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_a_kept_statement_remembers_no_parameter, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_one_parameter_too_many_fails_the_step_and_not_the_next_question, temp_setup, temp_teardown),
    };
    return cmocka_run_group_tests_name("store/db", tests, NULL, NULL);
}
