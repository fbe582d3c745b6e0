/* import_eml: mails in files: single ones, the files of folders (Maildir among them), and mbox. A first walk over all of them notes where
 * each mail lies and when it came; then they are brought along in the order of their times. */
#include "core/log.h"
#include "service/import_head.h"
#include "service/import_row.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_ARENA = 512 << 20, DEPTH_MAX = 16, PIECE = 64 * 1024, FROM_LINE_MAX = 512 };
static const size_t items_max = 20 * 1000 * 1000;

struct item {
    int64_t     time_ms, offset, length;
    const char *path;
    bool        is_in_mbox;
    enum trouble { FINE, NO_MAIL, TOO_LARGE, UNREADABLE } trouble;
};

struct eml {
    struct arena names;
    struct item *items;
    size_t       count, cap, next;
};

static int add_item(struct eml *s, struct item item, struct err *e)
{
    struct item *items = import_list_room(s->items, s->count, &s->cap, sizeof *items, items_max);
    if (!items)
        return err_set(e, ERR_NOMEM, "more mails than there is memory for");
    s->items = items;
    s->items[s->count++] = item;
    return 0;
}

/* --- single files ----------------------------------------------------------------------------------------------- */

/* When neither Received nor Date tells: when the file was written. */
static int64_t time_of(const struct import_head *head, const struct stat *st)
{
    return head->time_ms > 0 ? head->time_ms : (int64_t)st->st_mtim.tv_sec * 1000;
}

static int add_mail(struct eml *s, int fd, const char *path, const struct stat *st, struct err *e)
{
    char              *raw = malloc(IMPORT_HEAD_MAX);
    ssize_t            n = raw ? pread(fd, raw, IMPORT_HEAD_MAX, 0) : -1;
    struct import_head head = { .is_mail = false };
    if (n > 0)
        import_head_read(raw, (size_t)n, &head);
    free(raw);
    enum trouble trouble = n < 0 ? UNREADABLE : !head.is_mail ? NO_MAIL : st->st_size > IMPORT_MAIL_MAX ? TOO_LARGE : FINE;
    return add_item(s, (struct item){ .time_ms = time_of(&head, st), .length = st->st_size, .path = path, .trouble = trouble }, e);
}

/* --- mbox ------------------------------------------------------------------------------------------------------- */

struct box {
    struct eml        *s;
    const char        *path;
    struct buf         head; /* the first lines of the mail that is open */
    int64_t            start, from_ms; /* of the open mail; start -1: none is open */
};

/* "From sender date": a date must be in it, so that a line of text that begins so is none. */
static int64_t from_line_time(const char *line, size_t n)
{
    const char *blank = n > 5 && memcmp(line, "From ", 5) == 0 ? memchr(line + 5, ' ', n - 5) : NULL;
    return blank ? import_head_time(blank + 1, n - (size_t)(blank + 1 - line)) : 0;
}

static int close_mail(struct box *b, int64_t end, struct err *e)
{
    if (b->start < 0)
        return 0;
    struct import_head head;
    import_head_read(buf_str(&b->head), b->head.len, &head);
    int64_t     length = end - b->start;
    struct item item = { .time_ms = head.time_ms > 0 ? head.time_ms : b->from_ms, .offset = b->start, .length = length, .path = b->path,
                         .is_in_mbox = true, .trouble = !head.is_mail ? NO_MAIL : length > IMPORT_MAIL_MAX ? TOO_LARGE : FINE };
    return add_item(b->s, item, e);
}

/* A mail ends before the blank line in front of the next From line. */
static int walk_box(struct box *b, FILE *f, struct err *e)
{
    char    line[FROM_LINE_MAX];
    int64_t at = 0, blank = 0; /* blank: bytes of the blank line in front of at */
    bool    is_line_start = true;
    while (fgets(line, sizeof line, f)) {
        int64_t here = ftello(f) - at; /* a NUL in it hides what follows from strlen */
        size_t  n = here < (int64_t)sizeof line ? (size_t)here : sizeof line - 1;
        bool    is_end = n > 0 && line[n - 1] == '\n', is_start = is_line_start && (blank > 0 || at == 0);
        int64_t from_ms = is_start ? from_line_time(line, n) : 0;
        if (from_ms > 0 && close_mail(b, at - blank, e) < 0)
            return -1;
        if (from_ms > 0) {
            b->start = at + here;
            b->from_ms = from_ms;
            buf_clear(&b->head);
        } else if (b->head.len + n <= b->head.max) {
            buf_put(&b->head, line, n);
        }
        blank = is_line_start && is_end && (n == 1 || (n == 2 && line[0] == '\r')) ? here : 0;
        at += here;
        is_line_start = is_end;
    }
    return close_mail(b, at - blank, e);
}

static int add_box(struct eml *s, int fd, const char *path, struct err *e)
{
    int   copy = dup(fd);
    FILE *f = copy >= 0 ? fdopen(copy, "r") : NULL;
    if (!f) {
        if (copy >= 0)
            (void)close(copy);
        return err_set(e, ERR_IO, "%s: %m", path);
    }
    struct box b = { .s = s, .path = path, .start = -1 };
    buf_init(&b.head, IMPORT_HEAD_MAX);
    int result = walk_box(&b, f, e);
    buf_done(&b.head);
    (void)fclose(f);
    return result;
}

/* --- folders ---------------------------------------------------------------------------------------------------- */

static int add_path(struct eml *s, const char *path, int depth, struct err *e);

static int is_wanted(const struct dirent *d)
{
    return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 && strcmp(d->d_name, "tmp") != 0;
}

