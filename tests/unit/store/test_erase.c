/* What is erased leaves no trace: rows of all tables, words of the index, bytes of files and of the log. What is beside it stays. */
#include "core/clock.h"
#include "store/audit.h"
#include "store/erase.h"
#include "store/imports.h"
#include "store/outbox.h"
#include "store/query.h"
#include "store/quotes.h"
#include "tests/unit/store/temp.h"
#include <dirent.h>
#include <fcntl.h>

static const char *const secrets[] = { "quellwasser", "Quellwasser", "brombeere", "Brombeere", "schlehdorn", "Schlehdorn" };

struct making {
    const char *subject, *text, *user;
    int64_t     arrival;
    int         events;
    int64_t     first; /* out */
};

static int make(struct store_tx *tx, void *user, struct err *e)
{
    struct making *m = user;
    const struct event_origin origin = { .parser = "test", .received_ms = 1795000000000 };
    struct event  ev[4];
    int64_t       seqs[4];
    bool          is_new[4];
    for (int i = 0; i < m->events; i++)
        ev[i] = (struct event){ .kind = "alarm.tamper", .severity = SEVERITY_ALARM, .device_id = "gate", .zone_number = ZONE_NONE,
                                .text = m->text, .user = m->user };
    struct events list = { .items = ev, .count = (size_t)m->events };
    if (tx_events(tx, m->arrival, &origin, &list, seqs, is_new, e) < 0)
        return -1;
    m->first = seqs[0];
    return m->arrival == 0 ? 0 : tx_arrival_state(tx, m->arrival, ARRIVAL_UNDERSTOOD, "test", m->subject, e);
}

/* A mail with so many events; the seq of its first. */
static int64_t put(struct temp *t, const char *subject, const char *text, const char *user, int events, bool is_large)
{
    char       mail[6000];
    struct err e = { 0 };
    int        n = snprintf(mail, sizeof mail, "Subject: %s\r\n\r\n%s, %s\r\n", subject, text, user);
    memset(mail + n, '-', sizeof mail - (size_t)n - 1); /* over 3 KiB: in a table of its own */
    mail[sizeof mail - 1] = '\0';
    struct making m = { .subject = subject, .text = text, .user = user, .events = events };
    m.arrival = is_large ? temp_keep_large(t, 1795000000000, mail, NULL) : temp_keep(t, 1795000000000, mail);
    if (temp_do(t, STORE_EVENT, make, &m, &e) < 0)
        fail_msg("%s", e.text);
    return m.first;
}

static int64_t put_secret(struct temp *t, int events, bool is_large)
{
    return put(t, "Quellwasser", "Brombeere am Tor", "Schlehdorn", events, is_large);
}

static int run_sql(struct store_tx *tx, void *user, struct err *e)
{
    return db_exec(tx_db(tx), user, e);
}

static void sql(struct temp *t, const char *text)
{
    struct err e = { 0 };
    if (temp_do(t, STORE_EVENT, run_sql, (void *)(uintptr_t)text, &e) < 0)
        fail_msg("%s: %s", text, e.text);
}

static struct erase_result erase(struct temp *t, const int64_t *seqs, size_t count)
{
    const struct audit_entry by = { .who = "test", .role = ROLE_ADMIN, .what = "event.erase" };
    struct store_reader *r = NULL;
    struct err           e = { 0 };
    struct erase_list    list = { 0 };
    struct erase_result  result = { 0 };
    if (store_reader_open(t->store, &r, &e) < 0 || erase_list_add(&list, r, seqs, count, &e) < 0 || erase_all(t->store, r, &list, &by, &result, &e) < 0)
        fail_msg("%s", e.text);
    erase_list_done(&list);
    store_reader_close(&r);
    return result;
}

/* As the keeper does it, which stands still meanwhile. */
static void sweep(struct temp *t)
{
    struct db *db = NULL;
    struct err e = { 0 };
    keeper_stop(t->store->keeper);
    assert_int_equal(db_open(t->store->database, DB_CHECKPOINT, &db, &e), 0);
    for (int i = 0; i < 100 && erase_go_on(t->store, db); i++)
        ;
    db_close(&db);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM meta WHERE key = 'note/sweep'"), 0);
}

static bool file_has(int at, const char *name, const char *word)
{
    struct stat st;
    int         fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char *bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    bool has = memmem(bytes, (size_t)st.st_size, word, strlen(word)) != NULL;
    free(bytes);
    (void)close(fd);
    return has;
}

static const char *sought;
static char        found_in[512];

