/* schema: the database of each version, and the steps from one to the next. tests/data/schema/<n>/ keeps a small folder
 * of every version that ever was; each must open. */
#include "store/schema.h"

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

const char *const schema_steps[] = { version_1, version_2, version_3 };
const int         schema_version = (int)(sizeof schema_steps / sizeof schema_steps[0]);
