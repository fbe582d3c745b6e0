/* schema: the database of each version, and the steps from one to the next. tests/data/schema/<n>/ keeps a small folder
 * of every version that ever was; each must open. */
#include "store/schema.h"
#include "store/db.h"

static const char *const version_1 =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;"

    "CREATE TABLE arrivals("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE,"
    " received_ms INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0,"  /* enum arrival_state */
    " tries INTEGER NOT NULL DEFAULT 0,"
    " envelope TEXT NOT NULL,"
    " parser TEXT, subject TEXT,"
    " file TEXT,"                          /* below the data folder; NULL: inline or forgotten */
    " raw BLOB) STRICT;"
    "CREATE INDEX arrivals_waiting ON arrivals(seq, tries, file) WHERE state < 2;"
    /* What retention looks through: whose raw bytes are still here, oldest first. */
    "CREATE INDEX arrivals_raw ON arrivals(received_ms, file, bytes) WHERE file IS NOT NULL OR raw IS NOT NULL;"

    "CREATE TABLE events("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE,"
    " arrival INTEGER REFERENCES arrivals(seq),"  /* NULL: made by ourselves */
    " n INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL,"
    " parser TEXT NOT NULL, kind TEXT NOT NULL, restored INTEGER NOT NULL, severity INTEGER NOT NULL,"
    " device TEXT NOT NULL, zone INTEGER, zone_name TEXT, user TEXT, text TEXT, code INTEGER, happened_ms INTEGER,"
    " UNIQUE(arrival, n)) STRICT;"

    "CREATE TABLE media("
    " event INTEGER NOT NULL REFERENCES events(seq),"
    " n INTEGER NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,"
    " offset INTEGER NOT NULL, length INTEGER NOT NULL, encoding INTEGER NOT NULL,"
    " PRIMARY KEY(event, n)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE devices("
    " id TEXT PRIMARY KEY, name TEXT NOT NULL, last_seen_ms INTEGER NOT NULL, events INTEGER NOT NULL DEFAULT 0) STRICT;"

    /* The debt: one event owed to one recipient. States: enum delivery_state of outbox.h. */
    "CREATE TABLE deliveries("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE,"
    " event INTEGER NOT NULL REFERENCES events(seq),"
    " recipient TEXT NOT NULL, severity INTEGER NOT NULL, state INTEGER NOT NULL,"
    " title TEXT, priority INTEGER,"       /* as the route wants them; NULL: none */
    " created_ms INTEGER NOT NULL, created_run_ms INTEGER NOT NULL, sent_ms INTEGER,"
    " due_run_ms INTEGER NOT NULL,"        /* when the recipient's next way begins, or it is given up */
    " message INTEGER) STRICT;"            /* the one that tells, or last tried to tell, it */
    "CREATE INDEX deliveries_event ON deliveries(event);"
    "CREATE INDEX deliveries_open ON deliveries(due_run_ms) WHERE state < 2;"

    /* One delivery's way (0, 1, …: the recipient's order of preference) through one account:address; a second leg begins when
     * the first takes too long. n counts all legs that ever were, so that one sent again has new ones. enum leg_state. */
    "CREATE TABLE legs("
    " delivery INTEGER NOT NULL REFERENCES deliveries(seq), n INTEGER NOT NULL, way INTEGER NOT NULL,"
    " account TEXT NOT NULL, address TEXT NOT NULL, severity INTEGER NOT NULL, state INTEGER NOT NULL,"
    " message INTEGER,"
    " PRIMARY KEY(delivery, n)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX legs_waiting ON legs(account, address, severity DESC, delivery) WHERE state = 0;"
    "CREATE INDEX legs_message ON legs(message) WHERE message IS NOT NULL;"

    /* One request through one account to one address; members, text and reference never change after the first attempt.
     * enum message_state. */
    "CREATE TABLE messages("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE,"
    " account TEXT NOT NULL, provider TEXT NOT NULL, address TEXT NOT NULL, severity INTEGER NOT NULL,"
    " state INTEGER NOT NULL, attempts INTEGER NOT NULL, maybe_twice INTEGER NOT NULL DEFAULT 0,"
    " verdict TEXT, detail TEXT, title TEXT, text TEXT NOT NULL, priority INTEGER,"
    " created_ms INTEGER NOT NULL, ended_ms INTEGER, due_run_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX messages_open ON messages(account, address, seq) WHERE state < 2;"

    "CREATE TABLE audit(seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL) STRICT;";

