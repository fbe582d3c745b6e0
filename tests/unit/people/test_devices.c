/* devices: the registry against a real store: who is who, who named it, what a restart keeps. */
#include "service/devices.h"
#include "core/clock.h"
#include "net/transcript.h"
#include "settings_text.h"
#include "store/devices.h"
#include "store/transcripts.h"
#include "tests/unit/store/temp.h"

struct house {
    struct temp         *temp;
    struct settings_text settings;
    struct devices      *devices;
    struct devices_options options;
    char                 clocks[400]; /* what on_clock heard, one a line */
};

static void on_clock(void *user, const char *key, bool is_right, const char *text)
{
    struct house *h = user;
    size_t        n = strlen(h->clocks);
    assert_string_equal(key, is_right ? "clock right cam" : "clock off cam");
    (void)snprintf(h->clocks + n, sizeof h->clocks - n, "%s\n", text);
}

static bool is_hidden(void *user, const char *address)
{
    (void)user;
    return strcmp(address, "172.17.0.1") == 0;
}

static void open_house(struct house *h, const char *json)
{
    struct err e = { 0 };
    settings_text_read(&h->settings, json);
    h->options = (struct devices_options){ .settings = &h->settings.devices, .alarm_user = "alarm", .status_user = "status",
                                           .drift_max_ms = 60000, .user = h, .clock = on_clock, .is_hidden = is_hidden };
    assert_int_equal(devices_open(h->temp->store, &h->options, &h->devices, &e), 0);
}

static void close_house(struct house *h)
{
    devices_close(&h->devices);
    settings_text_done(&h->settings);
}

static struct envelope from(const char *login, const char *sender, const char *peer)
{
    return (struct envelope){ .listener = "smtp", .peer = peer, .helo = "h", .login = login, .from = sender };
}

/* A mail of it, read as one event of this kind that calls its device so; the name that people see comes back. */
static const char *mail(struct house *h, const struct envelope *env, const char *kind, const char *calls_itself, const char *clock,
                        int64_t drift_ms)
{
    static char              name[100];
    struct device_known      known;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 65536);
    struct events events = { .arena = &a };
    devices_recognise(h->devices, env, &known);
    struct event *ev = events_add(&events, kind);
    ev->device_id = known.id;
    ev->device_name = calls_itself ? calls_itself : known.name;
    ev->device_time = clock;
    ev->drift_ms = drift_ms;
    devices_learn(h->devices, env, 1795000000000, &events);
    (void)snprintf(name, sizeof name, "%s", events.items[0].device_name);
    return name;
}

static struct device_known who(struct house *h, const struct envelope *env)
{
    struct device_known known;
    devices_recognise(h->devices, env, &known);
    return known;
}

static void test_an_unknown_device_is_named_after_what_it_says_of_itself(void **state)
{
    struct house h = { .temp = *state };
    open_house(&h, "{}");
    const struct envelope cam = from("", "cam@house", "10.0.0.7"), other = from("", "cam2@house", "10.0.0.8");
    assert_string_equal(who(&h, &cam).name, "cam");
    assert_string_equal(mail(&h, &cam, "camera.motion", "Garage (links)", NULL, 0), "Garage (links)");
    assert_string_equal(mail(&h, &cam, "camera.motion", NULL, NULL, 0), "Garage (links)"); /* this mail does not say it */
    assert_string_equal(who(&h, &cam).name, "Garage (links)");
    assert_string_equal(who(&h, &cam).kind, "camera");
    assert_string_equal(mail(&h, &other, "unknown", "cam2", NULL, 0), "cam2");
    assert_string_equal(who(&h, &other).kind, "");
    close_house(&h);
    assert_int_equal(temp_number(h.temp, "SELECT count(*) FROM devices WHERE self_name = 'Garage (links)' AND id = 'cam'"), 1);
}

static int count_one(struct store_tx *tx, void *user, struct err *e)
{
    (void)user;
    return db_exec(tx_db(tx), "UPDATE devices SET mails = 1", e);
}

