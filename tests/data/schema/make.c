/* make FOLDER: a small data folder as this version writes it: for tests/data/schema/<version>. Made once per version and then
 * kept: later versions must open it.
 *   ninja -C build/debug tests/data/schema/make_schema && build/debug/tests/data/schema/make_schema tests/data/schema/N */
#include "store/db.h"
#include "store/store.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int64_t first_ms = 1795000000000; /* 2026-11-18 */

static void ignore_kept(struct arrival *a, const struct err *failed)
{
    (void)a;
    (void)failed;
}

static int keep(struct store *s, const char *id, int64_t received_ms, const char *data, bool is_large, int64_t *seq_out,
                struct err *e)
{
    static struct arrival a;
    a = (struct arrival){ .received_ms = received_ms,
                          .bytes = (int64_t)strlen(data),
                          .kept = ignore_kept,
                          .envelope = "{\"listener\":\"smtp\",\"peer\":\"192.168.1.20\",\"helo\":\"xt1\",\"login\":\"\","
                                      "\"from\":\"xt1@home\",\"to\":[\"alarm@home\"]}" };
    memcpy(a.id, id, ID_TEXT);
    a.data = is_large ? NULL : data;
    if (is_large && (spool_open(s, id, received_ms, &a.spool, e) < 0 || spool_write(a.spool, data, strlen(data), e) < 0 ||
                     spool_sync(a.spool, e) < 0))
        return -1;
    store_accept(s, &a);
    while (store_last_arrival(s) < *seq_out + 1)
        (void)usleep(1000);
    *seq_out = store_last_arrival(s);
    return 0;
}

static int understand(struct store_tx *tx, int64_t arrival, const char *kind, enum severity severity, const struct media *media,
                      int64_t *event_out, struct err *e)
{
    const struct event_origin origin = { .arrival = "", .parser = "lupusec", .received_ms = first_ms };
    struct event ev = { .kind = kind,
                        .severity = severity,
                        .device_id = "alarm",
                        .device_name = "Haus",
                        .zone_number = 8,
                        .zone_name = "Ost 1",
                        .text = "Zone:8 Ost 1, Innenbereich Alarm",
                        .code = 132,
                        .target = "person",
                        .channel = "D4",
                        .device_time = "2026-11-18T15:06:40+01:00",
                        .drift_ms = -42000,
                        .media = media,
                        .media_count = media ? 1 : 0 };
    struct events list = { .items = &ev, .count = 1 };
    bool is_new;
    if (tx_events(tx, arrival, &origin, &list, event_out, &is_new, e) < 0)
        return -1;
    return tx_arrival_state(tx, arrival, ARRIVAL_UNDERSTOOD, "lupusec", "Alarm", e);
}

static int apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    (void)op;
    static const struct media picture = {
        .n = 1, .type = "image/jpeg", .name = "a.jpg", .bytes = 4, .offset = 60, .length = 8, .encoding = ENCODING_BASE64
    };
    int64_t alarm, motion;
    if (understand(tx, 1, "alarm.interior", SEVERITY_ALARM, NULL, &alarm, e) < 0 ||
        understand(tx, 2, "camera.motion", SEVERITY_INFO, &picture, &motion, e) < 0)
        return -1;
    return db_exec(
        tx_db(tx),
        "INSERT INTO messages(id, account, provider, address, severity, state, attempts, text, created_ms, due_run_ms)"
        " VALUES('01KAAAAAAAAAAAAAAAAAAAAAM1', 'sms', 'clicksend', '+491700000001', 2, 0, 1, 'ALARM', 1795000000000, 0);"
        "INSERT INTO deliveries(id, event, recipient, severity, state, created_ms, created_run_ms, due_run_ms, message)"
        " VALUES('01KAAAAAAAAAAAAAAAAAAAAAD1', 1, 'anna', 2, 1, 1795000000000, 0, 0, 1);"
        "INSERT INTO legs(delivery, n, way, account, address, severity, state, message)"
        " VALUES(1, 0, 0, 'sms', '+491700000001', 2, 1, 1);"
        "INSERT INTO transcripts(device, at_ms, peer, body) VALUES('alarm', 1795000000000, '192.168.1.20', '{}');"
        "UPDATE devices SET owner_name = 'Garten', name = 'Garten', named_by = 'owner', kind = 'panel', address = '192.168.1.20';"
        "INSERT INTO audit(at_ms, who, what) VALUES(1795000000000, 'make', 'made');"
        "UPDATE events SET acked_ms = 1795000001000, acked_by = 'anna', kept = 1, kept_by = 'anna', note = 'nur der Wind' WHERE seq = 1;"
        "UPDATE events SET person = 1 WHERE seq = 2;"
        "INSERT INTO tokens(id, name, role, hash, created_ms) VALUES('01KAAAAAAAAAAAAAAAAAAAAAT1', 'phone', 'read', x'00', 1795000000000);"
        "INSERT INTO erased(id) VALUES('01KAAAAAAAAAAAAAAAAAAAAAA0');"
        "INSERT INTO meta(key, value) VALUES('running_ms', 123456);",
        e);
}

/* Long enough that its bytes are apart from its row. */
static const char *alarm_mail(void)
{
    static char mail[5000] = "Subject: Alarm\r\n\r\nZone:8 Ost 1, Innenbereich Alarm\r\n";
    size_t n = strlen(mail);
    memset(mail + n, '-', sizeof mail - n - 1);
    return mail;
}

static int make(struct store *s, struct err *e)
{
    int64_t seq = 0;
    if (keep(s, "01KAAAAAAAAAAAAAAAAAAAAAA1", first_ms, alarm_mail(), false, &seq, e) < 0 ||
        keep(s, "01KAAAAAAAAAAAAAAAAAAAAAA2", first_ms,
             "Subject: Bild\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/4A==\r\n", true, &seq, e) < 0 ||
        keep(s, "01KAAAAAAAAAAAAAAAAAAAAAA3", first_ms, "Subject: still waits\r\n\r\n", false, &seq, e) < 0)
        return -1;
    struct store_op op = { .rank = STORE_EVENT, .apply = apply };
    return store_do(s, &op, e);
}

int main(int argc, char **argv)
{
    struct store *s = NULL;
    struct err e = { 0 };
    if (argc != 2 || store_open(&(struct store_options){ .folder = argv[1], .reserve_bytes = 4096 }, &s, &e) < 0 ||
        make(s, &e) < 0) {
        fprintf(stderr, "make_schema: %s\n", argc == 2 ? e.text : "usage: make_schema FOLDER");
        return 1;
    }
    store_close(&s);
    if (chdir(argv[1]) < 0 || unlink("lock") < 0)
        return 1;
    (void)unlink("reserve");
    return 0;
}