/* Larger bodies apart from their rows (of those raw is empty, not NULL), and the inspector's lanes by size. */
static const char *const version_2 =
    "CREATE TABLE bodies(arrival INTEGER PRIMARY KEY REFERENCES arrivals(seq), raw BLOB NOT NULL) STRICT;"
    "DROP INDEX arrivals_waiting;"
    "CREATE INDEX arrivals_waiting ON arrivals(seq, tries, bytes) WHERE state < 2;";

/* What a device's clock, target and channel are; who a device is and how it was heard; its last conversations. */
static const char *const version_3 =
    "ALTER TABLE events ADD COLUMN target TEXT;"
    "ALTER TABLE events ADD COLUMN channel TEXT;"
    "ALTER TABLE events ADD COLUMN device_time TEXT;"
    "ALTER TABLE events ADD COLUMN drift_ms INTEGER;"    /* NULL: not to be told                                 */
    "ALTER TABLE events ADD COLUMN same_as INTEGER;"     /* seq of the first event that told the same act        */
    "ALTER TABLE events ADD COLUMN reparsed_ms INTEGER;" /* when it was last read again by `postern reparse`     */

    /* name is what people see: by the settings, else the owner's, else what the device calls itself, else its id. */
    "ALTER TABLE devices ADD COLUMN named_by TEXT NOT NULL DEFAULT 'self';" /* settings, owner, self            */
    "ALTER TABLE devices ADD COLUMN owner_name TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE devices ADD COLUMN self_name TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE devices ADD COLUMN kind TEXT NOT NULL DEFAULT '';"         /* this and the next three: settings */
    "ALTER TABLE devices ADD COLUMN profile TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE devices ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE devices ADD COLUMN language TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE devices ADD COLUMN is_configured INTEGER NOT NULL DEFAULT 0;" /* it stands in the settings     */
    "ALTER TABLE devices ADD COLUMN address TEXT NOT NULL DEFAULT '';"      /* it last spoke from                */
    "ALTER TABLE devices ADD COLUMN first_seen_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE devices ADD COLUMN mails INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE devices ADD COLUMN drift_ms INTEGER;"                      /* NULL: it never told a time        */
    "ALTER TABLE devices ADD COLUMN last_error TEXT;"
    "ALTER TABLE devices ADD COLUMN last_error_ms INTEGER;"
    "UPDATE devices SET self_name = name WHERE name != id;"
    "UPDATE devices SET first_seen_ms = h.first_ms, mails = h.mails FROM"
    " (SELECT device, min(received_ms) AS first_ms, count(*) FILTER (WHERE n = 1 AND arrival IS NOT NULL AND parser != 'drill') AS mails"
    "  FROM events GROUP BY device) h WHERE h.device = devices.id;"

    /* Conversations as net/transcript.h records them; of each device (of strangers: '') the last few. */
    "CREATE TABLE transcripts("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " device TEXT NOT NULL, at_ms INTEGER NOT NULL, peer TEXT NOT NULL, body TEXT NOT NULL) STRICT;"
    "CREATE INDEX transcripts_device ON transcripts(device, seq);";

/* What the search index and the tallies hold of one event; `of` is old, new or e. Events that are new are taken in by schema_fill, all of
 * a transaction at once (FTS5 writes out what it holds at each statement that has a trigger), up to the seq in meta's `indexed`. What
 * changes or goes of those is kept up by triggers, not by the functions that write events: so reading again, marks, forgetting, erasing
 * or a repair by hand keeps them right in the same transaction, and an index without its own copy of the text must be told exactly what
 * it was told before.
 *
 * The index holds tags beside the words, so that it leads to rare kinds, devices and the like at 3 bytes each instead of an
 * index of 20 to 30 bytes an event for each; search.c asks for them and the list's statement checks again. A device is a tag of its
 * id, not its name: to rename it costs nothing. */
