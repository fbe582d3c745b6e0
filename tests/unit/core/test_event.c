/* test_event: an event there and back, as others see it, and what a helper gone bad may not slip in. */
#include "core/event.h"
#include "testing.h"

struct fixture {
    struct arena  arena;
    struct events list;
    struct buf    text;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    arena_init(&f->arena, 1 << 20);
    buf_init(&f->text, 100000);
    f->list.arena = &f->arena;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_done(&f->text);
    arena_done(&f->arena);
    free(f);
    return 0;
}

static void test_event_begins_with_nothing_told(void **state)
{
    struct fixture *f = *state;
    struct event   *ev = events_add(&f->list, "alarm.tamper");
    assert_int_equal(ev->severity, SEVERITY_ALARM);
    assert_int_equal(ev->zone_number, ZONE_NONE);
    assert_string_equal(ev->device_id, "");
    assert_string_equal(ev->id, "");
    struct json_out w = json_begin(&f->text);
    event_write(&w, NULL, ev, NULL);
    assert_string_equal(buf_str(&f->text), "{\"kind\":\"alarm.tamper\",\"severity\":\"alarm\",\"restored\":false}");
}

static void test_event_list_ends_at_its_ceiling(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < EVENTS_MAX; i++) {
        struct event *ev = events_add(&f->list, "zone.open");
        assert_non_null(ev);
        ev->zone_number = i;
    }
    assert_null(events_add(&f->list, "zone.open"));
    for (int i = 0; i < EVENTS_MAX; i++)
        assert_int_equal(f->list.items[i].zone_number, i);
}

static const struct media two_media[] = {
    { .n = 1, .type = "image/jpeg", .name = "Snap \"1\".jpg", .bytes = 7, .offset = 100, .length = 12, .encoding = ENCODING_BASE64 },
    { .n = 3, .type = "video/mp4", .name = "", .bytes = 0, .offset = 0, .length = 0, .encoding = ENCODING_UUENCODE },
};

static struct event *add_full(struct fixture *f)
{
    struct event *ev = events_add(&f->list, "alarm.interior");
    ev->restored = true;
    ev->severity = SEVERITY_INFO;
    ev->device_id = "xt1";
    ev->device_name = "Zentrale";
    ev->zone_number = 8;
    ev->zone_name = "Ost 1";
    ev->user = "Jörg";
    ev->text = "Innenbereich Alarm";
    ev->code = 132;
    ev->happened_ms = 1795227165123;
    ev->media = two_media;
    ev->media_count = COUNT(two_media);
    return ev;
}

static void test_event_is_seen_as_the_faces_say(void **state)
{
    struct fixture *f = *state;
    struct event   *ev = add_full(f);
    memcpy(ev->id, "01ARZ3NDEKTSV4RRFFQ69G5FAV", ID_TEXT);
    struct event_origin origin = { .site = "Home", .arrival = "01BRZ3NDEKTSV4RRFFQ69G5FAV", .parser = "lupusec", .received_ms = 1795227166000 };
    struct json_out     w = json_begin(&f->text);
    event_write(&w, NULL, ev, &origin);
    assert_string_equal(buf_str(&f->text),
                        "{\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"site\":\"Home\",\"arrival\":\"01BRZ3NDEKTSV4RRFFQ69G5FAV\",\"parser\":\"lupusec\","
                        "\"kind\":\"alarm.interior\",\"severity\":\"info\",\"restored\":true,\"device\":{\"id\":\"xt1\",\"name\":\"Zentrale\"},"
                        "\"zone\":{\"number\":8,\"name\":\"Ost 1\"},\"user\":\"Jörg\",\"text\":\"Innenbereich Alarm\",\"code\":132,"
                        "\"happened_at\":\"2026-11-21T02:12:45.123Z\",\"received_at\":\"2026-11-21T02:12:46.000Z\","
                        "\"media\":[{\"n\":1,\"type\":\"image/jpeg\",\"name\":\"Snap \\\"1\\\".jpg\",\"bytes\":7},{\"n\":3,\"type\":\"video/mp4\",\"bytes\":0}]}");
}

