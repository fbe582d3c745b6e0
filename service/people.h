/* people: who is told, as the settings say it: Accounts, Recipients, Routes. Immutable after start. */
#pragma once
#include "providers/provider.h"
#include "service/conf.h"
#include "service/text.h"

struct way { /* one "account:address" */
    const struct account *account;
    const char           *address;
};
/* How a recipient wants to be told; only what is told in the same manner is folded into one message. */
struct manner {
    const char      *language; /* NULL: the site's */
    enum text_detail detail;
    bool             is_without_pictures;
};
bool manner_equals(const struct manner *a, const struct manner *b);

struct recipient {
    const char       *name;
    const struct way *ways; /* in order of preference */
    size_t            way_count;
    struct manner     manner;
};
struct route {
    const char *const *kinds;   /* patterns; none = all                                     */
    const char *const *devices; /* patterns; none = all                                     */
    const char *const *to;      /* local parts of any recipient of the mail; none = all     */
    size_t             kind_count, device_count, to_count;
    enum severity      min_severity;
    const char        *except;  /* pattern over the text (route.h); NULL = none             */
    bool               is_otherwise; /* applies when no other did                           */
    const char        *title;    /* NULL = none */
    int                priority; /* -1 = none   */
    const struct recipient *const *tell; /* may be empty: counts as applied */
    size_t             tell_count;
};
/* A device that names who is told of it. */
struct device_tell {
    const char                    *device; /* its id */
    const struct recipient *const *tell;
    size_t                         tell_count;
};
struct people {
    const struct account   *accounts;
    size_t                  account_count;
    const struct recipient *recipients;
    size_t                  recipient_count;
    const struct route     *routes;
    size_t                  route_count;
    const struct device_tell *device_tells; /* Devices:<id>:Recipients (device_settings.h) */
    size_t                  device_tell_count;
    const struct word      *words; /* Messages:Words, before ours; NULL: none */
    bool is_nobody_told; /* nobody but `log` is left */
};

/* NULL: no recipient of this name (in any case). */
const struct recipient *people_find(const struct people *p, const char *name);

/* Reads the three blocks (root of the settings). What is wrong is added to m and left out; the rest works. With no recipient
 * configured there is one, "log", told through the provider log. -1 only when the arena is full. */
int people_read(const struct conf *root, struct arena *a, struct mistakes *m, struct people *out) MUST_CHECK;
