/* reload_look: what `postern check` finds, and what only a running gateway can. */
#include "service/reload_look.h"
#include "core/log.h"
#include "service/administration.h"
#include "service/again.h"
#include "service/doors.h"
#include "service/settings_beyond.h"
#include "service/settings_changes.h"
#include <string.h>

enum { ARENA_BYTES = 1 << 20 };

/* Whatever waits to be told lies in the folder in force. */
static void check_folder(struct reload_look *l)
{
    if (strcmp(l->now->store_folder, l->next.store_folder) != 0)
        mistake_add(&l->beyond, "Store:Folder", "another folder is taken at a start only, not now: stop, move what is kept, start");
}

int reload_look(const struct settings *now, struct reload_look *out, struct err *e)
{
    *out = (struct reload_look){ .now = now };
    arena_init(&out->arena, ARENA_BYTES);
    out->beyond.arena = &out->arena;
    if (settings_try_file(now->file ? now->file : settings_here(), again_environment(), &out->next, e) < 0)
        return -1;
    settings_beyond(&out->next, &out->beyond);
    check_folder(out);
    doors_try(now, &out->next, &out->beyond);
    out->changes = settings_changes(now, &out->next, NULL);
    out->is_good = settings_mistakes(&out->next) + mistakes_count(&out->beyond) == 0;
    return 0;
}

void reload_look_done(struct reload_look *l)
{
    settings_done(&l->next);
    arena_done(&l->arena);
}

void reload_look_write(const struct reload_look *l, struct json_out *w)
{
    json_array(w, "mistakes");
    administration_mistakes(&l->next.mistakes, w);
    administration_mistakes(&l->beyond, w);
    json_end(w);
    if (!l->is_good)
        return;
    json_b(w, "restarts", l->changes > 0);
    (void)settings_changes(l->now, &l->next, w);
}

static void log_mistakes(const struct mistakes *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!list->items[i].is_note)
            log_line(LOG_ERROR, "reload.mistake", LOG_S("path", list->items[i].path), LOG_S("text", list->items[i].text));
}

void reload_look_log(const struct reload_look *l)
{
    log_mistakes(&l->next.mistakes);
    log_mistakes(&l->beyond);
}