static void test_the_settings_win_over_the_owner_and_the_owner_over_the_device(void **state)
{
    struct house h = { .temp = *state };
    struct err e = { 0 };
    const struct envelope cam = from("cam", "x@house", "10.0.0.7");
    open_house(&h, "{}");
    (void)mail(&h, &cam, "camera.motion", "IPC", NULL, 0);
    assert_int_equal(devices_rename(h.devices, "cam", "Haustür", &e), 0);
    assert_string_equal(mail(&h, &cam, "camera.motion", "IPC", NULL, 0), "Haustür");
    assert_int_equal(devices_rename(h.devices, "nobody", "x", &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_int_equal(devices_rename(h.devices, "cam", "a\tb", &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_int_equal(temp_number(h.temp, "SELECT count(*) FROM devices WHERE name = 'Haustür' AND named_by = 'owner'"), 1);
    close_house(&h);
    assert_int_equal(temp_do(h.temp, STORE_EVENT, count_one, NULL, &e), 0);

    open_house(&h, "{ \"Devices\": { \"cam\": { \"Name\": \"Front\", \"Kind\": \"panel\", \"Language\": \"de\" } } }");
    assert_string_equal(mail(&h, &cam, "camera.motion", "IPC 2", NULL, 0), "Front");
    assert_string_equal(who(&h, &cam).kind, "panel");
    assert_string_equal(who(&h, &cam).language, "de");
    assert_int_equal(devices_rename(h.devices, "cam", "x", &e), -1);
    assert_int_equal(e.code, ERR_STATE);
    assert_string_equal(e.text, "its name is in the settings: Devices:cam:Name");
    close_house(&h);
    assert_int_equal(temp_number(h.temp, "SELECT count(*) FROM devices WHERE id = 'cam' AND name = 'Front' AND self_name = 'IPC 2'"
                                         " AND owner_name = 'Haustür' AND named_by = 'settings' AND is_configured"),
                     1);

    open_house(&h, "{}"); /* the entry is gone: the owner's name is back */
    assert_string_equal(who(&h, &cam).name, "Haustür");
    assert_int_equal(devices_rename(h.devices, "cam", "", &e), 0);
    assert_string_equal(who(&h, &cam).name, "IPC 2");
    close_house(&h);
}

static void test_a_clock_is_told_when_it_goes_off_and_when_it_comes_back(void **state)
{
    static const int64_t drifts[] = { 0, 59000, 61000, 90000, 55000, -70000, 31000, 29000, 0, -93784000 };
    struct house h = { .temp = *state };
    const struct envelope cam = from("cam", "", "10.0.0.7");
    open_house(&h, "{ \"Devices\": { \"cam\": { \"Name\": \"Front\" } } }");
    for (size_t i = 0; i < COUNT(drifts); i++)
        (void)mail(&h, &cam, "camera.motion", NULL, "2026-11-18T12:00:00+01:00", drifts[i]);
    (void)mail(&h, &cam, "camera.motion", NULL, NULL, DRIFT_UNKNOWN);
    assert_string_equal(h.clocks, "Front: its clock is 0 d 0 h 1 min fast\nFront: its clock is right again\n"
                                  "Front: its clock is 1 d 2 h 3 min slow\n");
    close_house(&h);
}

/* --- conversations ------------------------------------------------------------------------------------------ */

static void speak(struct house *h, const struct envelope *env, const char *line, const char *kept, const char *refusal)
{
    struct transcript *t = transcript_new("smtp", env->peer, 1795000000000, 0);
    assert_non_null(t);
    transcript_envelope_is(t, env);
    transcript_heard(t, line, strlen(line), 5);
    if (kept)
        transcript_kept(t, kept);
    if (refusal)
        transcript_refused(t, refusal, "Smtp:MaxMessage");
    transcript_ended(t, TRANSCRIPT_LEFT, 10);
    devices_spoke(h->devices, t);
    transcript_free(&t);
}

static void test_a_conversation_without_a_mail_is_found_under_the_device_of_its_address(void **state)
{
    struct house h = { .temp = *state };
    open_house(&h, "{ \"Devices\": { \"front\": { \"Match\": { \"Address\": \"10.0.0.0/24\" } } } }");
    const struct envelope known = from("", "cam@house", "10.1.0.7"), silent = from("", "", "10.1.0.7"), by_net = from("", "", "10.0.0.9"),
                          stranger = from("", "", "10.2.0.1"), hidden = from("", "", "172.17.0.1"), first = from("", "new@house", "10.3.0.1");
    speak(&h, &silent, "EHLO early", NULL, NULL);
    (void)mail(&h, &known, "camera.motion", NULL, NULL, 0);
    const struct envelope through = from("", "cam9@house", "172.17.0.1");
    (void)mail(&h, &through, "camera.motion", NULL, NULL, 0);
    speak(&h, &silent, "EHLO cam", NULL, "552 5.3.4 too large");
    speak(&h, &by_net, "EHLO x", NULL, NULL);
    speak(&h, &stranger, "EHLO y", NULL, NULL);
    speak(&h, &hidden, "EHLO z", NULL, NULL);
    speak(&h, &first, "EHLO new", "01KAAAAAAAAAAAAAAAAAAAAAA1", NULL); /* its mail is not read yet */
    close_house(&h);
    struct temp *t = h.temp;
    assert_int_equal(temp_number(t, "SELECT count(*) FROM transcripts WHERE device = 'cam' AND body LIKE '%EHLO cam%'"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM transcripts WHERE device = 'front' AND peer = '10.0.0.9'"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM transcripts WHERE device = 'new'"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM transcripts WHERE device = 'unknown'"), 3);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM devices WHERE id = 'cam' AND last_error = '552 5.3.4 too large'"), 1);
}

static void test_a_flood_of_conversations_keeps_the_last_of_each(void **state)
{
    struct house h = { .temp = *state };
    char line[40];
    open_house(&h, "{}");
    const struct envelope cam = from("", "cam@house", "10.1.0.7"), quiet = from("", "quiet@house", "10.1.0.8");
    speak(&h, &quiet, "EHLO quiet", "01KAAAAAAAAAAAAAAAAAAAAAA1", NULL);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(line, sizeof line, "EHLO %d.", i);
        speak(&h, &cam, line, "01KAAAAAAAAAAAAAAAAAAAAAA2", NULL);
        if (i % 100 == 99)
            devices_tick(h.devices);
    }
    close_house(&h);
    assert_int_equal(temp_number(h.temp, "SELECT count(*) FROM transcripts WHERE device = 'cam'"), TRANSCRIPTS_KEPT);
    assert_int_equal(temp_number(h.temp, "SELECT count(*) FROM transcripts WHERE body LIKE '%EHLO 999.%' OR body LIKE '%EHLO 980.%'"), 2);
    assert_int_equal(temp_number(h.temp, "SELECT count(*) FROM transcripts WHERE device = 'quiet'"), 1);
}

static void test_an_address_tells_profile_and_panel(void **state)
{
    struct house h = { .temp = *state };
    open_house(&h, "{ \"Devices\": { \"front\": { \"Profile\": \"reolink\", \"Match\": { \"Address\": \"10.0.0.7\" } },"
                   " \"back\": { \"Profile\": \"short\", \"Match\": { \"Login\": \"cam2\" } },"
                   " \"xt1\": { \"Kind\": \"panel\", \"Match\": { \"Address\": \"10.0.0.20\" } } } }");
    assert_string_equal(devices_profile(h.devices, "10.0.0.7"), "reolink");
    assert_string_equal(devices_profile(h.devices, "10.0.0.8"), "");
    const struct envelope back = from("cam2", "", "10.0.0.8"), panel = from("", "lupus@house", "10.0.0.30");
    (void)mail(&h, &back, "camera.motion", NULL, NULL, 0);
    assert_string_equal(devices_profile(h.devices, "10.0.0.8"), "short");
    assert_true(devices_is_panel(h.devices, "10.0.0.20"));
    assert_false(devices_is_panel(h.devices, "10.0.0.8") || devices_is_panel(h.devices, "10.0.0.30"));
    (void)mail(&h, &panel, "mode.armed", NULL, NULL, 0); /* only a panel sends that */
    assert_true(devices_is_panel(h.devices, "10.0.0.30"));
    close_house(&h);
}

static void test_recognising_costs_microseconds(void **state)
{
    enum { TIMES = 2000, BUDGET_US = 400 }; /* with sanitizers, and a crowd of 500 devices */
    struct house h = { .temp = *state };
    char sender[40];
    open_house(&h, "{}");
    for (int i = 0; i < 500; i++) {
        (void)snprintf(sender, sizeof sender, "cam%d@house", i);
        const struct envelope cam = from("", sender, "10.0.0.7");
        (void)mail(&h, &cam, "camera.motion", NULL, NULL, 0);
    }
    const struct envelope last = from("", "cam499@house", "10.0.0.7");
    int64_t began_us = clock_steady_us();
    for (int i = 0; i < TIMES; i++)
        (void)who(&h, &last);
    int64_t each_us = (clock_steady_us() - began_us) / TIMES;
    print_message("recognising among 500: %lld us\n", (long long)each_us);
    assert_true(each_us < BUDGET_US);
    close_house(&h);
}

#define HOUSE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        HOUSE_TEST(test_an_unknown_device_is_named_after_what_it_says_of_itself),
        HOUSE_TEST(test_the_settings_win_over_the_owner_and_the_owner_over_the_device),
        HOUSE_TEST(test_a_clock_is_told_when_it_goes_off_and_when_it_comes_back),
        HOUSE_TEST(test_a_conversation_without_a_mail_is_found_under_the_device_of_its_address),
        HOUSE_TEST(test_a_flood_of_conversations_keeps_the_last_of_each),
        HOUSE_TEST(test_an_address_tells_profile_and_panel),
        HOUSE_TEST(test_recognising_costs_microseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
