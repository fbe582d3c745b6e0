/* query: what the API asks of a real store. */
#include "history.h"

#include "store/db.h"
#include "store/event_media.h"
#include "store/query.h"
#include <stdio.h>
#include <string.h>

enum { T0 = 1000000 };

#define EVENT_HEAD "INSERT INTO events(seq,id,arrival,n,received_ms,parser,kind,restored,severity,device,zone,zone_name,user,text,code,happened_ms) VALUES"

static const char some_events[] =
    "INSERT INTO arrivals(seq,id,received_ms,bytes,envelope,raw) VALUES(7,'ARRIVAL7',1000000,5,'{}',x'6162636465');"
    "INSERT INTO devices(id,name,last_seen_ms) VALUES('panel','Keller 100%',1);" EVENT_HEAD
    "(1,'E1',7,1,1000000,'lupusec','alarm.interior',0,2,'panel',8,'Ost 1',NULL,'Zone:8 Ost 1, Innenbereich Alarm',132,999000),"
    "(2,'E2',7,2,1001000,'lupusec','alarm.interior',1,1,'panel',8,'Ost 1',NULL,'100% ok',132,NULL),"
    "(3,'E3',NULL,1,1002000,'system','system.started',0,0,'postern',NULL,NULL,NULL,'under_score',NULL,NULL),"
    "(5,'E5',7,3,1003000,'lupusec','mode.armed',0,0,'panel',NULL,NULL,'Jörg','back\\slash',NULL,NULL),"
    "(9,'E9',7,4,1004000,'camera','camera.motion',0,0,'cam',NULL,'OST 1',NULL,NULL,NULL,NULL);"
    "INSERT INTO media(event,n,type,name,bytes,offset,length,encoding) VALUES(9,1,'image/jpeg','a.jpg',3,10,4,1),(9,2,'video/mp4','',9,20,9,0);";

struct seen {
    char   ids[2048]; /* "E9 E5 …" */
    int    count, stop_after;
    size_t media;
    struct event last;
    char   device_name[64], arrival[40];
};

static bool on_event(void *user, const struct event_row *row)
{
    struct seen *s = user;
    if (s->stop_after && s->count == s->stop_after)
        return false;
    size_t n = strlen(s->ids);
    (void)snprintf(s->ids + n, sizeof s->ids - n, "%s%s", n ? " " : "", row->event.id);
    s->count++;
    s->media += row->event.media_count;
    s->last = row->event;
    (void)snprintf(s->device_name, sizeof s->device_name, "%s", row->event.device_name ? row->event.device_name : "-");
    (void)snprintf(s->arrival, sizeof s->arrival, "%s", row->arrival ? row->arrival : "-");
    return true;
}

static struct store_reader *reader_of(struct history *h)
{
    struct err           e;
    struct store_reader *r = NULL;
    assert_int_equal(store_reader_open(h->store, &r, &e), 0);
    return r;
}

static struct event_filter all_events(void)
{
    return (struct event_filter){ .zone = ZONE_NONE, .severity = -1 };
}

static struct seen list(struct store_reader *r, struct event_filter f, struct page *page)
{
    struct err  e = { 0 };
    struct seen s = { 0 };
    if (query_events(r, &f, page, on_event, &s, &e) < 0)
        fail_msg("%s", e.text);
    return s;
}

static void expect(struct store_reader *r, struct event_filter f, const char *ids)
{
    struct page page = { .limit = 50 };
    struct seen s = list(r, f, &page);
    assert_string_equal(s.ids, ids);
    assert_int_equal(page.next, 0);
}

#define ALL_WITH(...) ((struct event_filter){ .zone = ZONE_NONE, .severity = -1, __VA_ARGS__ })

