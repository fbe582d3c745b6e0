/* pages: see pages.h. Numbers are big-endian; sections are those of fileformat2.html. */
#include "store/pages.h"
#include "core/buf.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_HEADER = 100,
    PAGE_LEAST = 512,
    PAGE_MOST = 65536,
    PAGE_USUAL = 4096,
    LOG_HEADER = 32,
    FRAME_HEADER = 24,
    FRAMES_MAX = 1 << 20,
    LEAF_OF_TABLE = 0x0d,
    LEAF_HEADER = 8,
    ROW_MAX = 8 << 20,
    NAME_BYTES = 256,
};

struct frame {
    uint32_t page, place; /* of a page the one with the highest place counts */
};

struct book {
    int            fd, log_fd;
    uint32_t       page_bytes, usable, page_count;
    struct frame  *frames; /* by page, then by place */
    size_t         frame_count;
    unsigned char *page, *overflow;
    struct buf     row; /* one that continues on other pages */
};

static uint32_t be16(const unsigned char *b)
{
    return (uint32_t)b[0] << 8 | b[1];
}

static uint32_t be32(const unsigned char *b)
{
    return be16(b) << 16 | be16(b + 2);
}

static bool is_page_size(uint32_t n)
{
    return n >= PAGE_LEAST && n <= PAGE_MOST && (n & (n - 1)) == 0;
}

static bool read_at(int fd, void *out, size_t n, int64_t offset)
{
    return fd >= 0 && pread(fd, out, n, (off_t)offset) == (ssize_t)n;
}

/* --- the log (4.1, 4.2) -------------------------------------------------------------------------------------------- */

static int by_page(const void *a, const void *b)
{
    const struct frame *x = a, *y = b;
    if (x->page != y->page)
        return x->page < y->page ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static bool add_frame(struct book *b, size_t *room, uint32_t page, uint32_t place)
{
    if (b->frame_count == *room) {
        size_t        more = *room ? *room * 2 : 256;
        struct frame *grown = more > FRAMES_MAX ? NULL : realloc(b->frames, more * sizeof *grown);
        if (!grown)
            return false;
        b->frames = grown;
        *room = more;
    }
    b->frames[b->frame_count++] = (struct frame){ page, place };
    return true;
}

/* Up to the last commit of this round: frames of an earlier one have other salts. */
static void read_frames(struct book *b, const unsigned char header[LOG_HEADER])
{
    unsigned char f[FRAME_HEADER];
    size_t        room = 0, committed = 0;
    for (uint32_t place = 0;; place++) {
        int64_t at = LOG_HEADER + (int64_t)place * (FRAME_HEADER + (int64_t)b->page_bytes);
        if (!read_at(b->log_fd, f, sizeof f, at) || memcmp(f + 8, header + 16, 8) != 0 || !add_frame(b, &room, be32(f), place))
            break;
        if (be32(f) > b->page_count)
            b->page_count = be32(f);
        if (be32(f + 4) > 0)
            committed = b->frame_count;
    }
    b->frame_count = committed;
    if (committed > 0)
        qsort(b->frames, committed, sizeof *b->frames, by_page);
}

/* The last of those with this page. */
static const struct frame *find_frame(const struct book *b, uint32_t page)
{
    size_t from = 0, to = b->frame_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (b->frames[middle].page <= page)
            from = middle + 1;
        else
            to = middle;
    }
    return from > 0 && b->frames[from - 1].page == page ? &b->frames[from - 1] : NULL;
}

/* --- pages ----------------------------------------------------------------------------------------------------------- */

static bool read_page(const struct book *b, uint32_t number, unsigned char *out)
{
    const struct frame *f = find_frame(b, number);
    if (f)
        return read_at(b->log_fd, out, b->page_bytes, LOG_HEADER + (int64_t)f->place * (FRAME_HEADER + (int64_t)b->page_bytes) + FRAME_HEADER);
    return read_at(b->fd, out, b->page_bytes, ((int64_t)number - 1) * b->page_bytes);
}

/* From the file's header (1.3); if that is gone from the log's; else what all our databases have. */
static void look_at_headers(struct book *b)
{
    unsigned char header[FILE_HEADER] = { 0 }, log[LOG_HEADER] = { 0 };
    struct stat   st;
    bool          has_log = read_at(b->log_fd, log, sizeof log, 0) && is_page_size(be32(log + 8));
    bool          has_header = read_at(b->fd, header, sizeof header, 0) && memcmp(header, "SQLite format 3", 16) == 0;
    uint32_t      told = has_header ? be16(header + 16) : 0;
    told = told == 1 ? PAGE_MOST : told;
    b->page_bytes = is_page_size(told) ? told : has_log ? be32(log + 8) : PAGE_USUAL;
    b->usable = b->page_bytes - (has_header && header[20] < 32 ? header[20] : 0);
    int64_t pages = fstat(b->fd, &st) == 0 ? (int64_t)st.st_size / b->page_bytes : 0;
    b->page_count = pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX - 1;
    if (has_log && be32(log + 8) == b->page_bytes)
        read_frames(b, log);
}

/* --- rows (1.6, 2.1) ------------------------------------------------------------------------------------------------- */

/* How many bytes it takes; 0: it does not end before `end`. */
static size_t read_varint(const unsigned char *p, const unsigned char *end, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 9 && p + i < end; i++) {
        value = i == 8 ? value << 8 | p[i] : value << 7 | (p[i] & 0x7f);
        if (i == 8 || !(p[i] & 0x80)) {
            *out = value;
            return i + 1;
        }
    }
    return 0;
}

