/* archive_watch: the archive as the gateway sees it: started from the settings, and what /readyz, /metrics and people hear of it. */
#pragma once
#include "service/relay.h"
#include "service/settings.h"
#include "store/archive.h"

struct archive_watch {
    struct archive *archive; /* NULL: there is none, or its connection string is wrong */
    struct relay   *relay;   /* NULL: nobody is told */
    int64_t         tell_after_ms; /* of failing; 0: never */
    uint64_t        copied, pictures, forgotten, forgotten_pictures;
    bool            is_told;
};
void archive_watch_start(struct archive_watch *w, struct store *store, const struct settings *s, struct relay *relay);
void archive_watch_tick(struct archive_watch *w); /* every second */
void archive_watch_stop(struct archive_watch *w); /* after the API, before the store */