static void test_filters_find_what_they_name(void **state)
{
    struct history *h = *state;
    history_write(h, some_events);
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    expect(r, all_events(), "E9 E5 E3 E2 E1");
    expect(r, ALL_WITH(.kind = "alarm.*"), "E2 E1");
    expect(r, ALL_WITH(.kind = "mode.armed"), "E5");
    expect(r, ALL_WITH(.kind = "alarm"), "");
    expect(r, (struct event_filter){ .zone = ZONE_NONE, .severity = SEVERITY_ALARM }, "E1");
    expect(r, (struct event_filter){ .zone = ZONE_NONE, .severity = SEVERITY_INFO }, "E9 E5 E3");
    expect(r, ALL_WITH(.device = "panel"), "E5 E2 E1");
    expect(r, (struct event_filter){ .zone = 8, .severity = -1 }, "E2 E1");
    expect(r, ALL_WITH(.zone_name = "ost 1"), "E9 E2 E1");
    expect(r, ALL_WITH(.since_ms = T0 + 2000), "E9 E5 E3");
    expect(r, ALL_WITH(.until_ms = T0 + 2000), "E2 E1");
    expect(r, ALL_WITH(.since_ms = T0 + 1000, .until_ms = T0 + 2000), "E2");
    expect(r, ALL_WITH(.arrival_seq = 7, .kind = NULL), "E9 E5 E2 E1");
    expect(r, ALL_WITH(.id = "E3"), "E3");
    expect(r, ALL_WITH(.id = "none"), "");
}

static const char some_words[] =
    "INSERT INTO arrivals(seq,id,received_ms,bytes,envelope,subject) VALUES(1,'A1',1,1,'{}','Haustür: Klingel');"
    "INSERT INTO devices(id,name,last_seen_ms) VALUES('cam1','Garage Süd',1),('cam2','Pool',1);" EVENT_HEAD
    "(1,'E1',1,1,1000000,'p','camera.doorbell',0,0,'cam1',8,'Ost 1',NULL,'jemand \"klingelt\" AND wartet',NULL,NULL),"
    "(2,'E2',NULL,1,1001000,'p','zone.open',0,0,'panel',9,'Tür Süd','Jörg Straße','Die Türen der Zone 8',NULL,NULL),"
    "(3,'E3',NULL,1,1002000,'p','alarm.tamper',0,2,'cam2',NULL,NULL,NULL,'türkis',NULL,NULL),"
    "(4,'E4',NULL,1,1003000,'p','unknown',0,1,'',NULL,NULL,NULL,'Süd Tür, und doch nicht',NULL,NULL);"
    "UPDATE events SET note = 'nur der Wind' WHERE seq = 3;";

static void test_words_phrases_and_beginnings_are_found_in_all_that_is_read(void **state)
{
    static const struct {
        const char *text, *ids;
    } rows[] = {
        { "tür", "E4 E2" },                    /* zone and text                       */
        { "TUR", "E4 E2" },
        { "tür*", "E4 E3 E2" },
        { "Tü*", "E4 E3 E2" },
        { "türk*", "E3" }, { "TÜRE*", "E2" }, { "stra*", "E2" }, { "straß*", "E2" }, { "strasse*", "" }, { "sü* tü*", "E4 E2" },
        { "t*", "" },                          /* one letter is a word, no beginning  */
        { "klingel", "E1" },                   /* the arrival's subject               */
        { "haustur klingelt", "E1" },          /* all words, wherever they stand      */
        { "\"tür süd\"", "E2" },
        { "\"süd tür\"", "E4" },
        { "\"tür sü\"*", "E2" },
        { "\"tür süd", "E2" },                 /* never closed                        */
        { "jorg", "E2" },
        { "wind", "E3" },                      /* the note                            */
        { "garage", "E1" },                    /* the device's name                   */
        { "gara* klingel", "E1" },
        { "\"garage süd\" ost", "E1" },
        { "pool tamper", "" },
        { "süd", "E4 E2 E1" },
        { "AND", "E1" },                       /* no word is an operator              */
        { "OR", "" },
        { "NOT tür", "" },
        { "text:tür", "" },
        { "zone 8", "E2" },
        { "zqs2", "" },                        /* tags are ours                       */
        { "zq*", "" },
        { "tür !!! ( ) * \"\" ^ + -", "E4 E2" },
        { "klingelt\" AND", "E1" },
        { "!!!", "" }, { "*", "" }, { "\"", "" }, { "\"\"\"\"", "" }, { "(", "" }, { "{a b} : c", "" }, { "NEAR(a b, 2)", "" },
        { "' OR 1=1 --", "" }, { "a\"b\"*c*\"", "" }, { "\xf0\x9f\x94\xa5", "" }, { "tür \xf0\x9f\x94\xa5", "E4 E2" },
    };
    struct history *h = *state;
    history_write(h, some_words);
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct page page = { .limit = 50 };
        struct seen s = list(r, ALL_WITH(.text = rows[i].text), &page);
        if (strcmp(s.ids, rows[i].ids) != 0)
            fail_msg("%s finds \"%s\", not \"%s\"", rows[i].text, s.ids, rows[i].ids);
    }
    expect(r, ALL_WITH(.text = "tür", .kind = "zone.*"), "E2");
    expect(r, ALL_WITH(.text = "süd", .device = "cam1"), "E1");
    expect(r, ALL_WITH(.user = "JÖRG straße"), "");
    expect(r, ALL_WITH(.user = "Jörg straße"), "E2");
    expect(r, ALL_WITH(.zone_name = "Tür"), "");
    expect(r, ALL_WITH(.zone_name = "Tür SüD"), "E2");
}

