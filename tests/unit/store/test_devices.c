/* Devices and their conversations, as the database remembers them. */
#include "store/devices.h"
#include "store/transcripts.h"
#include "tests/unit/store/temp.h"

static const struct device_row front = { .id = "front", .name = "Front door", .named_by = "settings", .owner_name = "", .self_name = "IPC",
                                         .kind = "camera", .profile = "reolink", .time_zone = "", .language = "de",
                                         .is_configured = true };

static int put(struct store_tx *tx, void *user, struct err *e)
{
    return tx_device_put(tx, user, e);
}

static void put_device(struct temp *t, const struct device_row *row)
{
    struct device_row copy = *row;
    struct err e = { 0 };
    if (temp_do(t, STORE_LATER, put, &copy, &e) < 0)
        fail_msg("%s", e.text);
}

static int see(struct store_tx *tx, void *user, struct err *e)
{
    struct event ev = { .kind = "camera.motion", .device_id = user, .device_name = "IPC", .zone_number = ZONE_NONE };
    struct events list = { .items = &ev, .count = 1 };
    const struct event_origin origin = { .parser = "camera", .received_ms = 1795000000000 };
    int64_t seq;
    bool is_new;
    return tx_events(tx, 1, &origin, &list, &seq, &is_new, e) < 0 ? -1 : tx_device_seen(tx, user, "10.0.0.7", 1795000000000, e);
}

static bool write_row(void *user, const struct device_row *row)
{
    struct json_out *w = user;
    device_write(w, NULL, row);
    return true;
}

/* The page as JSON. */
static const char *read_devices(struct temp *t, const char *id, struct page *page, struct buf *out)
{
    struct store_reader *r = NULL;
    struct err e = { 0 };
    buf_clear(out);
    struct json_out w = json_begin(out);
    json_array(&w, NULL);
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    assert_int_equal(query_devices(r, id, page, write_row, &w, &e), 0);
    store_reader_close(&r);
    json_end(&w);
    return buf_str(out);
}

static void test_what_the_settings_say_stands_beside_what_is_counted(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 65536);
    put_device(t, &front);
    struct page page = { .limit = 10 };
    assert_string_equal(read_devices(t, NULL, &page, &out),
                        "[{\"id\":\"front\",\"name\":\"Front door\",\"named_by\":\"settings\",\"calls_itself\":\"IPC\",\"kind\":\"camera\","
                        "\"profile\":\"reolink\",\"language\":\"de\",\"mails\":0,\"events\":0}]");
    (void)temp_keep(t, 1795000000000, "mail");
    assert_int_equal(temp_do(t, STORE_EVENT, see, UNCONST(void, "front"), &e), 0);
    struct device_row again = front;
    again.last_error = "550 5.1.1 no";
    again.last_error_ms = 1795000001000;
    again.is_configured = false;
    put_device(t, &again);
    put_device(t, &front); /* an error stays */
    assert_string_equal(read_devices(t, "front", &page, &out),
                        "[{\"id\":\"front\",\"name\":\"Front door\",\"named_by\":\"settings\",\"calls_itself\":\"IPC\",\"kind\":\"camera\","
                        "\"profile\":\"reolink\",\"language\":\"de\",\"address\":\"10.0.0.7\",\"first_seen_at\":\"2026-11-18T11:06:40.000Z\","
                        "\"last_seen_at\":\"2026-11-18T11:06:40.000Z\",\"mails\":1,\"events\":1,"
                        "\"last_error\":{\"text\":\"550 5.1.1 no\",\"at\":\"2026-11-18T11:06:41.000Z\"}}]");
}

static void test_devices_come_in_pages_and_our_own_are_not_among_them(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 65536);
    for (char i = 'a'; i < 'f'; i++) {
        char id[2] = { i };
        struct device_row row = front;
        row.id = row.name = id;
        row.is_configured = i != 'c'; /* nor does it send */
        put_device(t, &row);
    }
    assert_int_equal(temp_number(t, "SELECT count(*) FROM devices"), 5);
    struct page page = { .limit = 3 };
    const char *text = read_devices(t, NULL, &page, &out);
    assert_true(strstr(text, "\"e\"") && strstr(text, "\"d\"") && strstr(text, "\"b\"") && !strstr(text, "\"c\""));
    assert_true(page.next > 0);
    page.cursor = page.next;
    text = read_devices(t, NULL, &page, &out);
    assert_true(strstr(text, "\"a\"") && !strstr(text, "\"b\""));
    assert_int_equal(page.next, 0);
    (void)e;
}

/* --- transcripts -------------------------------------------------------------------------------------------- */

static int speak(struct store_tx *tx, void *user, struct err *e)
{
    return tx_transcript_add(tx, user, e);
}

struct listing {
    char text[512];
    int count;
};

static void list_one(void *user, const struct transcript_row *row)
{
    struct listing *l = user;
    size_t n = strlen(l->text);
    (void)snprintf(l->text + n, sizeof l->text - n, "%s ", row->body);
    l->count++;
}

static void test_of_each_device_the_last_conversations_are_kept(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    char body[16];
    for (int i = 0; i < TRANSCRIPTS_KEPT + 5; i++) {
        (void)snprintf(body, sizeof body, "%d", i);
        struct transcript_row cam = { .device = "cam", .at_ms = i, .peer = "10.0.0.1", .body = body };
        struct transcript_row stranger = { .device = "", .at_ms = i, .peer = "10.0.0.2", .body = "s" };
        assert_int_equal(temp_do(t, STORE_LATER, speak, &cam, &e), 0);
        if (i % 2)
            assert_int_equal(temp_do(t, STORE_LATER, speak, &stranger, &e), 0);
    }
    assert_int_equal(temp_number(t, "SELECT count(*) FROM transcripts"), TRANSCRIPTS_KEPT + 12);
    struct store_reader *r = NULL;
    struct listing l = { .text = "" };
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    assert_int_equal(query_transcripts(r, "cam", list_one, &l, &e), 0);
    store_reader_close(&r);
    assert_int_equal(l.count, TRANSCRIPTS_KEPT);
    assert_memory_equal(l.text, "24 23 22 ", 9);
    assert_string_equal(strstr(l.text, " 6 "), " 6 5 ");
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_what_the_settings_say_stands_beside_what_is_counted),
        STORE_TEST(test_devices_come_in_pages_and_our_own_are_not_among_them),
        STORE_TEST(test_of_each_device_the_last_conversations_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