static void test_event_comes_back_as_written(void **state)
{
    struct fixture *f = *state;
    struct json_out w = json_begin(&f->text);
    event_write_full(&w, NULL, add_full(f));
    struct json *root = json_parse(buf_str(&f->text), f->text.len, NULL);
    assert_non_null(root);
    struct events back = { .arena = &f->arena };
    struct err    e;
    assert_int_equal(event_read_full(root, &back, &e), 0);
    json_free(&root);
    const struct event *ev = &back.items[0];
    assert_string_equal(ev->kind, "alarm.interior");
    assert_true(ev->restored);
    assert_int_equal(ev->severity, SEVERITY_INFO);
    assert_string_equal(ev->device_id, "xt1");
    assert_string_equal(ev->device_name, "Zentrale");
    assert_int_equal(ev->zone_number, 8);
    assert_string_equal(ev->zone_name, "Ost 1");
    assert_string_equal(ev->user, "Jörg");
    assert_string_equal(ev->text, "Innenbereich Alarm");
    assert_int_equal(ev->code, 132);
    assert_true(ev->happened_ms == 1795227165123);
    assert_int_equal(ev->media_count, 2);
    assert_string_equal(ev->media[0].name, "Snap \"1\".jpg");
    assert_int_equal(ev->media[0].encoding, ENCODING_BASE64);
    assert_int_equal(ev->media[0].offset, 100);
    assert_int_equal(ev->media[1].n, 3);
    assert_string_equal(ev->media[1].name, "");
    assert_int_equal(ev->media[1].encoding, ENCODING_UUENCODE);
}

static void test_event_with_little_told_comes_back(void **state)
{
    struct fixture *f = *state;
    const char     *text = "{\"kind\":\"trouble.battery\",\"restored\":true}";
    struct json    *root = json_parse(text, strlen(text), NULL);
    struct err      e;
    assert_int_equal(event_read_full(root, &f->list, &e), 0);
    json_free(&root);
    const struct event *ev = &f->list.items[0];
    assert_int_equal(ev->severity, SEVERITY_INFO); /* restored, by the table */
    assert_int_equal(ev->zone_number, ZONE_NONE);
    assert_null(ev->zone_name);
    assert_null(ev->text);
    assert_string_equal(ev->device_name, "");
    assert_int_equal(ev->media_count, 0);
}

static void test_event_reading_refuses_what_a_good_helper_never_says(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {
        "{}", "[]", "{\"kind\":\"no.such\"}", "{\"kind\":7}",
        "{\"kind\":\"unknown\",\"happened_at\":\"yesterday\"}",
        "{\"kind\":\"unknown\",\"code\":1000}", "{\"kind\":\"unknown\",\"code\":-1}",
        "{\"kind\":\"unknown\",\"zone\":{\"number\":4294967296}}", "{\"kind\":\"unknown\",\"zone\":{\"number\":-2}}",
        "{\"kind\":\"unknown\",\"text\":\"K\xFChl\"}",
        "{\"kind\":\"unknown\",\"media\":[{\"type\":\"image/png\"}]}",
        "{\"kind\":\"unknown\",\"media\":[{\"n\":1},{\"n\":1}]}",
        "{\"kind\":\"unknown\",\"media\":[{\"n\":2},{\"n\":1}]}",
        "{\"kind\":\"unknown\",\"media\":[{\"n\":1,\"offset\":-1}]}",
        "{\"kind\":\"unknown\",\"media\":[{\"n\":1,\"length\":-1}]}",
        "{\"kind\":\"unknown\",\"media\":[{\"n\":1,\"type\":\"image/png\\r\\nX-Evil: 1\"}]}",
        "{\"kind\":\"unknown\",\"media\":[{\"n\":1,\"type\":\"\"}]}", "{\"kind\":\"unknown\",\"media\":[{\"n\":1,\"type\":\"image/\"}]}",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct json *root = json_parse(wrong[i], strlen(wrong[i]), NULL);
        assert_non_null(root);
        struct err e = { 0 };
        if (event_read_full(root, &f->list, &e) == 0)
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(e.code, ERR_INPUT);
        assert_int_equal(f->list.count, 0);
        json_free(&root);
    }
}

static void test_event_reading_says_when_the_arena_is_full(void **state)
{
    struct fixture *f = *state;
    struct json_out w = json_begin(&f->text);
    event_write_full(&w, NULL, add_full(f));
    struct json *root = json_parse(buf_str(&f->text), f->text.len, NULL);
    bool         was_read = false;
    for (size_t max = 0; max < 4000; max += 16) {
        CLEANUP(arena_done) struct arena small;
        arena_init(&small, max);
        struct events list = { .arena = &small };
        struct err    e = { 0 };
        if (event_read_full(root, &list, &e) == 0)
            was_read = true;
        else if (max > 64) /* below not even the kind fits */
            assert_int_equal(e.code, ERR_NOMEM);
    }
    assert_true(was_read);
    json_free(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_event_begins_with_nothing_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event_list_ends_at_its_ceiling, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event_is_seen_as_the_faces_say, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event_comes_back_as_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event_with_little_told_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event_reading_refuses_what_a_good_helper_never_says, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event_reading_says_when_the_arena_is_full, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