#define IS_INDEXED(seq) seq " <= (SELECT value FROM meta WHERE key = 'indexed')"
#define TAGS(of)                                                                                                             \
    " 'zqs' || " of ".severity || ' zqk' || replace(" of ".kind, '.', '') || ' zqg' ||"                                      \
    " substr(" of ".kind, 1, instr(" of ".kind || '.', '.') - 1) || ' zqd' || hex(" of ".device) ||"                         \
    " coalesce(' zqz' || " of ".zone, '') || CASE WHEN " of ".person OR " of ".target IS 'person' OR " of ".kind ="           \
    " 'camera.person' THEN ' zqp' ELSE '' END"
#define WORDS(of)    of ".text, " of ".zone_name, " of ".user, " of ".note," TAGS(of)
#define SUBJECT(of)  "(SELECT subject FROM arrivals WHERE seq = " of ".arrival)"
#define SEARCH_ADD   "INSERT INTO search(rowid, subject, text, zone, user, note, tags)"
#define SEARCH_DROP  "INSERT INTO search(search, rowid, subject, text, zone, user, note, tags)"
#define INDEXED(of)                                                                                                          \
    "(" of ".arrival, " of ".kind, " of ".severity, " of ".device, " of ".zone, " of ".zone_name, " of ".user, " of ".text, " \
    of ".target, " of ".person, " of ".note)"
#define COUNTED(of)  "(" of ".received_ms, " of ".kind, " of ".device, " of ".severity)"
#define SEEN(of)                                                                                                             \
    "(" of ".kind, " of ".restored, " of ".severity, " of ".device, " of ".zone, " of ".zone_name, " of ".user, " of ".text, " \
    of ".code, " of ".happened_ms, " of ".target, " of ".channel, " of ".device_time, " of ".drift_ms, " of ".person, "       \
    of ".acked_ms, " of ".acked_by, " of ".kept, " of ".kept_by, " of ".note)"
#define HOUR(of)     of ".received_ms / 3600000"
#define COUNT_ONE                                                                                                            \
    "INSERT INTO tallies VALUES(" HOUR("new") ", new.kind, new.device, new.severity, 1) ON CONFLICT DO UPDATE SET n = n + 1;" \
    "INSERT INTO hours VALUES(" HOUR("new") ", 1, new.seq, new.seq)"                                                         \
    " ON CONFLICT DO UPDATE SET n = n + 1, first = min(first, excluded.first), last = max(last, excluded.last);"
#define UNCOUNT_ONE                                                                                                          \
    "UPDATE tallies SET n = n - 1 WHERE hour = " HOUR("old") " AND kind = old.kind AND device = old.device"                  \
    " AND severity = old.severity;"                                                                                          \
    "DELETE FROM tallies WHERE hour = " HOUR("old") " AND kind = old.kind AND device = old.device"                           \
    " AND severity = old.severity AND n <= 0;"                                                                               \
    "UPDATE hours SET n = n - 1 WHERE hour = " HOUR("old") "; DELETE FROM hours WHERE hour = " HOUR("old") " AND n <= 0;"
#define TOKENIZER "tokenize = 'unicode61 remove_diacritics 2'"