static int64_t read_number(const unsigned char *p, size_t n)
{
    uint64_t value = n > 0 && (p[0] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | p[i];
    return (int64_t)value;
}

/* false: no such type, or it does not fit. */
static bool read_value(uint64_t type, const unsigned char **at, const unsigned char *end, struct page_value *out)
{
    static const unsigned char sizes[] = { 0, 1, 2, 3, 4, 6, 8, 8, 0, 0 };
    uint64_t n = type >= 12 ? (type - 12) / 2 : type < COUNT(sizes) ? sizes[type] : UINT64_MAX;
    if (n > (uint64_t)(end - *at))
        return false;
    *out = (struct page_value){ .bytes = (const char *)*at, .length = (size_t)n };
    if (type >= 12)
        out->type = type % 2 ? PAGE_TEXT : PAGE_BLOB;
    else
        out->type = type == 0 ? PAGE_NULL : type == 7 ? PAGE_REAL : PAGE_INT;
    if (out->type == PAGE_INT)
        out->number = type >= 8 ? (int64_t)type - 8 : read_number(*at, (size_t)n);
    *at += n;
    return true;
}

/* A record ends where its values end. */
static bool read_record(const unsigned char *p, size_t n, struct page_row *out)
{
    uint64_t             header, type;
    size_t               step = read_varint(p, p + n, &header);
    const unsigned char *at = p + step, *values = p + header, *end = p + n;
    if (step == 0 || header > n || header < step)
        return false;
    for (out->count = 0; at < p + header; out->count++, at += step) {
        step = read_varint(at, p + header, &type);
        if (step == 0 || out->count == PAGES_COLUMNS || !read_value(type, &values, end, &out->values[out->count]))
            return false;
    }
    return values == end;
}

/* How much of a row's bytes lie in its leaf page. */
static size_t local_part(const struct book *b, uint64_t n)
{
    uint64_t most = b->usable - 35, least = (uint64_t)(b->usable - 12) * 32 / 255 - 23;
    if (n <= most)
        return (size_t)n;
    uint64_t fitting = least + (n - least) % (b->usable - 4);
    return (size_t)(fitting <= most ? fitting : least);
}

static bool follow(struct book *b, uint32_t next, size_t left)
{
    struct err full;
    while (left > 0) {
        size_t n = left < b->usable - 4 ? left : b->usable - 4;
        if (next == 0 || next > b->page_count || !read_page(b, next, b->overflow) || buf_add(&b->row, b->overflow + 4, n, &full) < 0)
            return false;
        next = be32(b->overflow);
        left -= n;
    }
    return true;
}

/* A row that begins here; false: it is not whole. */
static bool read_row(struct book *b, const unsigned char *at, const unsigned char *end, struct page_row *out)
{
    uint64_t   bytes, key;
    struct err full;
    size_t     first = read_varint(at, end, &bytes), second = first ? read_varint(at + first, end, &key) : 0;
    if (second == 0 || bytes > ROW_MAX)
        return false;
    out->key = (int64_t)key;
    at += first + second;
    size_t local = local_part(b, bytes);
    bool   is_long = local < bytes;
    if ((size_t)(end - at) < local + (is_long ? 4 : 0))
        return false;
    if (!is_long)
        return read_record(at, local, out);
    buf_clear(&b->row);
    return buf_add(&b->row, at, local, &full) == 0 && follow(b, be32(at + local), (size_t)bytes - local) &&
           read_record((const unsigned char *)buf_str(&b->row), b->row.len, out);
}

static int walk_leaf(struct book *b, uint32_t number, int (*visit)(void *user, const struct page_row *row, struct err *e), void *user, struct err *e)
{
    const uint32_t       begin = number == 1 ? FILE_HEADER : 0, pointers = begin + LEAF_HEADER;
    const uint32_t       count = be16(b->page + begin + 3), cells = pointers + 2 * count;
    const unsigned char *end = b->page + b->usable;
    if (b->page[begin] != LEAF_OF_TABLE || cells > b->usable)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        struct page_row row;
        uint32_t        offset = be16(b->page + pointers + 2 * i);
        if (offset < cells || offset >= b->usable || !read_row(b, b->page + offset, end, &row))
            continue;
        int result = visit(user, &row, e);
        if (result != 0)
            return result;
    }
    return 0;
}

/* --- the walk -------------------------------------------------------------------------------------------------------- */

static int open_book(struct book *b, int at, const char *name, struct err *e)
{
    char log_name[NAME_BYTES];
    (void)snprintf(log_name, sizeof log_name, "%s-wal", name);
    b->fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (b->fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "open %s: %m", name);
    b->log_fd = openat(at, log_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    look_at_headers(b);
    b->page = malloc(b->page_bytes);
    b->overflow = malloc(b->page_bytes);
    return b->page && b->overflow ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

static void close_book(struct book *b)
{
    if (b->fd >= 0)
        (void)close(b->fd);
    if (b->log_fd >= 0)
        (void)close(b->log_fd);
    free(b->frames);
    free(b->page);
    free(b->overflow);
    buf_done(&b->row);
}

int pages_walk(int at, const char *name, int (*visit)(void *user, const struct page_row *row, struct err *e), void *user, struct err *e)
{
    struct book b = { .fd = -1, .log_fd = -1 };
    buf_init(&b.row, ROW_MAX);
    int result = open_book(&b, at, name, e);
    for (uint32_t number = 1; result == 0 && number <= b.page_count; number++)
        if (read_page(&b, number, b.page))
            result = walk_leaf(&b, number, visit, user, e);
    close_book(&b);
    return result;
}
