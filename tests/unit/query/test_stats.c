/* stats: whatever is asked, it is what counting one by one says; through reading again, erasing and zones of all kinds. */
#include "history.h"

#include "core/clock.h"
#include "store/db.h"
#include "store/stats.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { EVENTS = 3000, CELLS = 6000 };

struct cells {
    struct cell {
        char    name[40];
        int64_t count;
    } items[CELLS];
    size_t count;
};

static void add(struct cells *c, const char *name, int64_t n)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->items[i].name, name) == 0) {
            c->items[i].count += n;
            return;
        }
    assert_true(c->count < CELLS);
    (void)snprintf(c->items[c->count].name, sizeof c->items[0].name, "%s", name);
    c->items[c->count++].count = n;
}

struct heard {
    struct cells  cells;
    enum stats_by by;
};

static void name_time(char out[40], enum stats_by by, int64_t ms)
{
    time_t    t = (time_t)(ms / 1000);
    struct tm local;
    assert_non_null(localtime_r(&t, &local));
    (void)strftime(out, 40, by == STATS_DAY ? "%Y-%m-%d" : "%Y-%m-%d %H%z", &local);
}

static void on_row(void *user, const struct stats_row *row)
{
    struct heard *h = user;
    char          name[40];
    (void)snprintf(name, sizeof name, "%s", row->name);
    if (h->by == STATS_DAY) { /* its date as if in UTC */
        time_t    t = (time_t)(row->start_ms / 1000);
        struct tm utc;
        (void)strftime(name, sizeof name, "%Y-%m-%d", gmtime_r(&t, &utc));
    } else if (h->by == STATS_HOUR) {
        name_time(name, STATS_HOUR, row->start_ms);
    }
    assert_true(row->count > 0);
    for (size_t i = 0; i < h->cells.count; i++)
        assert_string_not_equal(h->cells.items[i].name, name); /* each cell once */
    add(&h->cells, name, row->count);
}

static struct store_reader *reader_of(struct history *h)
{
    struct err           e;
    struct store_reader *r = NULL;
    assert_int_equal(store_reader_open(h->store, &r, &e), 0);
    return r;
}

/* By the list, page by page, and this program's own calendar. */
static bool on_event(void *user, const struct event_row *row)
{
    struct heard *h = user;
    char          name[40];
    if (h->by == STATS_KIND || h->by == STATS_DEVICE)
        (void)snprintf(name, sizeof name, "%s", h->by == STATS_KIND ? row->event.kind : row->event.device_id);
    else
        name_time(name, h->by, row->received_ms);
    add(&h->cells, name, 1);
    return true;
}

static void count_by_hand(struct store_reader *r, const struct event_filter *f, struct heard *out)
{
    struct page page = { .limit = QUERY_PAGE_MAX };
    struct err  e;
    do {
        page.cursor = page.next;
        assert_int_equal(query_events(r, f, &page, on_event, out, &e), 0);
    } while (page.next);
}

static void expect_right(struct store_reader *r, struct event_filter f, enum stats_by by)
{
    static struct heard got, want;
    struct err          e = { 0 };
    got = (struct heard){ .by = by };
    want = (struct heard){ .by = by };
    if (stats_count(r, &f, by, on_row, &got, &e) < 0)
        fail_msg("%s", e.text);
    count_by_hand(r, &f, &want);
    assert_int_equal(got.cells.count, want.cells.count);
    for (size_t i = 0; i < want.cells.count; i++)
        add(&got.cells, want.cells.items[i].name, -want.cells.items[i].count);
    for (size_t i = 0; i < got.cells.count; i++)
        if (got.cells.items[i].count != 0)
            fail_msg("%s is wrong by %lld", got.cells.items[i].name, (long long)got.cells.items[i].count);
}

