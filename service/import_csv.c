/* import_csv: one byte after the other, so that nothing but the record that is open is in memory. */
#include "service/import_csv.h"
#include <errno.h>
#include <string.h>

int csv_open(const char *path, struct csv *out, struct err *e)
{
    *out = (struct csv){ .file = fopen(path, "re"), .line = 1 };
    buf_init(&out->bytes, CSV_RECORD_MAX);
    if (!out->file)
        return err_set(e, ERR_IO, "%s: %m", path);
    static const char mark[] = "\xEF\xBB\xBF";
    char              start[3];
    if (fread(start, 1, sizeof start, out->file) != sizeof start || memcmp(start, mark, sizeof start) != 0)
        rewind(out->file);
    return 0;
}

void csv_close(struct csv *c)
{
    if (c->file)
        (void)fclose(c->file);
    c->file = NULL;
    buf_done(&c->bytes);
}

static void begin_field(struct csv *c, const char **wrong)
{
    if (c->count == CSV_FIELDS_MAX) {
        *wrong = "it has too many fields";
        return;
    }
    c->starts[c->count] = c->bytes.len;
    c->is_quoted[c->count++] = false;
}

static int next_byte(struct csv *c)
{
    int byte = getc_unlocked(c->file);
    c->line += byte == '\n';
    return byte;
}

/* Up to the quote that ends it; the byte behind that. */
static int read_quoted(struct csv *c, const char **wrong)
{
    int byte;
    while ((byte = next_byte(c)) != EOF) {
        if (byte == '"' && (byte = next_byte(c)) != '"')
            return byte;
        if (byte != '\0')
            buf_putc(&c->bytes, (char)byte);
    }
    *wrong = "the last quote of a field is missing";
    return EOF;
}

static int read_plain(struct csv *c, int byte)
{
    for (; byte != EOF && byte != ',' && byte != '\n'; byte = next_byte(c))
        if (byte != '\0' && byte != '\r')
            buf_putc(&c->bytes, (char)byte);
    return byte;
}

/* A field, and the byte that ended it. */
static int read_field(struct csv *c, const char **wrong)
{
    begin_field(c, wrong);
    int byte = next_byte(c);
    if (byte != '"') {
        byte = read_plain(c, byte);
    } else {
        if (!*wrong)
            c->is_quoted[c->count - 1] = true;
        byte = read_quoted(c, wrong);
        byte = byte == '\r' ? next_byte(c) : byte;
        if (byte != EOF && byte != ',' && byte != '\n') {
            *wrong = "there is text behind a field's last quote";
            byte = read_plain(c, byte);
        }
    }
    buf_putc(&c->bytes, '\0');
    return byte;
}

int csv_next(struct csv *c, struct err *e)
{
    const char *wrong = NULL;
    int         byte = getc_unlocked(c->file);
    buf_clear(&c->bytes);
    c->bytes.failed = false;
    c->count = 0;
    c->record_line = c->line;
    if (byte == EOF)
        return ferror(c->file) ? err_set(e, ERR_IO, "read: %m") : 0;
    (void)ungetc(byte, c->file);
    do
        byte = read_field(c, &wrong);
    while (byte == ',');
    if (ferror(c->file))
        return err_set(e, ERR_IO, "read: %m");
    if (c->bytes.failed)
        wrong = "it is too long";
    return wrong ? err_set(e, ERR_INPUT, "%s", wrong) : 1;
}

const char *csv_field(const struct csv *c, size_t i)
{
    if (i >= c->count)
        return NULL;
    const char *text = buf_str(&c->bytes) + c->starts[i];
    return text[0] || c->is_quoted[i] ? text : NULL;
}

int64_t csv_position(const struct csv *c)
{
    return (int64_t)ftello(c->file);
}

int csv_seek(struct csv *c, int64_t position, int64_t line)
{
    c->line = line;
    return fseeko(c->file, (off_t)position, SEEK_SET);
}