static int look(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)ftw;
    if (kind == FTW_F && file_has(AT_FDCWD, path, sought))
        (void)snprintf(found_in, sizeof found_in, "%s", path);
    return 0;
}

/* "" or the file it is in. */
static const char *where_is(struct temp *t, const char *word)
{
    sought = word;
    found_in[0] = '\0';
    assert_int_equal(nftw(t->folder, look, 16, FTW_PHYS), 0);
    return found_in;
}

/* The index shares beginnings of words, so it is asked itself. */
static int64_t terms_like(struct temp *t, const char *word)
{
    char text[200];
    sql(t, "CREATE VIRTUAL TABLE IF NOT EXISTS temp.terms USING fts5vocab('main', 'search', 'row')");
    (void)snprintf(text, sizeof text, "INSERT OR REPLACE INTO meta(key, value) SELECT 'test/terms', count(*) FROM temp.terms WHERE term = '%s'", word);
    sql(t, text);
    return temp_number(t, "SELECT value FROM meta WHERE key = 'test/terms'");
}

static void assert_no_trace(struct temp *t)
{
    for (size_t i = 0; i < COUNT(secrets); i++)
        if (where_is(t, secrets[i])[0])
            fail_msg("%s is in %s", secrets[i], found_in);
    assert_int_equal(terms_like(t, "quellwasser") + terms_like(t, "brombeere") + terms_like(t, "schlehdorn"), 0);
}

static void assert_whole(struct temp *t)
{
    static const char *const orphans[] = {
        "SELECT count(*) FROM deliveries WHERE event NOT IN (SELECT seq FROM events)",
        "SELECT count(*) FROM legs WHERE delivery NOT IN (SELECT seq FROM deliveries)",
        "SELECT count(*) FROM messages WHERE seq NOT IN (SELECT message FROM legs WHERE message IS NOT NULL)",
        "SELECT count(*) FROM bodies WHERE arrival NOT IN (SELECT seq FROM arrivals)",
        "SELECT (SELECT count(*) FROM events) - (SELECT total(n) FROM tallies)",
        "SELECT (SELECT count(*) FROM events) - (SELECT total(n) FROM hours)",
        "SELECT count(*) FROM meta WHERE key GLOB 'doomed/*'",
        "SELECT count(*) FROM erasing",
    };
    for (size_t i = 0; i < COUNT(orphans); i++)
        if (temp_number(t, orphans[i]) != 0)
            fail_msg("%s", orphans[i]);
}