/* Around both changes of the clocks of 2026 in Europe and in Australia. */
static void write_events(struct history *h)
{
    char sql[1200];
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO devices(id,name,last_seen_ms) VALUES('cam','Garten',1);"
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                   " INSERT INTO events(seq,id,n,received_ms,parser,kind,restored,severity,device,zone,zone_name,text)"
                   " SELECT i, 'E' || i, 1, CASE i %% 3 WHEN 0 THEN 1774700000000 WHEN 1 THEN 1792860000000 ELSE 1775220000000 END + i * 97001,"
                   " 'p', CASE i %% 4 WHEN 0 THEN 'alarm.gas' WHEN 1 THEN 'camera.motion' ELSE 'zone.open' END, 0, i %% 3,"
                   " CASE i %% 5 WHEN 0 THEN 'cam' WHEN 1 THEN '' ELSE 'panel' END, i %% 9, 'Ost ' || (i %% 9), 'offen' FROM n;",
                   EVENTS);
    history_write(h, sql);
}

static void expect_all_right(struct history *h)
{
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
#define ALL_WITH(...) ((struct event_filter){ .zone = ZONE_NONE, .severity = -1, __VA_ARGS__ })
    const struct event_filter filters[] = {
        ALL_WITH(.id = NULL),
        ALL_WITH(.kind = "camera.*"),
        ALL_WITH(.device = "cam", .kind = "alarm.gas"),
        ALL_WITH(.since_ms = 1774745123456),
        ALL_WITH(.until_ms = 1774745123456, .device = "panel"),
        ALL_WITH(.since_ms = 1774745123456, .until_ms = 1792893000001),
        ALL_WITH(.since_ms = 1774745123456, .until_ms = 1774745993456), /* within an hour */
        ALL_WITH(.since_ms = 1774746000000, .until_ms = 1774749600000), /* exactly one    */
        ALL_WITH(.since_ms = 1774746000000, .until_ms = 1774746000000), /* none           */
        ALL_WITH(.zone_name = "Ost 3", .since_ms = 1774745123456),
        ALL_WITH(.text = "garten", .kind = "zone.open"),
        { .zone = ZONE_NONE, .severity = SEVERITY_WARNING },
    };
    for (size_t i = 0; i < COUNT(filters); i++)
        for (enum stats_by by = STATS_HOUR; by <= STATS_DEVICE; by++)
            expect_right(r, filters[i], by);
}

static void test_counts_are_what_counting_one_by_one_says_in_any_zone(void **state)
{
    static const char *const zones[] = { "Europe/Vienna", "UTC", "Asia/Kolkata", "Australia/Lord_Howe" };
    struct history          *h = *state;
    write_events(h);
    for (size_t i = 0; i < COUNT(zones); i++) {
        assert_int_equal(clock_use_zone(zones[i]), 0);
        expect_all_right(h);
    }
    history_write(h, "DELETE FROM events WHERE seq % 7 = 0; UPDATE events SET kind = 'alarm.fire', severity = 2 WHERE seq % 11 = 0;"
                     "UPDATE events SET device = 'cam', text = 'zu' WHERE seq % 13 = 0; UPDATE events SET received_ms = received_ms + 5000000 WHERE seq % 17 = 0;");
    expect_all_right(h);
    history_write(h, "DELETE FROM events");
    expect_all_right(h);
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    struct err e;
    int64_t    left;
    assert_int_equal(db_number(reader_db(r), "SELECT (SELECT count(*) FROM tallies) + (SELECT count(*) FROM hours)", -1, &left, &e), 0);
    assert_int_equal(left, 0);
}

static void test_too_many_hours_are_refused(void **state)
{
    struct history *h = *state;
    history_write(h, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20001)"
                     " INSERT INTO hours SELECT i, 1, 1, 1 FROM n;");
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    static struct heard ignored;
    struct event_filter f = { .zone = ZONE_NONE, .severity = -1 };
    struct err          e;
    assert_int_equal(stats_count(r, &f, STATS_HOUR, on_row, &ignored, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts_are_what_counting_one_by_one_says_in_any_zone, history_setup, history_teardown),
        cmocka_unit_test_setup_teardown(test_too_many_hours_are_refused, history_setup, history_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
