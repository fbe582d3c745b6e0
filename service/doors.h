/* doors: the ports that settings open, and what becomes of them when other settings come: the same door stays open across, a new one is
 * opened before the old settings are given up. */
#pragma once
#include "service/settings.h"

enum { DOOR_SMTP, DOOR_SMTP_TLS, DOOR_SMTP_LEGACY, DOOR_API, DOORS }; /* the first three as smtp_server.h has them */

/* Those that are the same in both: bits 1 << DOOR_…. */
unsigned doors_same(const struct settings *now, const struct settings *next);
/* Mistakes for those that could not be opened. One that ends up where another of ours still listens cannot be tried. */
void doors_try(const struct settings *now, const struct settings *next, struct mistakes *m);
/* Opens those that are not the same and keeps them for whoever begins again. */
int doors_keep_new(const struct settings *now, const struct settings *next, struct err *e) MUST_CHECK;
/* The API's, if it was kept; 0: none. */
int doors_api_socket(const struct settings *s);
int doors_keep_api(int fd, struct err *e) MUST_CHECK;
