/* mail: GMime's structure, our decoding.
 * Fences around GMime (measured in docs/ARCHITECTURE.md): g_mime_multipart_get_boundary is never called (its 3.2.13 does
 * not return for some parameters), nothing parsed is ever written out again, addresses are read one by one, and mails with
 * more header or boundary lines than any device sends never reach it. */
#include "parsers/mail.h"
#include "core/decoder.h"
#include "core/utf8.h"
#include "parsers/charset.h"
#include "parsers/html.h"
#include "parsers/mend.h"
#include "parsers/sniff.h"
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DECODE_MAX = 4 * MAIL_TEXT_MAX, NAME_MAX_BYTES = 255, HEADER_VALUE_MAX = 4096 };

struct reader {
    const char   *raw;
    size_t        size;
    struct arena *arena;
    struct buf    plain, html; /* UTF-8 */
    struct buf    decoded;     /* scratch */
    const char   *charset;     /* of the first text part that says one: raw headers are likely in it too; "" = none said */
    struct media *media;
    size_t        media_count, media_cap;
    int           parts, leaves; /* leaves: parts without parts */
    bool          is_out_of_memory;
};

static GMimeParserOptions *options; /* set once by mail_setup */

/* --- texts ---------------------------------------------------------------------------------------------------- */

/* Control characters but LF and TAB are left out, CR LF becomes LF, a stray CR a blank (as Postfix' cleanup_replace_stray_cr_lf
 * does), blanks at the end are cut. In place. */
static size_t tidy(char *s, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '\r' && (i + 1 == n || s[i + 1] != '\n'))
            c = ' ';
        if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t')
            s[kept++] = (char)c;
    }
    while (kept > 0 && (s[kept - 1] == ' ' || s[kept - 1] == '\n' || s[kept - 1] == '\t'))
        kept--;
    return kept;
}

static const char *keep_text(struct reader *r, const struct buf *b)
{
    char *text = arena_copy(r->arena, buf_str(b), b->len);
    if (!text) {
        r->is_out_of_memory = true;
        return "";
    }
    size_t n = tidy(text, b->len);
    text[n] = '\0';
    return text;
}

/* One line, without control characters, at most max bytes; for names and header values. */
static const char *keep_line(struct reader *r, const char *s, size_t max)
{
    size_t n = utf8_cut(s, strlen(s), max);
    char  *line = arena_copy(r->arena, s, n);
    if (!line) {
        r->is_out_of_memory = true;
        return "";
    }
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    if (!utf8_is_valid(line, n)) {
        struct buf b;
        buf_init(&b, max);
        charset_put(&b, r->charset, line, n);
        line = arena_copy(r->arena, buf_str(&b), b.len);
        buf_done(&b);
    }
    return line ? line : "";
}

/* --- parts ---------------------------------------------------------------------------------------------------- */

struct body {
    const char   *bytes;
    size_t        n;
    int64_t       offset;
    enum encoding encoding;
};

static enum encoding encoding_of(GMimePart *part)
{
    switch (g_mime_part_get_content_encoding(part)) {
    case GMIME_CONTENT_ENCODING_BASE64:
        return ENCODING_BASE64;
    case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
        return ENCODING_QUOTED_PRINTABLE;
    case GMIME_CONTENT_ENCODING_UUENCODE:
        return ENCODING_UUENCODE;
    default:
        return ENCODING_NONE;
    }
}

/* Where the part's encoded bytes lie in the raw mail; false: it has none. */
static bool find_body(const struct reader *r, GMimePart *part, struct body *out)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream      *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
    if (!stream)
        return false;
    int64_t from = stream->bound_start, to = stream->bound_end < 0 ? (int64_t)r->size : stream->bound_end;
    if (from < 0 || to < from || to > (int64_t)r->size)
        return false;
    *out = (struct body){ .bytes = r->raw + from, .n = (size_t)(to - from), .offset = from, .encoding = encoding_of(part) };
    return true;
}

static const char *kind_by_first_bytes(const struct body *b)
{
    enum { ENCODED_BYTES = SNIFF_BYTES * 8 }; /* whatever the encoding, it gives enough */
    unsigned char  first[ENCODED_BYTES + DECODER_ROOM];
    struct decoder d;
    decoder_init(&d, b->encoding);
    size_t n = decoder_feed(&d, b->bytes, b->n < ENCODED_BYTES ? b->n : ENCODED_BYTES, first);
    return sniff(first, n);
}

