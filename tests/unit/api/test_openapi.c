/* openapi: the document says exactly what the route table, the table of kinds and its own rules say. */
#include "api/openapi.h"
#include "api/routes.h"
#include "core/kind.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct json *document;
static size_t       wrong; /* sentences printed */

#define WRONG(...) (wrong++, print_error(__VA_ARGS__))

static int setup(void **state)
{
    (void)state;
    struct err  e;
    size_t      n;
    const char *text = openapi_text(&n);
    document = json_parse(text, n, &e);
    if (!document)
        print_error("%s\n", e.text);
    return document ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    json_free(&document);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    wrong = 0;
    return 0;
}

/* "#/components/schemas/Event", from the root; v itself if it refers to nothing. */
static const struct json *resolved(const struct json *v)
{
    const char *at = json_text(json_get(v, "$ref"));
    if (!at)
        return v;
    const struct json *to = document;
    for (at += strspn(at, "#/"); *at && to;) {
        char   name[80];
        size_t n = strcspn(at, "/");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, at);
        to = json_get(to, name);
        at += n + (at[n] == '/');
    }
    return to;
}

/* --- the route table ------------------------------------------------------------------------------------------ */

/* /devices/{device}/sessions is what the table calls /devices/{*}/sessions. */
static bool is_path_of(const char *path, const char *pattern)
{
    while (*path && *pattern) {
        if (*path == '{' && *pattern == '{') {
            path = strchr(path, '}') + 1;
            pattern = strchr(pattern, '}') + 1;
        } else if (*path++ != *pattern++) {
            return false;
        }
    }
    return *path == *pattern;
}

static bool is_method_of(const char *key, const char *method)
{
    return strcasecmp(key, method) == 0;
}

static const struct json *path_of(const char *pattern)
{
    for (const struct json *path = json_first(json_get(document, "paths")); path; path = json_next(path))
        if (is_path_of(json_key(path), pattern))
            return path;
    return NULL;
}

static const struct json *operation_of(const char *method, const char *pattern)
{
    for (const struct json *op = json_first(path_of(pattern)); op; op = json_next(op))
        if (is_method_of(json_key(op), method))
            return op;
    return NULL;
}

static bool is_listed(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = names; *at; at += strcspn(at, " ") + 1)
        if (strcspn(at, " ") == n && strncmp(at, name, n) == 0)
            return true;
    return false;
}

static bool has_parameter(const struct json *list, const char *where, const char *name, size_t n)
{
    for (const struct json *at = json_first(list); at; at = json_next(at)) {
        const struct json *p = resolved(at);
        const char        *its = json_str(p, "name", "");
        if (strcmp(json_str(p, "in", ""), where) == 0 && strlen(its) == n && strncmp(its, name, n) == 0)
            return true;
    }
    return false;
}

static void compare_query(const struct json *op, const char *method, const char *pattern, const char *query)
{
    const struct json *list = json_get(op, "parameters");
    for (const char *at = query; *at; at += strcspn(at, " ") + 1)
        if (!has_parameter(list, "query", at, strcspn(at, " ")))
            WRONG("%s %s: the document does not know the parameter %.*s\n", method, pattern, (int)strcspn(at, " "), at);
    for (const struct json *at = json_first(list); at; at = json_next(at)) {
        const struct json *p = resolved(at);
        if (strcmp(json_str(p, "in", ""), "query") == 0 && !is_listed(query, json_str(p, "name", "")))
            WRONG("%s %s: there is no parameter %s\n", method, pattern, json_str(p, "name", ""));
    }
}

static void compare_role(const struct json *op, const char *method, const char *pattern, enum role needs)
{
    const struct json *security = json_get(op, "security");
    const char        *role = json_text(json_first(json_get(json_first(security), "token")));
    if (json_type(security) != JSON_ARRAY)
        WRONG("%s %s: no \"security\"\n", method, pattern);
    if (strcmp(role ? role : role_name(ROLE_NONE), role_name(needs)) != 0)
        WRONG("%s %s: needs %s, the document says %s\n", method, pattern, role_name(needs), role ? role : "nothing");
}

static void compare_route(void *user, const char *method, const char *pattern, enum role needs, const char *query)
{
    (void)user;
    const struct json *op = operation_of(method, pattern);
    if (!op) {
        WRONG("%s %s is not in api/openapi.json\n", method, pattern);
        return;
    }
    compare_query(op, method, pattern, query);
    compare_role(op, method, pattern, needs);
}

static void test_every_route_is_in_the_document_with_its_parameters_and_its_role(void **state)
{
    (void)state;
    routes_each(compare_route, NULL);
    assert_int_equal(wrong, 0);
}

struct sought {
    const char *path, *method;
    bool        is_there;
};

