/* manifest: what a backup holds, as JSON. */
#include "store/manifest.h"
#include "core/file.h"
#include "core/json.h"
#include "store/copies.h"
#include "store/schema.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const char name[] = "manifest.json";
enum { MANIFEST_BYTES = 1 << 20, FORMAT = 1 };

int manifest_write(int at, const char *database, const char *hash, const struct backup_counts *c, struct err *e)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, MANIFEST_BYTES);
    struct json_out w = json_begin(&text);
    json_object(&w, NULL);
    json_i(&w, "format", FORMAT);
    json_s(&w, "made", c->made);
    json_s(&w, "by", "postern " POSTERN_VERSION);
    json_i(&w, "schema", schema_version);
    json_s(&w, "database", database);
    json_s(&w, "sha256", hash);
    json_i(&w, "database_bytes", c->database_bytes);
    json_i(&w, "events", c->events);
    json_i(&w, "arrivals", c->arrivals);
    json_i(&w, "files", c->files);
    json_i(&w, "files_bytes", c->files_bytes);
    json_i(&w, "owed", c->owed);
    json_end(&w);
    buf_putc(&text, '\n');
    return text.failed ? err_set(e, ERR_NOMEM, "out of memory") : copies_write(at, name, buf_str(&text), text.len, e);
}

/* The file's text: 1; 0: there is none; -1. */
static int read_text(int at, struct buf *out, struct err *e)
{
    CLEANUP(file_close) int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_set(e, ERR_IO, "open %s: %m", name);
    return file_read(fd, out, e) < 0 ? err_set(e, ERR_IO, "%s: not readable, or too long", name) : 1;
}

static bool is_plain_name(const char *text)
{
    return text[0] && text[0] != '.' && !strchr(text, '/') && strlen(text) < MANIFEST_NAME;
}

static int take(const struct json *m, char database[MANIFEST_NAME], char hash[SHA256_TEXT], struct backup_counts *c, struct err *e)
{
    const char *file = json_str(m, "database", ""), *sum = json_str(m, "sha256", "");
    if (json_int(m, "format", 0) != FORMAT || !is_plain_name(file) || strlen(sum) != SHA256_TEXT - 1)
        return err_set(e, ERR_INPUT, "%s: not a manifest of ours", name);
    (void)snprintf(database, MANIFEST_NAME, "%s", file);
    (void)snprintf(hash, SHA256_TEXT, "%s", sum);
    (void)snprintf(c->made, sizeof c->made, "%s", json_str(m, "made", ""));
    c->database_bytes = json_int(m, "database_bytes", 0);
    c->events = json_int(m, "events", 0);
    c->arrivals = json_int(m, "arrivals", 0);
    c->files = json_int(m, "files", 0);
    c->files_bytes = json_int(m, "files_bytes", 0);
    c->owed = json_int(m, "owed", 0);
    return json_int(m, "schema", 0) > schema_version ? err_set(e, ERR_VERSION, "the backup is of a newer Postern") : 1;
}

int manifest_read(int at, char database[MANIFEST_NAME], char hash[SHA256_TEXT], struct backup_counts *out, struct err *e)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, MANIFEST_BYTES);
    int found = read_text(at, &text, e);
    if (found <= 0)
        return found;
    CLEANUP(json_free) struct json *m = json_parse(buf_str(&text), text.len, e);
    return m ? take(m, database, hash, out, e) : err_prefix(e, "%s", name);
}
