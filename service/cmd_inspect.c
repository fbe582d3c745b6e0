/* `postern inspect`: runs postern-inspect, the program that alone may parse a stranger's bytes, with this site's settings. */
#include "core/memory_file.h"
#include "service/commands.h"
#include "service/helper.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { OWN_ARGUMENTS = 17 };

/* It stays open for the program that we become. */
static int open_rules(const struct settings *s, char text[12])
{
    struct err e;
    int        fd;
    if (memory_file_open(s->rules, strlen(s->rules), &fd, &e) < 0) {
        (void)fprintf(stderr, "postern: %s\n", e.text);
        return -1;
    }
    (void)fcntl(fd, F_SETFD, 0);
    (void)snprintf(text, 12, "%d", fd);
    return 0;
}

int cmd_inspect(const struct settings *s, int argc, char **argv)
{
    char program[4096], rules[12], drift[24];
    if (helper_path(program, sizeof program) < 0) {
        (void)fputs("postern: postern-inspect is not beside this program\n", stderr);
        return EX_UNAVAILABLE;
    }
    char **args = calloc((size_t)argc + OWN_ARGUMENTS, sizeof *args);
    if (!args)
        return EX_OSERR;
    if (open_rules(s, rules) < 0)
        return EX_OSERR;
    (void)snprintf(drift, sizeof drift, "%lld", (long long)s->max_clock_drift_hours);
    const char *own[OWN_ARGUMENTS] = {
        program, "--alarm-user", s->alarm_user, "--status-user", s->status_user, "--language", s->site_language,
        "--time-zone", s->site_time_zone, "--sandbox", s->is_inspect_sandboxed ? "on" : "off", "--rules-fd", rules,
        "--max-drift", drift, s->own_texts[0] ? "--texts" : NULL,
        s->own_texts,
    };
    size_t n = 0;
    for (; n < OWN_ARGUMENTS && own[n]; n++)
        args[n] = strdup(own[n]);
    for (int i = 1; i < argc; i++)
        args[n++] = argv[i];
    (void)execv(program, args);
    (void)fprintf(stderr, "postern: %s: %s\n", program, strerrordesc_np(errno));
    return EX_UNAVAILABLE;
}