/* More words than are tried one by one begin so. */
static void test_a_beginning_of_many_words_is_found(void **state)
{
    struct history *h = *state;
    history_write(h, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
                     " INSERT INTO events(seq,id,n,received_ms,parser,kind,restored,severity,device,text)"
                     " SELECT i, 'E' || i, 1, i, 'p', 'unknown', 0, 1, '', CASE WHEN i % 50 = 0 THEN 'um 12' || i ELSE 'um 34' || (i % 3) || ' uhr' END FROM n;"
                     "INSERT INTO events(seq,id,n,received_ms,parser,kind,restored,severity,device,text)"
                     " SELECT seq + 1000, 'F' || seq, 1, 1, 'p', 'unknown', 0, 1, '', 'nr x' || seq FROM events;");
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    expect(r, ALL_WITH(.text = "12*"), "E200 E150 E100 E50");
    struct page page = { .limit = 500 };
    assert_int_equal(list(r, ALL_WITH(.text = "x1*"), &page).count, 111);
    page = (struct page){ .limit = 500 };
    assert_int_equal(list(r, ALL_WITH(.text = "34* uhr"), &page).count, 196);
}

/* The filters with few rows each lead to them another way; all ways must say the same. */
static void test_marks_persons_and_pictures_are_filters(void **state)
{
    struct history *h = *state;
    history_write(h, some_events);
    history_write(h, "UPDATE events SET kept = 1 WHERE seq IN (1, 9); UPDATE events SET acked_ms = 5, acked_by = 'anna' WHERE seq IN (1, 5);"
                     "UPDATE events SET person = 1 WHERE seq = 9; UPDATE events SET target = 'person' WHERE seq = 2;");
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    expect(r, ALL_WITH(.kept = MARK_YES), "E9 E1");
    expect(r, ALL_WITH(.kept = MARK_NO), "E5 E3 E2");
    expect(r, ALL_WITH(.kept = MARK_YES, .text = "ost"), "E9 E1");
    expect(r, ALL_WITH(.kept = MARK_YES, .kind = "camera.motion"), "E9");
    expect(r, ALL_WITH(.acknowledged = MARK_YES), "E5 E1");
    expect(r, ALL_WITH(.acknowledged = MARK_NO), "E9 E3 E2");
    expect(r, (struct event_filter){ .zone = ZONE_NONE, .severity = SEVERITY_ALARM, .acknowledged = MARK_NO }, "");
    history_write(h, "UPDATE events SET acked_ms = NULL WHERE seq = 1");
    expect(r, (struct event_filter){ .zone = ZONE_NONE, .severity = SEVERITY_ALARM, .acknowledged = MARK_NO }, "E1");
    expect(r, ALL_WITH(.person = MARK_YES), "E9 E2");
    expect(r, ALL_WITH(.person = MARK_NO), "E5 E3 E1");
    expect(r, ALL_WITH(.site = "elsewhere"), "");
    expect(r, ALL_WITH(.picture = MARK_YES), "E9");
    expect(r, ALL_WITH(.picture = MARK_NO), "E5 E3 E2 E1");
    history_write(h, "UPDATE media SET forgotten_ms = 1");
    expect(r, ALL_WITH(.picture = MARK_YES), "");
}