static void test_no_trace_is_left_and_the_neighbours_stay(void **state)
{
    struct temp *t = *state;
    int64_t      seqs[2];
    (void)put(t, "Zaun", "Haselnuss am Zaun", "Anna", 1, false);
    seqs[0] = put_secret(t, 1, false);
    (void)put(t, "Zaun", "Holunder", "Anna", 2, true);
    seqs[1] = put_secret(t, 3, true);
    sql(t, "INSERT INTO audit(at_ms, who, what, object, detail) SELECT 0, 'x', 'event.mark', id, '{\"note\":\"Brombeere\"}' FROM events WHERE user = 'Schlehdorn';"
           "INSERT INTO audit(at_ms, who, what, detail) VALUES(0, 'x', 'event.ack', '{\"filter\":\"text=brombeere\",\"count\":1}');"
           "INSERT INTO transcripts(device, at_ms, peer, body) SELECT 'gate', 1795000000000, '', '{\"kept\":[\"' || id || '\"],\"said\":\"Brombeere\"}'"
           " FROM arrivals WHERE subject = 'Quellwasser';"
           "INSERT INTO transcripts(device, at_ms, peer, body) VALUES('gate', 1795000000000, '', '{\"kept\":[]}')");
    for (size_t i = 0; i < COUNT(secrets); i++) /* the control: they are there */
        assert_true(i % 2 == 0 || where_is(t, secrets[i])[0] != '\0');
    assert_int_equal(terms_like(t, "brombeere"), 1);

    struct erase_result result = erase(t, seqs, COUNT(seqs));
    assert_int_equal(result.events, 4);
    assert_int_equal(result.mails, 2);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events"), 3);
    sweep(t);
    assert_no_trace(t);
    assert_whole(t);
    assert_true(where_is(t, "Haselnuss")[0] != '\0' && where_is(t, "Holunder")[0] != '\0');
    assert_int_equal(terms_like(t, "haselnuss"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM transcripts"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM arrivals"), 2);
    assert_int_equal(temp_number(t, "SELECT json_extract(detail, '$.count') FROM audit WHERE what = 'event.ack'"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM audit WHERE what = 'event.erase'"), 1);
}

static void test_any_event_stands_for_its_whole_mail_which_counts_once(void **state)
{
    struct temp         *t = *state;
    struct store_reader *r = NULL;
    struct err           e = { 0 };
    struct erase_list    list = { 0 };
    struct erase_counts  counts;
    int64_t              first = put_secret(t, 3, false), other = put(t, "a", "b", "c", 1, false);
    const int64_t        seqs[] = { first + 2, first + 1, other, first + 2, other + 1000 };
    sql(t, "UPDATE events SET same_as = 1 WHERE seq = 4");
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    assert_int_equal(erase_list_add(&list, r, seqs, 2, &e), 0);
    assert_int_equal(erase_count(&list, r, &counts, &e), 0);
    assert_true(counts.events == 3 && counts.mails == 1 && counts.linked == 1 && counts.deliveries == 0);
    assert_int_equal(erase_list_add(&list, r, seqs, COUNT(seqs), &e), 0);
    assert_int_equal(erase_count(&list, r, &counts, &e), 0);
    assert_true(counts.events == 4 && counts.mails == 2 && list.count == 2);
    assert_int_equal(counts.first_ms, 1795000000000);
    erase_list_done(&list);
    store_reader_close(&r);
    const int64_t one = first + 1;
    assert_int_equal(erase(t, &one, 1).events, 3);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events"), 1);
    assert_int_equal(erase(t, &one, 1).events, 0);
}

/* Two events in one message: ours is erased, the other's delivery stays. Columns: what the message is doing, then what becomes of it. */
static void test_what_waits_is_withdrawn_and_what_flies_is_let_end(void **state)
{
    struct temp *t = *state;
    int64_t      mine = put_secret(t, 1, false);
    (void)put(t, "a", "b", "c", 1, false);
    sql(t, "INSERT INTO messages(id, account, provider, address, severity, state, attempts, text, created_ms, due_run_ms)"
           " VALUES('m1', 'sms', 'log', 'x', 2, 0, 1, 'Brombeere and b', 0, 0);"
           "INSERT INTO deliveries(id, event, recipient, severity, state, created_ms, created_run_ms, due_run_ms, message)"
           " VALUES('d1', 1, 'anna', 2, 1, 0, 0, 0, 1), ('d2', 2, 'anna', 2, 1, 0, 0, 0, 1);"
           "INSERT INTO legs(delivery, n, way, account, address, severity, state, message) VALUES(1, 0, 0, 'sms', 'x', 2, 1, 1), (2, 0, 0, 'sms', 'x', 2, 1, 1)");
    struct erase_result result = erase(t, &mine, 1);
    assert_true(result.left == 1 && result.events == 0 && result.deliveries == 0);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events"), 2);
    assert_int_equal(temp_number(t, "SELECT event FROM erasing"), mine);

    keeper_stop(t->store->keeper);
    sql(t, "UPDATE messages SET state = 1"); /* it was refused for now, and will be tried again */
    sweep(t);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM messages"), 0);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM deliveries WHERE event = 2 AND state = 0 AND message IS NULL"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM legs WHERE delivery = 2 AND state = 0 AND message IS NULL"), 1);
    assert_no_trace(t);
    assert_whole(t);
}

static void test_a_message_that_told_others_too_keeps_no_word(void **state)
{
    struct temp *t = *state;
    int64_t      mine = put_secret(t, 1, false);
    (void)put(t, "a", "b", "c", 1, false);
    sql(t, "INSERT INTO messages(id, account, provider, address, severity, state, attempts, text, created_ms, due_run_ms)"
           " VALUES('m1', 'sms', 'log', 'x', 2, 2, 1, 'Brombeere and b', 0, 0), ('m2', 'sms', 'log', 'x', 2, 1, 1, 'Brombeere', 0, 0);"
           "INSERT INTO deliveries(id, event, recipient, severity, state, created_ms, created_run_ms, due_run_ms, message)"
           " VALUES('d1', 1, 'anna', 2, 2, 0, 0, 0, 1), ('d2', 2, 'anna', 2, 2, 0, 0, 0, 1), ('d3', 1, 'bob', 2, 1, 0, 0, 0, 2);"
           "INSERT INTO legs(delivery, n, way, account, address, severity, state, message)"
           " VALUES(1, 0, 0, 'sms', 'x', 2, 2, 1), (2, 0, 0, 'sms', 'x', 2, 2, 1), (3, 0, 0, 'sms', 'x', 2, 1, 2)");
    struct erase_result result = erase(t, &mine, 1);
    assert_true(result.events == 1 && result.deliveries == 1 && result.left == 0);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM messages WHERE id = 'm1' AND text = '' AND state = 2"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM messages"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM deliveries WHERE state = 2"), 1);
    sweep(t);
    assert_no_trace(t);
}

struct quoting {
    int64_t message;
    int     may;
};

static int ask_whether(struct store_tx *tx, void *user, struct err *e)
{
    struct quoting *q = user;
    q->may = tx_may_quote(tx, q->message, e);
    return q->may < 0 ? -1 : 0;
}

static int may_quote(struct temp *t, int64_t message)
{
    struct quoting q = { .message = message };
    struct err     e = { 0 };
    assert_int_equal(temp_do(t, STORE_EVENT, ask_whether, &q, &e), 0);
    return q.may;
}

static void test_an_event_that_quotes_what_was_answered_goes_too(void **state)
{
    struct temp  *t = *state;
    struct err    e = { 0 };
    struct making quoting = { .text = "refused: no Brombeere", .user = "", .events = 1 };
    int64_t       mine = put_secret(t, 1, false);
    (void)put(t, "a", "b", "c", 1, false);
    assert_int_equal(temp_do(t, STORE_EVENT, make, &quoting, &e), 0);
    sql(t, "INSERT INTO messages(id, account, provider, address, severity, state, attempts, detail, text, created_ms, due_run_ms)"
           " VALUES('m1', 'sms', 'log', 'x', 2, 4, 1, 'no Brombeere', 'Brombeere and b', 0, 0), ('m2', 'sms', 'log', 'x', 2, 0, 1, NULL, 'b', 0, 0);"
           "INSERT INTO deliveries(id, event, recipient, severity, state, created_ms, created_run_ms, due_run_ms, message)"
           " VALUES('d1', 1, 'anna', 2, 4, 0, 0, 0, 1), ('d2', 2, 'anna', 2, 4, 0, 0, 0, 1);"
           "INSERT INTO legs(delivery, n, way, account, address, severity, state, message) VALUES(1, 0, 0, 'sms', 'x', 2, 4, 1), (2, 0, 0, 'sms', 'x', 2, 4, 1);"
           "INSERT INTO quotes(event, message) VALUES(3, 1)");
    assert_true(may_quote(t, 1) == 1 && may_quote(t, 2) == 1 && may_quote(t, 3) == 0);
    struct erase_result result = erase(t, &mine, 1);
    assert_true(result.events == 1 && result.left == 1);
    assert_int_equal(may_quote(t, 1), 0); /* one that comes late is not kept */
    sweep(t);
    assert_int_equal(temp_number(t, "SELECT group_concat(seq) FROM events"), 2);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM quotes"), 0);
    assert_no_trace(t);
}

static void test_an_event_of_our_own_goes_alone(void **state)
{
    struct temp  *t = *state;
    struct err    e = { 0 };
    struct making a = { .text = "Brombeere", .user = "", .events = 1 }, b = { .text = "the disk is full", .user = "", .events = 1 };
    assert_int_equal(temp_do(t, STORE_EVENT, make, &a, &e), 0);
    assert_int_equal(temp_do(t, STORE_EVENT, make, &b, &e), 0);
    struct erase_result result = erase(t, &a.first, 1);
    assert_true(result.events == 1 && result.mails == 0);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM erased"), 0);
}

static int import_again(struct store_tx *tx, void *user, struct err *e)
{
    int kept = tx_import(tx, user, "eml", e);
    return kept == 0 ? 0 : err_set(e, ERR_STATE, "it came back: %d", kept);
}

static void test_what_was_erased_is_not_imported_again(void **state)
{
    struct temp         *t = *state;
    struct err           e = { 0 };
    struct store_reader *r = NULL;
    int64_t              seq = put_secret(t, 1, false);
    struct arrival       a = { .received_ms = 1795000000000, .envelope = "{}", .data = "Brombeere", .bytes = 9 };
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    {
        CLEANUP(stmt_done) struct stmt *q = db_stmt(reader_db(r), "SELECT id FROM arrivals", &e);
        assert_int_equal(stmt_step(q, &e), 1);
        memcpy(a.id, col_text(q, 0), ID_TEXT);
    }
    store_reader_close(&r);
    (void)erase(t, &seq, 1);
    if (temp_do(t, STORE_EVENT, import_again, &a, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM arrivals"), 0);
}

static void test_the_archive_hears_of_it_where_there_is_one(void **state)
{
    struct temp *t = *state;
    int64_t      a = put_secret(t, 2, false), b = put_secret(t, 2, false);
    (void)erase(t, &a, 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM erasures"), 0);
    sql(t, "INSERT INTO meta(key, value) VALUES('note/archive.gateway', 'x')");
    (void)erase(t, &b, 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM erasures"), 2);
}

static void test_what_was_written_down_goes_after_a_start(void **state)
{
    struct temp *t = *state;
    (void)put_secret(t, 2, true);
    keeper_stop(t->store->keeper);
    sql(t, "INSERT INTO erasing(event) VALUES(1), (99)"); /* and it was killed */
    store_close(&t->store);
    temp_open(t);
    sweep(t);
    assert_no_trace(t);
    assert_whole(t);
}

/* Its file is there again, as if the power had gone before it was removed and the damaged database had lost its name. */
static void test_a_rebuilt_database_does_not_bring_it_back(void **state)
{
    struct temp *t = *state;
    struct err   e = { 0 };
    char         file[FILE_TEXT], id[ID_TEXT];
    int64_t      seq;
    (void)temp_keep_large(t, 1795000000000, "Subject: Holunder\r\n\r\n", NULL);
    struct making m = { .subject = "Quellwasser", .text = "Brombeere", .user = "Schlehdorn", .events = 1 };
    m.arrival = temp_keep_large(t, 1795000000000, "Subject: Quellwasser\r\n\r\nBrombeere", id);
    assert_int_equal(temp_do(t, STORE_EVENT, make, &m, &e), 0);
    seq = m.first;
    assert_int_equal(erase(t, &seq, 1).mails, 1);
    keeper_stop(t->store->keeper); /* it would remove the file */
    (void)snprintf(file, sizeof file, "arrivals/2026/11/18/%s.eml", id);
    int fd = openat(t->store->folder_fd, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, "Brombeere", 9) == 9);
    (void)close(fd);
    assert_int_equal(store_mark_damaged(t->store, &e), 0);
    store_close(&t->store);
    const struct store_options beside = { .folder = t->folder, .reserve_bytes = 1 << 16, .is_prepared_beside = true };
    assert_int_equal(store_open(&beside, &t->store, &e), 0);
    while (store_phase(t->store) == STORE_REBUILDING)
        (void)usleep(1000);
    assert_int_equal(store_phase(t->store), STORE_READY);
    assert_non_null(store_rebuilt(t->store));
    assert_int_equal(temp_number(t, "SELECT count(*) FROM arrivals"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM erased"), 1);
}

static void count_copy(void *user, const char *name, int64_t bytes, int64_t made_ms)
{
    assert_true(bytes == 3 && made_ms > 0 && strncmp(name, "postern.db.", 11) == 0);
    ++*(int *)user;
}

static void test_older_copies_are_named_and_removed(void **state)
{
    static const char *const names[] = { "postern.db.v4", "postern.db.damaged-2026-11-01T10:00:00", "postern.db.damaged-2026-11-01T10:00:00-wal", "postern.note" };
    struct temp *t = *state;
    struct err   e = { 0 };
    int          count = 0;
    for (size_t i = 0; i < COUNT(names); i++) {
        int fd = openat(t->store->folder_fd, names[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(fd >= 0 && write(fd, "old", 3) == 3);
        (void)close(fd);
    }
    assert_int_equal(erase_copies(t->store, count_copy, &count, &e), 0);
    assert_int_equal(count, 3);
    assert_int_equal(erase_copies_remove(t->store, &e), 3);
    assert_int_equal(faccessat(t->store->folder_fd, "postern.note", F_OK, 0), 0);
    assert_int_equal(faccessat(t->store->folder_fd, "postern.db", F_OK, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_trace_is_left_and_the_neighbours_stay, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_any_event_stands_for_its_whole_mail_which_counts_once, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_what_waits_is_withdrawn_and_what_flies_is_let_end, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_a_message_that_told_others_too_keeps_no_word, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_an_event_that_quotes_what_was_answered_goes_too, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_an_event_of_our_own_goes_alone, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_what_was_erased_is_not_imported_again, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_the_archive_hears_of_it_where_there_is_one, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_what_was_written_down_goes_after_a_start, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_a_rebuilt_database_does_not_bring_it_back, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_older_copies_are_named_and_removed, temp_setup, temp_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