/* Marks, finding, counting, tokens; where an arrival is from; what must go from the archive too. */
static const char *const version_4 =
    "ALTER TABLE events ADD COLUMN acked_ms INTEGER;"
    "ALTER TABLE events ADD COLUMN acked_by TEXT;"
    "ALTER TABLE events ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE events ADD COLUMN kept_by TEXT;"
    "ALTER TABLE events ADD COLUMN note TEXT;"
    "ALTER TABLE events ADD COLUMN person INTEGER NOT NULL DEFAULT 0;" /* somebody saw a person in it, later        */
    "ALTER TABLE events ADD COLUMN changed INTEGER;" /* NULL: as it was told; else higher with each later change    */
    "CREATE INDEX events_changed ON events(changed) WHERE changed IS NOT NULL;"
    "CREATE INDEX events_kept ON events(seq) WHERE kept = 1;"
    "CREATE INDEX events_acked ON events(seq) WHERE acked_ms IS NOT NULL;"
    "CREATE INDEX events_open_alarms ON events(seq) WHERE acked_ms IS NULL AND severity = 2;"
    "ALTER TABLE media ADD COLUMN forgotten_ms INTEGER;" /* its bytes are gone */
    "ALTER TABLE arrivals ADD COLUMN source TEXT;"       /* NULL: a device; else what it was imported from: \"eml\", \"cams\" */
    "ALTER TABLE arrivals ADD COLUMN hash BLOB;"         /* SHA-256 of the raw bytes as they are kept; NULL: not known      */
    "ALTER TABLE audit ADD COLUMN role TEXT;"
    "ALTER TABLE audit ADD COLUMN object TEXT;"
    "ALTER TABLE audit ADD COLUMN detail TEXT;" /* JSON */

    "CREATE TABLE tokens("
    " id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, hash BLOB NOT NULL UNIQUE," /* SHA-256 of the token */
    " created_ms INTEGER NOT NULL, expires_ms INTEGER, last_used_ms INTEGER, revoked_ms INTEGER) STRICT;"

    /* Events that are gone here and must go from the archive: its thread follows by seq. */
    "CREATE TABLE erasures("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, at_ms INTEGER NOT NULL, who TEXT NOT NULL) STRICT;"

    /* How many events there were in each hour (UTC, since 1970), and between which seqs they lie. */
    "CREATE TABLE tallies("
    " hour INTEGER NOT NULL, kind TEXT NOT NULL, device TEXT NOT NULL, severity INTEGER NOT NULL, n INTEGER NOT NULL,"
    " PRIMARY KEY(hour, kind, device, severity)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE hours("
    " hour INTEGER PRIMARY KEY, n INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;"

    "CREATE VIRTUAL TABLE search USING fts5("
    " subject, text, zone, user, note, tags, content = '', columnsize = 0, " TOKENIZER ");"
    "CREATE VIRTUAL TABLE device_names USING fts5(name, id UNINDEXED, " TOKENIZER ");"
    "INSERT INTO device_names(name, id) SELECT name, id FROM devices;"
    "CREATE TRIGGER devices_added AFTER INSERT ON devices BEGIN"
    " INSERT INTO device_names(name, id) VALUES(new.name, new.id); END;"
    "CREATE TRIGGER devices_renamed AFTER UPDATE OF id, name ON devices WHEN (old.id, old.name) IS NOT (new.id, new.name) BEGIN"
    " DELETE FROM device_names WHERE id = old.id; INSERT INTO device_names(name, id) VALUES(new.name, new.id); END;"
    "CREATE TRIGGER devices_removed AFTER DELETE ON devices BEGIN DELETE FROM device_names WHERE id = old.id; END;"

    "CREATE TRIGGER events_removed AFTER DELETE ON events WHEN " IS_INDEXED("old.seq") " BEGIN "
    SEARCH_DROP " VALUES('delete', old.seq, " SUBJECT("old") ", " WORDS("old") ");"
    UNCOUNT_ONE " END;"
    "CREATE TRIGGER events_reworded AFTER UPDATE ON events WHEN " INDEXED("old") " IS NOT " INDEXED("new")
    " AND " IS_INDEXED("old.seq") " BEGIN "
    SEARCH_DROP " VALUES('delete', old.seq, " SUBJECT("old") ", " WORDS("old") ");"
    SEARCH_ADD " VALUES(new.seq, " SUBJECT("new") ", " WORDS("new") "); END;"
    "CREATE TRIGGER events_recounted AFTER UPDATE ON events WHEN " COUNTED("old") " IS NOT " COUNTED("new")
    " AND " IS_INDEXED("old.seq") " BEGIN "
    UNCOUNT_ONE COUNT_ONE " END;"
    "CREATE TRIGGER events_changed AFTER UPDATE ON events WHEN " SEEN("old") " IS NOT " SEEN("new") " BEGIN"
    " INSERT INTO meta(key, value) VALUES('changed', 1) ON CONFLICT DO UPDATE SET value = value + 1;"
    " UPDATE events SET changed = (SELECT value FROM meta WHERE key = 'changed') WHERE seq = new.seq; END;"

    /* The subject is the arrival's, and known a moment later than the events, or gone earlier. */
    "CREATE TRIGGER arrivals_subject AFTER UPDATE OF subject ON arrivals WHEN old.subject IS NOT new.subject BEGIN "
    SEARCH_DROP " SELECT 'delete', e.seq, old.subject, " WORDS("e") " FROM events e WHERE e.arrival = old.seq AND " IS_INDEXED("e.seq") ";"
    SEARCH_ADD " SELECT e.seq, new.subject, " WORDS("e") " FROM events e WHERE e.arrival = old.seq AND " IS_INDEXED("e.seq") "; END;"
    "CREATE TRIGGER arrivals_removed BEFORE DELETE ON arrivals WHEN old.subject IS NOT NULL BEGIN "
    SEARCH_DROP " SELECT 'delete', e.seq, old.subject, " WORDS("e") " FROM events e WHERE e.arrival = old.seq AND " IS_INDEXED("e.seq") ";"
    SEARCH_ADD " SELECT e.seq, NULL, " WORDS("e") " FROM events e WHERE e.arrival = old.seq AND " IS_INDEXED("e.seq") "; END;"

    "INSERT INTO meta(key, value) VALUES('indexed', 0);";

