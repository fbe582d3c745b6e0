/* metrics: every counter, gauge and histogram of the house in one table (metrics.c), in Prometheus' text format. Any thread.
 * A label never comes from a mail, but for device ids, of which 200 are kept; what is over goes to the value "other". */
#pragma once
#include "core/buf.h"

enum metric {
    METRIC_BUILD_INFO,            /* gauge     version                */
    METRIC_ARRIVALS,              /* counter   listener, result       */
    METRIC_EVENTS,                /* counter   kind, severity         */
    METRIC_DELIVERIES,            /* counter   account, state         */
    METRIC_OUTBOX_PENDING,        /* gauge     account                */
    METRIC_OUTBOX_OLDEST,         /* gauge     account, seconds       */
    METRIC_COMMIT_SECONDS,        /* histogram                        */
    METRIC_DELIVERY_SECONDS,      /* histogram 250 to SENT            */
    METRIC_INSPECTOR_RESTARTS,    /* counter                          */
    METRIC_SMTP_CONNECTIONS,      /* gauge                            */
    METRIC_SMTP_REFUSED,          /* counter   reason                 */
    METRIC_SMTP_TLS,              /* counter   version                */
    METRIC_SMTP_TLS_FAILED,       /* counter   reason                 */
    METRIC_DEVICE_LAST_SEEN,      /* gauge     device, unix seconds   */
    METRIC_ARCHIVE_LAG_EVENTS,    /* gauge                            */
    METRIC_ARCHIVE_LAG_SECONDS,   /* gauge                            */
    METRIC_ARCHIVE_COPIED,        /* counter   what                   */
    METRIC_ARCHIVE_FORGOTTEN,     /* counter   what                   */
    METRIC_EXPORTED,              /* counter                          */
    METRIC_API_REFUSED,           /* counter   reason                 */
    METRIC_LAST,
};

/* Label values in the order of the table; NULL where there is none. */
void metrics_add(enum metric m, const char *label1, const char *label2, double by);
void metrics_set(enum metric m, const char *label1, const char *label2, double value);
void metrics_forget(enum metric m); /* drops all series of a gauge before it is set anew */
void metrics_observe(enum metric m, double seconds);
/* The page, with process_* (resident bytes, open and maximum descriptors, CPU and start seconds, threads). */
void metrics_render(struct buf *out);
