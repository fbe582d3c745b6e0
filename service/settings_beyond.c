/* settings_beyond: the same look for `postern check` and for POST /settings/check. */
#include "service/settings_beyond.h"
#include "core/clock.h"
#include "service/certificate.h"
#include "service/helper.h"
#include "service/rules_settings.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Only postern-inspect knows what a pattern means. */
static void check_rules(const struct settings *s, struct mistakes *m)
{
    char       program[4096];
    struct err e;
    if (strcmp(s->rules, "[]") != 0 && helper_path(program, sizeof program) < 0)
        mistake_add(m, "Parsers:Rules", "postern-inspect, which alone can verify them, is not beside this program");
    else if (rules_settings_verify(program, s->rules, s->root, m, &e) < 0)
        mistake_add(m, "Parsers:Rules", "%s", e.text);
}

static void check_certificate(const char *path, const struct certificate_source *source, struct mistakes *m)
{
    struct err e;
    if (certificate_check(source, clock_wall_ms(), &e) < 0)
        mistake_add(m, path, "%s", e.text);
}

/* As far as the names tell; what mounts and links make of them is seen when it runs (store/export_files.c). */
static bool is_below(const char *inner, const char *outer)
{
    char in[PATH_MAX], out[PATH_MAX];
    if (!realpath(inner, in))
        (void)snprintf(in, sizeof in, "%s", inner);
    if (!realpath(outer, out))
        (void)snprintf(out, sizeof out, "%s", outer);
    size_t n = strlen(out);
    return strncmp(in, out, n) == 0 && (in[n] == '/' || in[n] == '\0' || (n > 0 && out[n - 1] == '/'));
}

static void check_export(const struct settings *s, struct mistakes *m)
{
    const char *export = s->store_export_folder, *data = s->store_folder;
    if (export[0] && (is_below(export, data) || is_below(data, export)))
        mistake_add(m, "Store:ExportFolder", "%s and Store:Folder %s must not lie in each other", export, data);
}

void settings_beyond(const struct settings *s, struct mistakes *m)
{
    check_certificate("Smtp:Certificate", &(struct certificate_source){ .certificate = s->smtp_certificate, .key = s->smtp_key }, m);
    check_certificate("Api:Certificate", &(struct certificate_source){ .certificate = s->api_certificate, .key = s->api_key }, m);
    check_rules(s, m);
    check_export(s, m);
}