#define NEXT_CHANGE "INSERT INTO meta(key, value) VALUES('changed', 1) ON CONFLICT DO UPDATE SET value = value + 1;"
#define CHANGED     "changed = (SELECT value FROM meta WHERE key = 'changed')"
#define TOLD(of)                                                                                                             \
    "(" of ".name, " of ".named_by, " of ".kind, " of ".profile, " of ".time_zone, " of ".language, " of ".address, "        \
    of ".is_configured, " of ".last_error, " of ".last_error_ms)"

/* What the live stream follows beside events, by the same count of changes: deliveries when they begin, end or begin anew, and devices
 * when anything but their figures changes (those go with each event). NULL: before version 5. */
static const char *const version_5 =
    "ALTER TABLE deliveries ADD COLUMN changed INTEGER;"
    "CREATE INDEX deliveries_changed ON deliveries(changed) WHERE changed IS NOT NULL;"
    "CREATE TRIGGER deliveries_began AFTER INSERT ON deliveries BEGIN "
    NEXT_CHANGE " UPDATE deliveries SET " CHANGED " WHERE seq = new.seq; END;"
    "CREATE TRIGGER deliveries_ended AFTER UPDATE OF state ON deliveries"
    " WHEN old.state != new.state AND (new.state >= 2 OR old.state >= 2) BEGIN "
    NEXT_CHANGE " UPDATE deliveries SET " CHANGED " WHERE seq = new.seq; END;"
    "ALTER TABLE devices ADD COLUMN changed INTEGER;"
    "CREATE INDEX devices_changed ON devices(changed) WHERE changed IS NOT NULL;"
    "CREATE TRIGGER devices_began AFTER INSERT ON devices BEGIN "
    NEXT_CHANGE " UPDATE devices SET " CHANGED " WHERE id = new.id; END;"
    "CREATE TRIGGER devices_retold AFTER UPDATE ON devices WHEN " TOLD("old") " IS NOT " TOLD("new") " BEGIN "
    NEXT_CHANGE " UPDATE devices SET " CHANGED " WHERE id = new.id; END;";

/* What lies in Store:ExportFolder (store/exported.h). */
static const char *const version_6 =
    "CREATE TABLE exported("
    " event INTEGER NOT NULL, n INTEGER NOT NULL," /* which medium; the event may have been forgotten since */
    " stem TEXT NOT NULL UNIQUE, extension TEXT NOT NULL,"
    " received_ms INTEGER NOT NULL,"
    " bytes INTEGER,"                             /* of both files; NULL: they are being written */
    " is_doomed INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY(event, n)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX exported_doomed ON exported(event, n) WHERE is_doomed = 1;";

/* What an owner erased stays erased (store/erase.h): an import or a rebuild asks for the id of the arrival before it brings one back. And what
 * is still to be erased, by an event of it. */
static const char *const version_7 =
    "CREATE TABLE erased(id TEXT PRIMARY KEY) STRICT;"
    "CREATE TABLE erasing(event INTEGER PRIMARY KEY) STRICT;"
    "CREATE INDEX events_same ON events(same_as) WHERE same_as IS NOT NULL;"
    "CREATE INDEX transcripts_at ON transcripts(at_ms);"; /* which conversation brought it */

