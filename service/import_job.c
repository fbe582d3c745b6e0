/* import_job: reading what was asked for. */
#include "service/import_job.h"
#include "service/import_row.h"
#include <string.h>

static const struct import_source *const sources[] = { &import_eml, &import_lupuserv_mongo, &import_lupuserv_postgres, &import_cams };

const struct import_source *import_source_find(const char *name)
{
    for (size_t i = 0; i < COUNT(sources); i++)
        if (strcmp(sources[i]->name, name) == 0)
            return sources[i];
    return NULL;
}

static int read_paths(const struct json *list, struct arena *a, struct import_job *out, struct err *e)
{
    size_t       count = json_count(list);
    const char **paths = count > 0 && count <= IMPORT_PATHS_MAX ? arena_alloc(a, (count + 1) * sizeof *paths) : NULL;
    if (!paths)
        return err_set(e, ERR_INPUT, "paths: 1 to %d are expected", IMPORT_PATHS_MAX);
    for (const struct json *v = json_first(list); v; v = json_next(v)) {
        if (!json_text(v) || !(paths[out->path_count++] = arena_str(a, json_text(v))))
            return err_set(e, ERR_INPUT, "paths: texts are expected");
    }
    out->paths = paths;
    return 0;
}

int import_job_read(const struct json *object, struct arena *a, struct import_job *out, struct err *e)
{
    *out = (struct import_job){ .source = import_source_find(json_str(object, "source", "")) };
    if (!out->source)
        return err_set(e, ERR_INPUT, "source: there is none of that name");
    out->device = arena_str(a, json_str(object, "device", ""));
    if (!out->device)
        return err_set(e, ERR_NOMEM, "no room for the job");
    import_zone_read(json_get(object, "offsets"), &out->zone);
    return read_paths(json_get(object, "paths"), a, out, e);
}