static void add_text(struct reader *r, const struct body *b, const char *charset, struct buf *out)
{
    size_t     n = b->n < DECODE_MAX ? b->n : DECODE_MAX;
    struct err e;
    buf_clear(&r->decoded);
    if (buf_reserve(&r->decoded, n + 2 * DECODER_ROOM, &e) < 0) {
        r->is_out_of_memory = true;
        return;
    }
    struct decoder d;
    decoder_init(&d, b->encoding);
    n = decoder_feed(&d, b->bytes, n, (unsigned char *)r->decoded.data);
    n += decoder_end(&d, (unsigned char *)r->decoded.data + n);
    const char *text = r->decoded.data;
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        n -= 3;
    }
    if (out->len > 0 && out->len < out->max)
        buf_putc(out, '\n');
    charset_put(out, charset, text, n);
    if (r->charset[0] == '\0' && charset && strncasecmp(charset, "utf-16", 6) != 0) /* no header is in UTF-16 */
        r->charset = keep_line(r, charset, 64);
}

static void add_media(struct reader *r, GMimePart *part, const struct body *b, const char *type)
{
    if (r->media_count == MAIL_MEDIA_MAX)
        return;
    if (r->media_count == r->media_cap) {
        size_t        cap = r->media_cap ? r->media_cap * 4 : 4;
        struct media *grown = arena_alloc(r->arena, cap * sizeof *grown);
        if (!grown) {
            r->is_out_of_memory = true;
            return;
        }
        if (r->media_count > 0)
            memcpy(grown, r->media, r->media_count * sizeof *grown);
        r->media = grown;
        r->media_cap = cap;
    }
    const char *name = g_mime_part_get_filename(part);
    r->media[r->media_count] = (struct media){
        .n = (int)r->media_count + 1,
        .type = type ? type : "application/octet-stream",
        .name = name ? keep_line(r, name, NAME_MAX_BYTES) : "",
        .bytes = decoder_size(b->encoding, b->bytes, b->n),
        .offset = b->offset,
        .length = (int64_t)b->n,
        .encoding = b->encoding,
    };
    r->media_count++;
}

static bool is_attachment(GMimeObject *part)
{
    const char *disposition = g_mime_object_get_disposition(part);
    return disposition && strcasecmp(disposition, "attachment") == 0;
}

/* Texts for programs: an invitation says the same in a text for people beside it. */
static bool is_for_programs(GMimeContentType *type)
{
    static const char *const subtypes[] = { "calendar", "vcard", "x-vcard", "css" };
    for (size_t i = 0; i < COUNT(subtypes); i++)
        if (g_mime_content_type_is_type(type, "text", subtypes[i]))
            return true;
    return false;
}

/* Text for people, an attachment, or nothing worth keeping (an empty part). */
static void read_leaf(struct reader *r, GMimePart *part)
{
    struct body b;
    r->leaves++; /* an empty one too: the mail has said all it had to say */
    if (!find_body(r, part, &b) || b.n == 0)
        return;
    GMimeObject      *object = GMIME_OBJECT(part);
    GMimeContentType *type = g_mime_object_get_content_type(object);
    const char       *kind = kind_by_first_bytes(&b);
    const char       *charset = g_mime_object_get_content_type_parameter(object, "charset");
    if (kind || is_attachment(object) || !g_mime_content_type_is_type(type, "text", "*") || is_for_programs(type))
        add_media(r, part, &b, kind);
    else if (g_mime_content_type_is_type(type, "text", "html"))
        add_text(r, &b, charset, &r->html);
    else if (g_mime_content_type_is_type(type, "text", "plain") || !g_mime_part_get_filename(part))
        add_text(r, &b, charset, &r->plain);
    else
        add_media(r, part, &b, NULL);
}

/* A tree of at most MAIL_DEPTH_MAX levels, so recursion is bounded. */
static void read_part(struct reader *r, GMimeObject *object, int depth)
{
    if (!object || depth > MAIL_DEPTH_MAX || r->parts++ >= MAIL_PARTS_MAX)
        return;
    if (GMIME_IS_MULTIPART(object)) {
        GMimeMultipart *multipart = GMIME_MULTIPART(object);
        for (int i = 0, count = g_mime_multipart_get_count(multipart); i < count && r->parts < MAIL_PARTS_MAX; i++)
            read_part(r, g_mime_multipart_get_part(multipart, i), depth + 1);
    } else if (GMIME_IS_MESSAGE_PART(object)) {
        GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
        read_part(r, inner ? g_mime_message_get_mime_part(inner) : NULL, depth + 1);
    } else if (GMIME_IS_PART(object)) {
        read_leaf(r, GMIME_PART(object));
    }
}

