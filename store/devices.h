/* devices: who sends, as the database remembers it. What tx_events and tx_device_seen count stands beside what people and the
 * settings say of a device; the registry that all mails are held against is service/devices.h. */
#pragma once
#include "store/query.h"

struct device_row {
    const char *id, *name;                              /* name: what people see                                */
    const char *named_by;                               /* "settings", "owner", "self": whose the name is       */
    const char *owner_name, *self_name;                 /* the owner's; what it calls itself; "" = none         */
    const char *kind, *profile, *time_zone, *language;  /* "" = not told                                        */
    const char *address;                                /* it last sent from; "" = not known                    */
    bool        is_configured;                          /* it stands in the settings                            */
    int64_t     first_seen_ms, last_seen_ms;            /* of its mails; 0: it never sent one                   */
    int64_t     mails, events;
    int64_t     drift_ms;                               /* of its clock; DRIFT_UNKNOWN                          */
    const char *last_error;                             /* NULL = none                                          */
    int64_t     last_error_ms;
};

/* One device (id not NULL), or a page of all that sent a mail or stand in the settings, those entered last first. The callback says false to end the page before this
 * row; it must take the first. */
int query_devices(struct store_reader *r, const char *id, struct page *page,
                  bool (*on_row)(void *user, const struct device_row *row), void *user, struct err *e) MUST_CHECK;

/* Who it is: name, named_by, owner_name, self_name, kind, profile, time_zone, language, is_configured, and last_error where there is one. Its
 * entry is made if there is none; address and what is counted stay. Writer's thread. */
int tx_device_put(struct store_tx *tx, const struct device_row *row, struct err *e) MUST_CHECK;

/* "id","name","named_by","kind","profile","time_zone","language","address","first_seen_at","last_seen_at","mails","events",
 * "clock_drift_s","last_error":{"text","at"}; what is not known is absent. */
void device_write(struct json_out *w, const char *key, const struct device_row *row);
