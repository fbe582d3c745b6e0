/* `postern inspect`: runs postern-inspect, the program that alone may parse a stranger's bytes, with this site's settings. */
#include "service/commands.h"
#include "service/helper.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { OWN_ARGUMENTS = 13 };

int cmd_inspect(const struct settings *s, int argc, char **argv)
{
    char program[4096];
    if (helper_path(program, sizeof program) < 0) {
        (void)fputs("postern: postern-inspect is not beside this program\n", stderr);
        return EX_UNAVAILABLE;
    }
    char **args = calloc((size_t)argc + OWN_ARGUMENTS, sizeof *args);
    if (!args)
        return EX_OSERR;
    const char *own[OWN_ARGUMENTS] = {
        program, "--alarm-user", s->alarm_user, "--status-user", s->status_user, "--language", s->site_language,
        "--time-zone", s->site_time_zone, "--sandbox", s->is_inspect_sandboxed ? "on" : "off", s->own_texts[0] ? "--texts" : NULL,
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
