/* device_settings: what is read, what is said of mistakes, and who is recognised by what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "settings_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char house[] =
    "{ \"Recipients\": { \"anna\": \"log:\", \"bob\": \"log:\" },"
    "  \"Smtp\": { \"Users\": { \"gate\": { \"Device\": \"BACK\" } } },"
    "  \"Devices\": {"
    "    \"front\": { \"Name\": \"Front door\", \"Kind\": \"Camera\", \"Profile\": \"Reolink\", \"TimeZone\": \"Europe/Vienna\","
    "               \"Language\": \"DE\", \"Recipients\": \"anna\","
    "               \"Match\": { \"Login\": [ \"cam1\", \"door*\" ], \"Address\": \"192.168.1.0/24\" } },"
    "    \"back\": { \"Recipients\": [ \"bob\", \"anna\" ], \"Match\": { \"Sender\": \"Back@Cams.Example\", \"Recipient\": \"garden\","
    "              \"Helo\": \"ipc\", \"Address\": [ \"192.168.1.7\", \"fd00::7\" ] } },"
    "    \"xt1\": { \"Kind\": \"panel\" } } }";

static void test_device_settings_are_read_in_their_own_spelling(void **state)
{
    (void)state;
    struct settings_text s;
    settings_text_read(&s, house);
    char *said = settings_text_mistakes(&s);
    assert_string_equal(said, "");
    free(said);
    assert_int_equal(s.devices.count, 3);
    const struct device_setting *front = &s.devices.items[0];
    assert_string_equal(front->id, "front");
    assert_string_equal(front->name, "Front door");
    assert_string_equal(front->kind, "camera");
    assert_string_equal(front->profile, "reolink");
    assert_string_equal(front->time_zone, "Europe/Vienna");
    assert_string_equal(front->language, "de");
    assert_string_equal(s.devices.items[2].name, "");
    assert_string_equal(s.devices.zones[0], "Europe/Vienna");
    assert_null(s.devices.zones[1]);
    assert_int_equal(s.people.device_tell_count, 2);
    assert_string_equal(s.people.device_tells[1].device, "back");
    assert_int_equal(s.people.device_tells[1].tell_count, 2);
    assert_string_equal(s.people.device_tells[1].tell[0]->name, "bob");
    settings_text_done(&s);
}

static void test_a_device_is_recognised_by_the_first_kind_of_key(void **state)
{
    (void)state;
    static const struct {
        const char *login, *to, *from, *helo, *peer, *id;
    } rows[] = {
        { "cam1", "x@h", "y@h", "h", "10.0.0.1", "front" },
        { "CAM1", "x@h", "y@h", "h", "10.0.0.1", "front" },
        { "door-2", "x@h", "y@h", "h", "10.0.0.1", "front" },
        { "cam12", "x@h", "y@h", "h", "10.0.0.1", NULL },
        { "gate", "x@h", "y@h", "h", "10.0.0.1", "back" },                      /* by Smtp:Users */
        { "cam1", "garden@h", "back@cams.example", "ipc", "192.168.1.7", "front" }, /* a login before all else */
        { "", "garden@anywhere", "y@h", "h", "10.0.0.1", "back" },
        { "", "gardens@h", "y@h", "h", "10.0.0.1", NULL },
        { "", "x@h", "BACK@cams.example", "h", "10.0.0.1", "back" },
        { "", "x@h", "back@elsewhere", "h", "10.0.0.1", NULL },
        { "", "x@h", "y@h", "IPC", "10.0.0.1", "back" },
        { "", "x@h", "y@h", "ipc", "192.168.1.9", "back" }, /* a name before an address */
        { "", "x@h", "y@h", "h", "192.168.1.9", "front" },
        { "", "x@h", "y@h", "h", "192.168.1.7", "front" }, /* of one kind the first in the block */
        { "", "x@h", "y@h", "h", "fd00::7", "back" },
        { "", "", "", "", "", NULL },
    };
    struct settings_text s;
    settings_text_read(&s, house);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct envelope env = { .listener = "smtp", .peer = rows[i].peer, .helo = rows[i].helo, .login = rows[i].login,
                                      .from = rows[i].from, .to = &rows[i].to, .to_count = rows[i].to[0] != '\0' };
        const struct device_setting *found = device_settings_match(&s.devices, &env, true);
        if ((found ? found->id : NULL) != rows[i].id && (!found || !rows[i].id || strcmp(found->id, rows[i].id) != 0))
            fail_msg("row %zu: %s, not %s", i, found ? found->id : "none", rows[i].id ? rows[i].id : "none");
    }
    const struct envelope hidden = { .listener = "smtp", .peer = "192.168.1.7", .helo = "", .login = "", .from = "" };
    assert_null(device_settings_match(&s.devices, &hidden, false));
    assert_string_equal(device_settings_find(&s.devices, "XT1")->id, "xt1");
    assert_null(device_settings_find(&s.devices, "xt"));
    settings_text_done(&s);
}

