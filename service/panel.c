/* panel: what stands between the wrapper becomes JSON (keys quoted, control characters dropped) for the JSON library. */
#include "service/panel.h"
#include "core/json.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024 * 1024, SENSORS_MAX = 512 };

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || c == '$';
}

static size_t name_length(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && (isalnum((unsigned char)p[i]) || p[i] == '_' || p[i] == '$'))
        i++;
    return i;
}

/* A quoted string with its quotes, without its control characters; how long it was. */
static size_t copy_string(const char *p, size_t n, struct buf *out)
{
    size_t i = 1;
    buf_putc(out, '"');
    for (; i < n && p[i] != '"'; i++) {
        bool is_escape = p[i] == '\\' && i + 1 < n;
        if (is_escape)
            buf_putc(out, p[i++]);
        if ((unsigned char)p[i] >= 0x20)
            buf_putc(out, p[i]);
    }
    buf_putc(out, '"');
    return i < n ? i + 1 : n;
}

static void to_json(const char *p, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n;) {
        if (p[i] == '"') {
            i += copy_string(p + i, n - i, out);
        } else if (is_name_start(p[i])) {
            size_t length = name_length(p + i, n - i);
            buf_putc(out, '"');
            buf_put(out, p + i, length);
            buf_putc(out, '"');
            i += length;
        } else {
            buf_putc(out, (unsigned char)p[i] < 0x20 ? ' ' : p[i]);
            i++;
        }
    }
}

/* What is between "/" "*-secure-" and the last "*" "/"; all of it where there is no wrapper. */
static void unwrap(const char **text, size_t *n)
{
    static const char head[] = "/*-secure-";
    const char       *start = memmem(*text, *n, head, sizeof head - 1);
    if (!start)
        return;
    start += sizeof head - 1;
    const char *end = *text + *n;
    for (const char *p = end - 2; p > start; p--)
        if (p[0] == '*' && p[1] == '/') {
            end = p;
            break;
        }
    *text = start;
    *n = (size_t)(end - start);
}

static int read_number(const struct json *row)
{
    const char *text = json_str(row, "no", NULL);
    return text ? (int)strtol(text, NULL, 10) : (int)json_int(row, "no", 0);
}

static int read_sensor(const struct json *row, struct arena *a, struct sensor *out)
{
    *out = (struct sensor){
        .number = read_number(row),
        .type = arena_str(a, json_str(row, "type", "")),
        .name = arena_str(a, json_str(row, "name", "")),
        .condition = arena_str(a, json_str(row, "cond", "")),
        .battery = arena_str(a, json_str(row, "battery", "")),
        .tamper = arena_str(a, json_str(row, "tamp", "")),
        .bypass = arena_str(a, json_str(row, "bypass", "")),
    };
    return out->type && out->name && out->condition && out->battery && out->tamper && out->bypass ? 0 : -1;
}

int panel_read(const char *text, size_t n, struct arena *a, struct sensor **sensors_out, size_t *count_out, struct err *e)
{
    unwrap(&text, &n);
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, TEXT_MAX);
    to_json(text, n, &json);
    if (json.failed)
        return err_set(e, ERR_LIMIT, "the sensor list is too long");
    CLEANUP(json_free) struct json *root = json_parse(buf_str(&json), json.len, e);
    if (!root)
        return err_prefix(e, "the sensor list");
    const struct json *rows = json_get(root, "senrows");
    if (json_type(rows) != JSON_ARRAY)
        return err_set(e, ERR_INPUT, "the answer is no sensor list");
    size_t count = json_count(rows);
    if (count > SENSORS_MAX)
        count = SENSORS_MAX;
    struct sensor *sensors = arena_alloc(a, (count + 1) * sizeof *sensors);
    size_t         i = 0;
    for (const struct json *row = json_first(rows); sensors && row && i < count; row = json_next(row), i++)
        if (read_sensor(row, a, &sensors[i]) < 0)
            sensors = NULL;
    if (!sensors)
        return err_set(e, ERR_NOMEM, "no room for the sensor list");
    *sensors_out = sensors;
    *count_out = i;
    return 0;
}

bool sensor_has_low_battery(const struct sensor *s)
{
    return s->battery[0] != '\0';
}

bool sensor_is_tampered(const struct sensor *s)
{
    return s->tamper[0] != '\0';
}

/* A cell: what would end it or begin markup is escaped. */
static void put_cell(struct buf *out, const char *text)
{
    buf_puts(out, " ");
    for (; *text; text++) {
        if (strchr("|\\`*_<>[]", *text))
            buf_putc(out, '\\');
        buf_putc(out, *text);
    }
    buf_puts(out, " |");
}

void panel_table(const struct sensor *sensors, size_t count, const char *language, struct buf *out)
{
    buf_puts(out, strcmp(language, "de") == 0 ? "| Nr. | Name | Zustand | Batterie | Sabotage | Umgehung |\n|---|---|---|---|---|---|\n"
                                              : "| No. | Name | Condition | Battery | Tamper | Bypass |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        const struct sensor *s = &sensors[i];
        buf_printf(out, "| %d |", s->number);
        const char *const cells[] = { s->name, s->condition, s->battery[0] ? s->battery : "ok", s->tamper[0] ? s->tamper : "ok", s->bypass };
        for (size_t c = 0; c < COUNT(cells); c++)
            put_cell(out, cells[c]);
        buf_putc(out, '\n');
    }
}