/* --- header --------------------------------------------------------------------------------------------------- */

static const char *raw_header(GMimeObject *message, const char *name)
{
    GMimeHeader *header = g_mime_header_list_get_header(g_mime_object_get_header_list(message), name);
    const char  *value = header ? g_mime_header_get_raw_value(header) : NULL;
    while (value && (*value == ' ' || *value == '\t'))
        value++;
    return value;
}

/* A header goes on in the next line: the line ends go, the blank that follows them stays. */
static void unfold(struct buf *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] != '\r' && b->data[i] != '\n')
            b->data[kept++] = b->data[i];
    if (b->data)
        b->data[kept] = '\0';
    b->len = kept;
}

/* Raw 8-bit bytes first become UTF-8 by the charset of the text, then the encoded words are undone. "" = no such header. */
static const char *header_text(struct reader *r, GMimeObject *message, const char *name)
{
    const char *value = raw_header(message, name);
    if (!value)
        return "";
    CLEANUP(buf_done) struct buf utf8;
    buf_init(&utf8, HEADER_VALUE_MAX);
    charset_put(&utf8, r->charset, value, strnlen(value, HEADER_VALUE_MAX));
    unfold(&utf8);
    char       *decoded = g_mime_utils_header_decode_text(options, buf_str(&utf8));
    const char *kept = keep_line(r, g_strstrip(decoded), HEADER_VALUE_MAX);
    g_free(decoded);
    return kept;
}

/* The first address that has one; GMime would parse them all. Between < and >, else the word with the @. */
static const char *header_address(struct reader *r, GMimeObject *message)
{
    const char *value = raw_header(message, "From");
    if (!value)
        return "";
    const char *open = strchr(value, '<'), *close = open ? strchr(open, '>') : NULL;
    const char *from = open && close ? open + 1 : value;
    size_t      n = open && close ? (size_t)(close - from) : strcspn(from, " \t\r\n,;(");
    char       *address = memchr(from, '@', n) ? arena_copy(r->arena, from, n < 320 ? n : 320) : NULL;
    return address ? keep_line(r, address, 320) : "";
}

static void read_date(GMimeObject *message, struct mail *out)
{
    const char *value = raw_header(message, "Date");
    GDateTime  *date = value && strlen(value) < 200 ? g_mime_utils_header_decode_date(value) : NULL;
    if (!date)
        return;
    out->date_ms = g_date_time_to_unix(date) * 1000;
    out->date_offset_s = (int32_t)(g_date_time_get_utc_offset(date) / G_TIME_SPAN_SECOND);
    g_date_time_unref(date);
}