/* Of a Maildir: cur and new of it and of its folders (.Sent), never tmp nor the files of its server. */
static bool is_maildir(const char *path, struct arena *a)
{
    const char *cur = arena_printf(a, "%s/cur", path), *fresh = arena_printf(a, "%s/new", path);
    struct stat st;
    return cur && fresh && stat(cur, &st) == 0 && S_ISDIR(st.st_mode) && stat(fresh, &st) == 0 && S_ISDIR(st.st_mode);
}

static int add_folder(struct eml *s, const char *path, int depth, struct err *e)
{
    struct dirent **list = NULL;
    bool            is_mails = is_maildir(path, &s->names);
    int             n = scandir(path, &list, is_wanted, alphasort), result = 0;
    if (n < 0)
        return add_item(s, (struct item){ .path = path, .trouble = UNREADABLE }, e);
    for (int i = 0; i < n; i++) {
        const char *child = arena_printf(&s->names, "%s/%s", path, list[i]->d_name);
        struct stat st;
        if (result == 0 && !child)
            result = err_set(e, ERR_NOMEM, "more files than there is memory for");
        if (result == 0 && lstat(child, &st) == 0 && (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && !is_mails)))
            result = add_path(s, child, depth + 1, e);
        free(list[i]);
    }
    free(list);
    return result;
}

static int add_file(struct eml *s, int fd, const char *path, const struct stat *st, struct err *e)
{
    char start[5];
    bool is_box = pread(fd, start, sizeof start, 0) == (ssize_t)sizeof start && memcmp(start, "From ", sizeof start) == 0;
    return is_box ? add_box(s, fd, path, e) : add_mail(s, fd, path, st, e);
}

static int add_path(struct eml *s, const char *path, int depth, struct err *e)
{
    int         fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe must not hold us */
    struct stat st;
    bool        is_there = fd >= 0 && fstat(fd, &st) == 0 && depth <= DEPTH_MAX;
    int         result;
    if (is_there && S_ISREG(st.st_mode))
        result = add_file(s, fd, path, &st, e);
    else if (is_there && S_ISDIR(st.st_mode))
        result = add_folder(s, path, depth, e);
    else
        result = add_item(s, (struct item){ .path = path, .trouble = UNREADABLE }, e);
    if (fd >= 0)
        (void)close(fd);
    return result;
}

/* --- the source ------------------------------------------------------------------------------------------------- */

static void close_eml(void *state)
{
    struct eml *s = state;
    free(s->items);
    arena_done(&s->names);
    free(s);
}

static int by_time(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    int paths = strcmp(x->path, y->path);
    return paths != 0 ? paths : (x->offset > y->offset) - (x->offset < y->offset);
}

static int open_eml(const struct import_job *job, void **out, int64_t *total_out, struct err *e)
{
    struct eml *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, ERR_NOMEM, "out of memory");
    arena_init(&s->names, NAMES_ARENA);
    for (size_t i = 0; i < job->path_count; i++) {
        if (access(job->paths[i], R_OK) != 0)
            (void)err_set(e, ERR_IO, "%s: %m", job->paths[i]);
        else if (add_path(s, job->paths[i], 0, e) == 0)
            continue;
        close_eml(s);
        return -1;
    }
    if (s->count > 0)
        qsort(s->items, s->count, sizeof *s->items, by_time);
    *total_out = (int64_t)s->count;
    *out = s;
    return 0;
}

static int read_bytes(const struct item *item, struct buf *out, struct err *e)
{
    int fd = open(item->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || buf_reserve(out, (size_t)item->length, NULL) < 0) {
        (void)err_set(e, ERR_INPUT, "it cannot be read: %m");
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    ssize_t n = 1;
    while ((int64_t)out->len < item->length && n > 0) {
        n = pread(fd, out->data + out->len, (size_t)(item->length - (int64_t)out->len), item->offset + (int64_t)out->len);
        out->len += n > 0 ? (size_t)n : 0;
    }
    (void)close(fd);
    out->data[out->len] = '\0';
    return (int64_t)out->len == item->length ? 0 : err_set(e, ERR_INPUT, "it cannot be read whole");
}

/* ">From " and ">>From " at a line's start lose one of their marks. */
static void take_marks_off(struct buf *raw)
{
    size_t to = 0;
    for (size_t at = 0; at < raw->len; at++) {
        if (raw->data[at] == '>' && (at == 0 || raw->data[at - 1] == '\n')) {
            size_t end = at;
            while (end < raw->len && raw->data[end] == '>')
                end++;
            at += raw->len - end >= 5 && memcmp(raw->data + end, "From ", 5) == 0;
        }
        raw->data[to++] = raw->data[at];
    }
    raw->len = to;
    raw->data[to] = '\0';
}

static int next_eml(void *state, struct import_row *row, struct err *e)
{
    static const char *const troubles[] = { "", "it does not begin like a mail", "it is larger than a mail may be", "it cannot be read" };
    struct eml              *s = state;
    if (s->next == s->count)
        return 0;
    const struct item *item = &s->items[s->next++];
    (void)snprintf(row->where, sizeof row->where, item->is_in_mbox ? "%.150s at %lld" : "%.150s", item->path, (long long)item->offset);
    if (item->trouble != FINE)
        return err_set(e, ERR_INPUT, "%s", troubles[item->trouble]);
    if (read_bytes(item, &row->raw, e) < 0)
        return -1;
    if (item->is_in_mbox)
        take_marks_off(&row->raw);
    struct import_head head;
    import_head_read(buf_str(&row->raw), row->raw.len, &head);
    row->time_ms = item->time_ms;
    memcpy(row->from, head.from, sizeof row->from);
    memcpy(row->to, head.to, sizeof row->to);
    return 1;
}

const struct import_source import_eml = { "eml", open_eml, next_eml, close_eml };