/* Events that came while our clock was not set (store/clock_step.h): 1; and whose time was put right since: 2, which is a change to be told. */
static const char *const version_8 =
    "ALTER TABLE events ADD COLUMN clock INTEGER;"
    "DROP TRIGGER events_changed;"
    "CREATE TRIGGER events_changed AFTER UPDATE ON events WHEN " SEEN("old") " IS NOT " SEEN("new")
    " OR (old.clock, old.received_ms) IS NOT (new.clock, new.received_ms) BEGIN " NEXT_CHANGE " UPDATE events SET " CHANGED " WHERE seq = new.seq; END;";

/* Which event says what the far side answered to which message (store/quotes.h). What the relay remembers of refusals that it told no longer holds
 * the answers themselves: it begins anew, and one that lasts is told once more. */
static const char *const version_9 =
    "CREATE TABLE quotes(event INTEGER PRIMARY KEY, message INTEGER NOT NULL) STRICT;"
    "CREATE INDEX quotes_message ON quotes(message);"
    "DELETE FROM meta WHERE key LIKE 'note/refused/%';";

/* FTS5's own merging takes 64 pages for each of its levels at once, in the transaction of whoever comes in that moment; it is ours now
 * (schema_tidy). The crisis that remains to FTS5 is below its limit of 2,000 parts, where nothing could be written any more. */
static const char *const version_10 =
    "INSERT INTO search(search, rank) VALUES('automerge', 0);"
    "INSERT INTO search(search, rank) VALUES('crisismerge', 1000);"
    "INSERT INTO search(search, rank) VALUES('usermerge', 8);";

const char *const schema_steps[] = { version_1, version_2, version_3, version_4, version_5, version_6, version_7, version_8, version_9, version_10 };
const int         schema_version = (int)(sizeof schema_steps / sizeof schema_steps[0]);

/* ?1: up to here it is done; ?2: up to here it will be. */
static const char *const fill_steps[] = {
    SEARCH_ADD " SELECT e.seq, " SUBJECT("e") ", " WORDS("e") " FROM events e WHERE e.seq > ?1 AND e.seq <= ?2 ORDER BY e.seq",
    "INSERT INTO tallies SELECT " HOUR("e") ", e.kind, e.device, e.severity, count(*) FROM events e WHERE e.seq > ?1 AND e.seq <= ?2"
    " GROUP BY 1, 2, 3, 4 ON CONFLICT DO UPDATE SET n = n + excluded.n",
    "INSERT INTO hours SELECT " HOUR("e") ", count(*), min(e.seq), max(e.seq) FROM events e WHERE e.seq > ?1 AND e.seq <= ?2 GROUP BY 1"
    " ON CONFLICT DO UPDATE SET n = n + excluded.n, first = min(first, excluded.first), last = max(last, excluded.last)",
    "UPDATE meta SET value = ?2 WHERE key = 'indexed' AND value = ?1",
};

int schema_fill(struct db *db, int rows, int64_t *left_out, struct err *e)
{
    struct err unused;
    int64_t from, last;
    if (db_number(db, "SELECT value FROM meta WHERE key = 'indexed'", 0, &from, e) < 0 ||
        db_number(db, "SELECT max(seq) FROM events", 0, &last, e) < 0)
        return -1;
    int64_t to = last - from > rows ? from + rows : last;
    *left_out = last > to ? last - to : 0;
    if (from >= last)
        return 0;
    if (db_exec(db, "SAVEPOINT fill", e) < 0)
        return -1;
    bool is_filled = db_run_each(db, e, fill_steps, P(from), P(to)) == 0;
    if (!is_filled && db_is_in_transaction(db))
        (void)!db_exec(db, "ROLLBACK TO fill", &unused);
    if (db_is_in_transaction(db) && db_exec(db, "RELEASE fill", is_filled ? e : &unused) < 0)
        return -1;
    return is_filled ? 0 : -1;
}

int schema_tidy(struct db *db, int64_t pages, struct err *e)
{
    return db_run(db, e, "INSERT INTO search(search, rank) VALUES('merge', ?)", P(pages));
}