static void test_oldest_first_is_the_same_list_from_the_other_end(void **state)
{
    struct history *h = *state;
    history_write(h, some_events);
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    struct page page = { .limit = 2, .is_ascending = true };
    struct seen s = list(r, all_events(), &page);
    assert_string_equal(s.ids, "E1 E2");
    page = (struct page){ .limit = 2, .is_ascending = true, .cursor = page.next };
    s = list(r, all_events(), &page);
    assert_string_equal(s.ids, "E3 E5");
    page = (struct page){ .limit = 2, .is_ascending = true, .cursor = page.next };
    s = list(r, all_events(), &page);
    assert_string_equal(s.ids, "E9");
    assert_int_equal(page.next, 0);
    page = (struct page){ .limit = 2, .is_ascending = true };
    s = list(r, ALL_WITH(.text = "ost"), &page);
    assert_string_equal(s.ids, "E1 E2");
    page = (struct page){ .limit = 2, .is_ascending = true, .cursor = INT64_MAX };
    s = list(r, all_events(), &page);
    assert_string_equal(s.ids, "");
}

static void test_a_row_brings_all_that_is_known(void **state)
{
    struct history *h = *state;
    history_write(h, some_events);
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    struct page page = { .limit = 1 };
    struct seen s = list(r, ALL_WITH(.id = "E1"), &page);
    assert_int_equal(s.last.zone_number, 8);
    assert_int_equal(s.last.code, 132);
    assert_int_equal(s.last.happened_ms, 999000);
    assert_int_equal(s.last.severity, SEVERITY_ALARM);
    assert_string_equal(s.device_name, "Keller 100%");
    assert_string_equal(s.arrival, "ARRIVAL7");
    s = list(r, ALL_WITH(.id = "E3"), &page);
    assert_int_equal(s.last.zone_number, ZONE_NONE);
    assert_string_equal(s.arrival, "-");
    s = list(r, ALL_WITH(.id = "E9"), &page);
    assert_int_equal(s.media, 2);
}

static void test_pages_follow_each_other_while_events_arrive(void **state)
{
    struct history *h = *state;
    history_write(h, some_events);
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    struct page page = { .limit = 2 };
    struct seen s = list(r, all_events(), &page);
    assert_string_equal(s.ids, "E9 E5");
    assert_int_equal(page.next, 5);
    history_write(h, EVENT_HEAD "(10,'E10',NULL,1,1,'x','unknown',0,1,'',NULL,NULL,NULL,NULL,NULL,NULL);");
    page = (struct page){ .cursor = page.next, .limit = 2 };
    s = list(r, all_events(), &page);
    assert_string_equal(s.ids, "E3 E2");
    page = (struct page){ .cursor = page.next, .limit = 2 };
    s = list(r, all_events(), &page);
    assert_string_equal(s.ids, "E1");
    assert_int_equal(page.next, 0);
    page = (struct page){ .cursor = INT64_MAX, .limit = 2 };
    s = list(r, all_events(), &page);
    assert_string_equal(s.ids, "E10 E9");
    page = (struct page){ .limit = 6 };
    s = list(r, all_events(), &page);
    assert_string_equal(s.ids, "E10 E9 E5 E3 E2 E1");
    assert_int_equal(page.next, 0); /* exactly full, and nothing follows */
}

static void test_a_page_that_is_ended_goes_on_after_its_last_row(void **state)
{
    struct history *h = *state;
    history_write(h, some_events);
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    struct err          e;
    struct event_filter f = all_events();
    struct page         page = { .limit = 50 };
    struct seen         s = { .stop_after = 3 };
    assert_int_equal(query_events(r, &f, &page, on_event, &s, &e), 0);
    assert_string_equal(s.ids, "E9 E5 E3");
    assert_int_equal(page.next, 3);
}