/* Nothing that a mail header has: the device sent its text without one, and GMime took that for a header. */
static bool has_mail_header(GMimeObject *message)
{
    static const char *const names[] = { "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "X-Mailer", "Received",
                                         "Content-Type", "Reply-To", "Sender", "Cc" };
    for (size_t i = 0; i < COUNT(names); i++)
        if (g_mime_header_list_get_header(g_mime_object_get_header_list(message), names[i]))
            return true;
    return false;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

static const char *after_line(const char *p, const char *end)
{
    const char *lf = memchr(p, '\n', (size_t)(end - p));
    return lf ? lf + 1 : end;
}

/* More header lines, or lines that look like boundaries, than any device sends. */
static bool is_monstrous(const char *raw, size_t n)
{
    const char *end = raw + n, *p = raw;
    for (int lines = 0; p < end && *p != '\n' && *p != '\r'; p = after_line(p, end))
        if (++lines > MAIL_HEADER_LINES || p - raw > MAIL_HEADER_BYTES)
            return true;
    if (p - raw > MAIL_HEADER_BYTES)
        return true;
    int boundaries = 0;
    while ((p = memmem(p, (size_t)(end - p), "\n--", 3))) {
        if (++boundaries > MAIL_BOUNDARY_LINES)
            return true;
        p += 3;
    }
    return false;
}

/* The blank line, or the end. */
static const char *end_of_header(const struct reader *r)
{
    const char *p = r->raw, *end = r->raw + r->size;
    while (p < end && *p != '\n' && *p != '\r')
        p = after_line(p, end);
    return p;
}

/* No part was found (a multipart without its boundary): what is there is the text. */
static void read_as_text(struct reader *r, const char *from, struct mail *out)
{
    size_t n = (size_t)(r->raw + r->size - from);
    while (n > 0 && (*from == '\n' || *from == '\r')) {
        from++;
        n--;
    }
    buf_clear(&r->plain);
    charset_put(&r->plain, NULL, from, n < MAIL_TEXT_MAX ? n : MAIL_TEXT_MAX);
    out->text = keep_text(r, &r->plain);
}

/* "Name:"; else it is a text that a device sent without a header. */
static bool begins_with_header(const struct reader *r)
{
    const char *p = r->raw, *end = r->raw + r->size;
    while (p < end && (unsigned char)*p > ' ' && (unsigned char)*p < 0x7f && *p != ':')
        p++;
    return p > r->raw && p < end && *p == ':';
}

/* Without GMime: the subject if it is near the top, and what follows the header as it is. */
static void read_roughly(struct reader *r, struct mail *out)
{
    const char *header_end = begins_with_header(r) ? end_of_header(r) : r->raw, *p = r->raw;
    const char *limit = header_end - p > MAIL_TEXT_MAX ? p + MAIL_TEXT_MAX : header_end;
    while (p < limit) {
        const char *next = after_line(p, limit);
        if (next - p > 8 && strncasecmp(p, "Subject:", 8) == 0) {
            char *subject = arena_copy(r->arena, p + 8, (size_t)(next - p) - 8);
            out->subject = subject ? keep_line(r, g_strstrip(subject), HEADER_VALUE_MAX) : "";
        }
        p = next;
    }
    read_as_text(r, header_end, out);
}

static void read_message(struct reader *r, GMimeMessage *message, struct mail *out)
{
    GMimeObject *object = GMIME_OBJECT(message);
    read_part(r, g_mime_message_get_mime_part(message), 0);
    out->text = keep_text(r, &r->plain);
    if (out->text[0] == '\0' && r->html.len > 0) {
        buf_clear(&r->plain);
        html_visible(&r->plain, r->html.data, r->html.len);
        out->text = keep_text(r, &r->plain);
    }
    out->subject = header_text(r, object, "Subject");
    out->mailer = header_text(r, object, "X-Mailer");
    if (out->mailer[0] == '\0')
        out->mailer = header_text(r, object, "User-Agent");
    out->header_from = header_address(r, object);
    read_date(object, out);
    out->media = r->media;
    out->media_count = r->media_count;
    bool has_header = has_mail_header(object);
    if (!has_header || r->leaves == 0)
        read_as_text(r, has_header ? end_of_header(r) : r->raw, out);
}

/* The stream borrows raw; nothing of GMime outlives this call. */
static void read_by_gmime(struct reader *r, struct mail *out)
{
    GByteArray  *bytes = g_byte_array_new_take(UNCONST(guint8, r->raw), r->size);
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_mime_parser_set_persist_stream(parser, TRUE);
    GMimeMessage *message = g_mime_parser_construct_message(parser, options);
    if (message) {
        read_message(r, message, out);
        g_object_unref(message);
    } else {
        read_roughly(r, out);
    }
    g_object_unref(parser);
    g_object_unref(stream);
    (void)g_byte_array_free(bytes, FALSE);
}

void mail_setup(void)
{
    if (options)
        return;
    charset_setup();
    g_mime_init();
    options = g_mime_parser_options_new();
    const char *fallback[] = { "utf-8", "windows-1252", NULL };
    g_mime_parser_options_set_fallback_charsets(options, fallback);
    g_mime_parser_options_set_rfc2047_compliance_mode(options, GMIME_RFC_COMPLIANCE_LOOSE);
}

int mail_read(const char *raw, size_t n, struct arena *a, struct mail *out, struct err *e)
{
    struct reader r = { .raw = raw, .size = n, .arena = a, .charset = "" };
    buf_init(&r.plain, MAIL_TEXT_MAX);
    buf_init(&r.html, DECODE_MAX);
    buf_init(&r.decoded, DECODE_MAX + 2 * DECODER_ROOM);
    out->subject = out->text = out->header_from = out->mailer = "";
    out->date_ms = 0;
    out->date_offset_s = 0;
    out->media = NULL;
    out->media_count = 0;
    char *mended = NULL;
    if (n > INT32_MAX || is_monstrous(raw, n)) {
        read_roughly(&r, out);
    } else {
        if ((mended = mend_copy(raw, n)))
            r.raw = mended;
        read_by_gmime(&r, out);
    }
    free(mended);
    buf_done(&r.plain);
    buf_done(&r.html);
    buf_done(&r.decoded);
    return r.is_out_of_memory ? err_set(e, ERR_NOMEM, "no room for a mail of %zu bytes", n) : 0;
}
