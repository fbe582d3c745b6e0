/* import_lupuserv: what LupuServ kept of a panel's mail, said again in the panel's own words ("Zone:8 Ost 1, Sabotage Alarm"), so that our
 * parser of such panels reads it as it reads the panel today, and may read it better tomorrow. Pure. */
#pragma once
#include "service/import_row.h"

enum lupuserv_kind { LUPUSERV_ALARM, LUPUSERV_SENSOR, LUPUSERV_MOBILITY, LUPUSERV_PERIMETER, LUPUSERV_KINDS };
extern const char *const lupuserv_kinds[LUPUSERV_KINDS]; /* "AlarmEvent", … */

struct lupuserv_row {
    int64_t     time_ms;
    const char *kind;     /* "Alarm", "AlarmEvent", any case; others are told as they are */
    const char *type;     /* the type's name; NULL or "": by its number */
    int64_t     number;   /* the type's number; 0: not known */
    int64_t     zone;     /* -1: none  */
    const char *sensor, *user, *raw; /* NULL or "": none */
};
/* A whole number of at most 9 digits, else (NULL, too) the fallback. */
int64_t lupuserv_number(const char *text, int64_t fallback);

/* The mail, sender and recipient of it. */
void lupuserv_write(const struct lupuserv_row *r, const struct import_job *job, struct import_row *out);