static void test_a_long_history_is_walked_in_pieces_and_none_is_lost(void **state)
{
    struct history *h = *state;
    history_write(h, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 65000)"
                     " INSERT INTO events(seq,id,n,received_ms,parser,kind,restored,severity,device)"
                     " SELECT i, 'E' || i, 1, i, 'p', iif(i % 30000 = 1, 'alarm.gas', 'unknown'), 0, 1, '' FROM n;");
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    expect(r, ALL_WITH(.kind = "alarm.gas"), "E60001 E30001 E1");
    struct page page = { .limit = 1 };
    struct seen s = list(r, ALL_WITH(.kind = "alarm.gas"), &page);
    assert_string_equal(s.ids, "E60001");
    char found[64] = "";
    int  pages = 0;
    page = (struct page){ .limit = 50 };
    do { /* no time at all: one window a page */
        page = (struct page){ .cursor = page.next, .limit = 50, .budget_ms = -1 };
        s = list(r, ALL_WITH(.kind = "alarm.gas", .picture = MARK_NO), &page); /* the index does not know pictures */
        (void)snprintf(found + strlen(found), sizeof found - strlen(found), "%s ", s.ids);
        pages++;
    } while (page.next);
    assert_string_equal(found, "E60001 E30001  E1 ");
    assert_int_equal(pages, 4);
}

static void test_a_medium_is_found_with_its_place(void **state)
{
    struct history *h = *state;
    history_write(h, some_events);
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    CLEANUP(arena_done) struct arena                 a;
    arena_init(&a, 4096);
    struct err   e;
    struct media m;
    char         arrival[ID_TEXT];
    int64_t      seq;
    assert_int_equal(event_media_find(r, "E9", 1, &m, arrival, &seq, &a, &e), 1);
    assert_string_equal(m.type, "image/jpeg");
    assert_string_equal(arrival, "ARRIVAL7");
    assert_int_equal(seq, 7);
    assert_int_equal(m.offset, 10);
    assert_int_equal(m.length, 4);
    assert_int_equal(m.encoding, ENCODING_BASE64);
    assert_int_equal(event_media_find(r, "E9", 3, &m, arrival, &seq, &a, &e), 0);
    assert_int_equal(event_media_find(r, "E1", 1, &m, arrival, &seq, &a, &e), 0);
}

static const char some_deliveries[] =
    "INSERT INTO messages(seq,id,account,provider,address,severity,state,attempts,maybe_twice,verdict,detail,text,created_ms,due_run_ms)"
    " VALUES(1,'M1','sms','clicksend','+49',2,2,1,0,'sent','queued','t',1,1),(2,'M2','tg','telegram','4711',1,1,2,1,'unknown',NULL,'t',1,1);"
    "INSERT INTO deliveries(seq,id,event,recipient,severity,state,created_ms,created_run_ms,sent_ms,due_run_ms,message) VALUES"
    "(1,'D1',1,'anna',2,2,1000000,0,1000500,0,1),(2,'D2',2,'anna',1,0,1001000,0,NULL,0,NULL),"
    "(3,'D3',2,'family',1,1,1002000,0,NULL,0,2),(4,'D4',3,'family',1,4,1003000,0,NULL,0,2);"
    "INSERT INTO legs(delivery,n,way,account,address,severity,state,message) VALUES"
    "(1,0,0,'sms','+49',2,2,1),(2,0,0,'sms','+49',1,0,NULL),(3,0,0,'tg','4711',1,1,2),(4,0,0,'tg','4711',1,4,2);";

struct written {
    struct json_out w;
    struct buf      out;
};

static bool on_delivery(void *user, const struct delivery_row *row)
{
    struct written *x = user;
    delivery_write(&x->w, NULL, row);
    return true;
}

static void expect_deliveries(struct store_reader *r, struct delivery_filter f, const char *json)
{
    struct err     e = { 0 };
    struct page    page = { .limit = 50 };
    struct written x;
    buf_init(&x.out, 65536);
    x.w = json_begin(&x.out);
    json_array(&x.w, NULL);
    if (query_deliveries(r, &f, &page, on_delivery, &x, &e) < 0)
        fail_msg("%s", e.text);
    json_end(&x.w);
    assert_string_equal(buf_str(&x.out), json);
    buf_done(&x.out);
}

