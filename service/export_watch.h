/* export_watch: the exporter as the gateway sees it: started from the settings, and what /readyz and people hear of it. */
#pragma once
#include "service/relay.h"
#include "service/settings.h"
#include "store/exporter.h"

struct export_watch {
    struct exporter *exporter; /* NULL: there is no Store:ExportFolder */
    struct relay    *relay;    /* NULL: nobody is told */
    uint64_t         pictures;
    bool             is_told;
};
void export_watch_start(struct export_watch *w, struct store *store, const struct settings *s, struct relay *relay);
void export_watch_tick(struct export_watch *w); /* every second */
void export_watch_stop(struct export_watch *w); /* before the store */
