/* settings_text: the blocks of people from a text, for tests of people, routes and the relay. */
#pragma once
#include "service/device_settings.h"

struct settings_text {
    struct arena       arena;
    struct mistakes    mistakes;
    struct conf      *root;
    struct people      people;
    struct device_settings devices;
};
void settings_text_read(struct settings_text *s, const char *json); /* fails the test if it is no JSON */
void settings_text_done(struct settings_text *s);
/* "path: text" of the mistakes, one a line; free it. */
char *settings_text_mistakes(const struct settings_text *s);
