/* import_job: what is to be brought along, as `postern import` says it. */
#pragma once
#include "core/arena.h"
#include "core/json.h"
#include "service/import_zone.h"

enum { IMPORT_JOB_MAX = 256 * 1024, IMPORT_PATHS_MAX = 4096 };

struct import_source;

struct import_job {
    const struct import_source *source;
    const char *const          *paths; /* files and folders, absolute; or one URI */
    size_t                      path_count;
    const char                 *device; /* whose rows they are: as if it had logged in under this name; "" = by the rows */
    const char                 *alarm_user, *status_user;
    struct import_zone          zone; /* of times that name none */
};
/* {"source":"cams","paths":[…],"device":"gate","offsets":[[0,3600],…]}; all in the arena. ERR_INPUT. alarm_user and status_user are the
 * caller's to set. */
int import_job_read(const struct json *object, struct arena *a, struct import_job *out, struct err *e) MUST_CHECK;
/* NULL: no such source. */
const struct import_source *import_source_find(const char *name);