static void seek_route(void *user, const char *method, const char *pattern, enum role needs, const char *query)
{
    (void)needs, (void)query;
    struct sought *s = user;
    if (is_method_of(s->method, method) && is_path_of(s->path, pattern))
        s->is_there = true;
}

static void check_operation(const char *path, const char *key)
{
    static const char *const others[] = { "parameters", "summary", "description" };
    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(key, others[i]) == 0)
            return;
    struct sought s = { .path = path, .method = key };
    routes_each(seek_route, &s);
    if (!s.is_there)
        WRONG("%s %s: there is no such route\n", key, path);
}

static void test_the_document_has_no_address_that_is_not_there(void **state)
{
    (void)state;
    for (const struct json *path = json_first(json_get(document, "paths")); path; path = json_next(path))
        for (const struct json *op = json_first(path); op; op = json_next(op))
            check_operation(json_key(path), json_key(op));
    assert_int_equal(wrong, 0);
}

static void test_each_name_within_a_path_is_a_parameter_of_it(void **state)
{
    (void)state;
    for (const struct json *path = json_first(json_get(document, "paths")); path; path = json_next(path))
        for (const char *at = strchr(json_key(path), '{'); at; at = strchr(at + 1, '{'))
            if (!has_parameter(json_get(path, "parameters"), "path", at + 1, strcspn(at + 1, "}")))
                WRONG("%s: no parameter for %s\n", json_key(path), at);
    assert_int_equal(wrong, 0);
}

/* --- the document in itself ------------------------------------------------------------------------------------ */

static void check_references(const struct json *v)
{
    if (json_get(v, "$ref") && !resolved(v))
        WRONG("%s: there is no such thing\n", json_str(v, "$ref", "?"));
    for (const struct json *child = json_first(v); child; child = json_next(child))
        check_references(child);
}

static void test_every_reference_leads_somewhere(void **state)
{
    (void)state;
    check_references(document);
    assert_int_equal(wrong, 0);
}

static bool is_one_of(const struct json *texts, const char *name)
{
    for (const struct json *v = json_first(texts); v; v = json_next(v))
        if (json_text(v) && strcmp(json_text(v), name) == 0)
            return true;
    return false;
}

/* An object whose members are named is closed, says which of them are always there, and those are among them. */
static void check_closed(const struct json *v, const char *name)
{
    const struct json *members = json_get(v, "properties"), *required = json_get(v, "required");
    if (json_type(members) == JSON_OBJECT) {
        if (json_type(required) != JSON_ARRAY)
            WRONG("%s: \"required\" is missing\n", name);
        if (!json_get(v, "additionalProperties") || json_type(json_get(v, "additionalProperties")) != JSON_FALSE)
            WRONG("%s: \"additionalProperties\": false is missing\n", name);
        for (const struct json *r = json_first(required); r; r = json_next(r))
            if (!json_get(members, json_text(r)))
                WRONG("%s: \"%s\" is required and has no schema\n", name, json_text(r));
    }
    for (const struct json *child = json_first(v); child; child = json_next(child))
        check_closed(child, json_key(child) ? json_key(child) : name);
}

static void test_objects_are_closed_and_say_what_is_always_there(void **state)
{
    (void)state;
    check_closed(json_get(document, "components"), "components");
    check_closed(json_get(document, "paths"), "paths");
    assert_int_equal(wrong, 0);
}

static void test_the_kinds_are_those_of_the_table(void **state)
{
    (void)state;
    const struct json *schemas = json_get(json_get(document, "components"), "schemas");
    const struct json *kinds = json_get(json_get(schemas, "Kind"), "enum");
    const struct json *families = json_get(json_get(schemas, "KindFamily"), "enum");
    unsigned           count = 0;
    for (; kind_at(count); count++) {
        char        family[40];
        const char *kind = kind_at(count);
        (void)snprintf(family, sizeof family, "%.*s.*", (int)strcspn(kind, "."), kind);
        if (!is_one_of(kinds, kind) || (strchr(kind, '.') && !is_one_of(families, family)))
            WRONG("%s: the document does not know this kind, or its family\n", kind);
    }
    assert_int_equal(json_count(kinds), count);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_route_is_in_the_document_with_its_parameters_and_its_role, begin),
        cmocka_unit_test_setup(test_the_document_has_no_address_that_is_not_there, begin),
        cmocka_unit_test_setup(test_each_name_within_a_path_is_a_parameter_of_it, begin),
        cmocka_unit_test_setup(test_every_reference_leads_somewhere, begin),
        cmocka_unit_test_setup(test_objects_are_closed_and_say_what_is_always_there, begin),
        cmocka_unit_test_setup(test_the_kinds_are_those_of_the_table, begin),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