#define D1                                                                                                                \
    "{\"id\":\"D1\",\"event\":\"E1\",\"recipient\":\"anna\",\"state\":\"sent\",\"message\":{\"id\":\"M1\",\"account\":\"sms\","    \
    "\"provider\":\"clicksend\",\"address\":\"+49\",\"events\":[\"E1\"],\"attempts\":1,\"verdict\":\"sent\","             \
    "\"detail\":\"queued\",\"maybe_twice\":false},\"created_at\":\"1970-01-01T00:16:40.000Z\","                           \
    "\"sent_at\":\"1970-01-01T00:16:40.500Z\"}"
#define D2 "{\"id\":\"D2\",\"event\":\"E2\",\"recipient\":\"anna\",\"state\":\"waiting\",\"created_at\":\"1970-01-01T00:16:41.000Z\"}"
#define M2                                                                                                            \
    "\"message\":{\"id\":\"M2\",\"account\":\"tg\",\"provider\":\"telegram\",\"address\":\"4711\",\"events\":[\"E2\",\"E3\"]," \
    "\"attempts\":2,\"verdict\":\"unknown\",\"maybe_twice\":true}"
#define D3                                                                                                                \
    "{\"id\":\"D3\",\"event\":\"E2\",\"recipient\":\"family\",\"state\":\"sending\"," M2 ",\"created_at\":\"1970-01-01T00:16:42.000Z\"}"
#define D4                                                                                                                \
    "{\"id\":\"D4\",\"event\":\"E3\",\"recipient\":\"family\",\"state\":\"failed\"," M2 ",\"created_at\":\"1970-01-01T00:16:43.000Z\"}"

static void test_deliveries_come_with_their_message_and_its_members(void **state)
{
    struct history *h = *state;
    history_write(h, some_events);
    history_write(h, some_deliveries);
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    expect_deliveries(r, (struct delivery_filter){ .state = -1 }, "[" D4 "," D3 "," D2 "," D1 "]");
    expect_deliveries(r, (struct delivery_filter){ .state = DELIVERY_FAILED }, "[" D4 "]");
    expect_deliveries(r, (struct delivery_filter){ .state = DELIVERY_WAITING }, "[" D2 "]");
    expect_deliveries(r, (struct delivery_filter){ .state = -1, .recipient = "anna" }, "[" D2 "," D1 "]");
    expect_deliveries(r, (struct delivery_filter){ .state = -1, .event = "E2" }, "[" D3 "," D2 "]");
    expect_deliveries(r, (struct delivery_filter){ .state = -1, .arrival_seq = 7 }, "[" D3 "," D2 "," D1 "]");
    expect_deliveries(r, (struct delivery_filter){ .state = DELIVERY_SENT, .event = "E2" }, "[]");
}

static void test_a_page_that_takes_too_long_ends_by_its_deadline(void **state)
{
    struct history *h = *state;
    CLEANUP(store_reader_close) struct store_reader *r = reader_of(h);
    struct err  e = { 0 };
    struct db  *d = reader_db(r);
    db_limit_time(d, 1);
    CLEANUP(stmt_done) struct stmt *q = db_stmt(d, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", &e);
    assert_non_null(q);
    assert_int_equal(stmt_step(q, &e), -1);
    assert_int_equal(e.code, ERR_TIMEOUT);
    db_limit_time(d, 0);
    expect(r, all_events(), "");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, history_setup, history_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_filters_find_what_they_name),
        WITH_STORE(test_words_phrases_and_beginnings_are_found_in_all_that_is_read),
        WITH_STORE(test_a_beginning_of_many_words_is_found),
        WITH_STORE(test_marks_persons_and_pictures_are_filters),
        WITH_STORE(test_oldest_first_is_the_same_list_from_the_other_end),
        WITH_STORE(test_a_row_brings_all_that_is_known),
        WITH_STORE(test_pages_follow_each_other_while_events_arrive),
        WITH_STORE(test_a_page_that_is_ended_goes_on_after_its_last_row),
        WITH_STORE(test_a_long_history_is_walked_in_pieces_and_none_is_lost),
        WITH_STORE(test_a_medium_is_found_with_its_place),
        WITH_STORE(test_deliveries_come_with_their_message_and_its_members),
        WITH_STORE(test_a_page_that_takes_too_long_ends_by_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