static void test_device_settings_say_every_mistake(void **state)
{
    (void)state;
    static const struct {
        const char *device, *said;
    } rows[] = {
        { "\"Nmae\": \"x\"", "Devices:a:Nmae: the key Nmae is not known; did you mean Name?\n" },
        { "\"Kind\": \"pannel\"", "Devices:a:Kind: the kind pannel is not known; did you mean panel?\n" },
        { "\"Profile\": \"reolnik\"", "Devices:a:Profile: the profile reolnik is not known; did you mean reolink?\n" },
        { "\"TimeZone\": \"Europe/Atlantis\"",
          "Devices:a:TimeZone: no such time zone on this machine: Europe/Atlantis; the site's is used\n" },
        { "\"Language\": \"klingon\"", "Devices:a:Language: the language klingon is not known\n" },
        { "\"Recipients\": [ \"ana\" ]", "Devices:a:Recipients:0: the recipient ana is not known; did you mean anna?\n" },
        { "\"Match\": \"192.168.1.5\"", "Devices:a:Match: should be a block: { \"Address\": \"192.168.1.5\" }\n" },
        { "\"Match\": { \"Adress\": \"10.0.0.1\" }", "Devices:a:Match:Adress: the key Adress is not known; did you mean Address?\n" },
        { "\"Match\": { \"Address\": [ \"10.0.0.1\", \"10.0.0\" ] }",
          "Devices:a:Match:Address:1: \"10.0.0\" is no IP address or network\n" },
        { "\"Match\": { \"Login\": \"\" }", "Devices:a:Match:Login: should be a text\n" },
        { "\"Name\": \"12345678901234567890123456789012345678901234567890123456789012345\"",
          "Devices:a:Name: is longer than 64 bytes\n" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char                 json[512];
        struct settings_text s;
        (void)snprintf(json, sizeof json, "{ \"Recipients\": { \"anna\": \"log:\" }, \"Devices\": { \"a\": { %s } } }", rows[i].device);
        settings_text_read(&s, json);
        char *said = settings_text_mistakes(&s);
        assert_string_equal(said, rows[i].said);
        free(said);
        assert_int_equal(s.devices.count, 1); /* the rest works */
        settings_text_done(&s);
    }
}

static void test_a_block_that_is_none_is_said(void **state)
{
    (void)state;
    struct settings_text s;
    settings_text_read(&s, "{ \"Devices\": { \"a\": \"front\" }, \"Smtp\": { \"Users\": { \"u\": { \"Device\": \"b\" } } } }");
    char *said = settings_text_mistakes(&s);
    assert_string_equal(said, "Devices:a: should be a block: { \"Name\": \"Front door\" }\n"
                              "Smtp:Users:u:Device: the device b is not known\n");
    free(said);
    assert_int_equal(s.devices.count, 0);
    settings_text_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_settings_are_read_in_their_own_spelling),
        cmocka_unit_test(test_a_device_is_recognised_by_the_first_kind_of_key),
        cmocka_unit_test(test_device_settings_say_every_mistake),
        cmocka_unit_test(test_a_block_that_is_none_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
