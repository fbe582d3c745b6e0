/* export_files: every step is relative to a descriptor and follows no link, so that nobody who may write there leads us elsewhere. */
#include "store/export_files.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { DEVICE_BYTES = 48, NAME_BYTES = 64, PIECE = 16 * 1024, DEPTH_MAX = 256 };

static int fail(const char *what, const char *name, struct err *e)
{
    return err_set(e, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO, "%s %s: %m", what, name);
}

/* --- names ----------------------------------------------------------------------------------------------------------- */

static bool is_harmless(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '@';
}

/* A dot only between two other letters: no "..", nothing hidden, nothing that Windows cuts off. */
static void device_folder(char out[DEVICE_BYTES], const char *device)
{
    size_t n = 0;
    for (; *device && n < DEVICE_BYTES - 1; device++) {
        bool is_dot = *device == '.' && n > 0 && out[n - 1] != '.';
        out[n++] = is_harmless(*device) || is_dot ? *device : '_';
    }
    while (n > 0 && out[n - 1] == '.')
        n--;
    out[n] = '\0';
    if (n == 0)
        (void)snprintf(out, DEVICE_BYTES, "unknown");
}

void export_beginning(char out[EXPORTED_STEM], const char *device, int64_t received_ms)
{
    char      folder[DEVICE_BYTES];
    struct tm t;
    clock_local(received_ms, &t);
    device_folder(folder, device);
    (void)snprintf(out, EXPORTED_STEM, "%s/%04d-%02d-%02d/%02d%02d%02d", folder, t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
                   t.tm_sec);
}

const char *export_extension(const char *type)
{
    static const struct {
        const char *type, *extension;
    } known[] = {
        { "image/jpeg", "jpg" }, { "image/png", "png" },       { "image/gif", "gif" },       { "image/webp", "webp" },
        { "video/mp4", "mp4" },  { "video/x-msvideo", "avi" }, { "video/quicktime", "mov" },
    };
    for (size_t i = 0; i < COUNT(known); i++)
        if (strcmp(known[i].type, type) == 0)
            return known[i].extension;
    return NULL;
}

/* --- the folder -------------------------------------------------------------------------------------------------------- */

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether `inner` is `outer`, or lies below it: 1, 0, -1. By what the names lead to, so links and mounts hide nothing. */
static int is_within(int inner, int outer, struct err *e)
{
    struct stat here, above, wanted;
    CLEANUP(file_close) int at = dup(inner);
    if (at < 0 || fstat(outer, &wanted) < 0 || fstat(at, &here) < 0)
        return fail("look at", "the folders", e);
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        if (is_same(&here, &wanted))
            return 1;
        int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (up < 0 || fstat(up, &above) < 0) {
            int failed = fail("look above", "the folder", e);
            file_close(&up);
            return failed;
        }
        (void)close(at);
        at = up;
        if (is_same(&here, &above))
            return 0; /* the root */
        here = above;
    }
    return 0;
}

static int check_apart(int folder, int data, const char *path, struct err *e)
{
    int in = is_within(folder, data, e), around = in == 0 ? is_within(data, folder, e) : 0;
    if (in < 0 || around < 0)
        return -1;
    return in || around ? err_set(e, ERR_INPUT, "Store:ExportFolder %s and Store:Folder must not lie in each other", path) : 0;
}

int export_open(const char *path, int data, int *fd_out, struct err *e)
{
    CLEANUP(file_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && mkdir(path, 0755) == 0)
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail("open Store:ExportFolder", path, e);
    if (check_apart(fd, data, path, e) < 0)
        return -1;
    *fd_out = fd;
    fd = -1;
    return 0;
}

int export_room(int folder, struct export_room *out, struct err *e)
{
    struct statvfs fs;
    if (fstatvfs(folder, &fs) < 0)
        return fail("look at", "Store:ExportFolder", e);
    *out = (struct export_room){ .free = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize, .all = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize };
    return 0;
}

/* --- paths: <device>/<day>/<name> ----------------------------------------------------------------------------------------- */

struct place {
    char device[EXPORTED_STEM], day[EXPORTED_STEM]; /* the second: both */
    const char *name;
};

/* Stems are our own, but they come from a database that may be damaged. */
static int place_of(const struct exported *x, struct place *out, struct err *e)
{
    const char *first = strchr(x->stem, '/'), *second = first ? strchr(first + 1, '/') : NULL;
    if (!second || strchr(second + 1, '/') || strstr(x->stem, "..") || x->stem[0] == '/' || strlen(second + 1) > NAME_BYTES / 2 ||
        strspn(x->extension, "abcdefghijklmnopqrstuvwxyz0123456789") != strlen(x->extension))
        return err_set(e, ERR_INPUT, "no name of ours: %s.%s", x->stem, x->extension);
    (void)snprintf(out->device, sizeof out->device, "%.*s", (int)(first - x->stem), x->stem);
    (void)snprintf(out->day, sizeof out->day, "%.*s", (int)(second - x->stem), x->stem);
    out->name = second + 1;
    return 0;
}

static int enter(int at, const char *name, struct err *e)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && (mkdirat(at, name, 0755) == 0 || errno == EEXIST))
        fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? fd : fail("make the folder", name, e);
}

static int open_day(int folder, const struct place *p, struct err *e)
{
    CLEANUP(file_close) int device = enter(folder, p->device, e);
    return device < 0 ? -1 : enter(device, p->day + strlen(p->device) + 1, e);
}

static void name_of(char out[NAME_BYTES], const struct place *p, const char *extension, bool is_partial)
{
    (void)snprintf(out, NAME_BYTES, "%s%.32s.%.7s%s", is_partial ? "." : "", p->name, extension, is_partial ? ".partial" : "");
}

/* --- writing ------------------------------------------------------------------------------------------------------------------- */

static int create(int day, const char *name, struct err *e)
{
    (void)unlinkat(day, name, 0); /* whatever was put there under our name, we do not write through it */
    int fd = openat(day, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    return fd >= 0 ? fd : fail("create", name, e);
}

/* As export_write. */
static int write_picture(int day, const char *name, struct media_stream *picture, int64_t *bytes, struct err *e)
{
    char    piece[PIECE];
    ssize_t n;
    CLEANUP(file_close) int fd = create(day, name, e);
    if (fd < 0)
        return -1;
    while ((n = media_read(picture, piece, sizeof piece, e)) > 0) {
        if (file_write(fd, piece, (size_t)n) < 0)
            return fail("write", name, e);
        *bytes += n;
    }
    if (n < 0)
        return 0;
    return fdatasync(fd) < 0 ? fail("sync", name, e) : 1;
}

static int write_text(int day, const char *name, const char *text, size_t n, struct err *e)
{
    CLEANUP(file_close) int fd = create(day, name, e);
    if (fd < 0)
        return -1;
    if (file_write(fd, text, n) < 0)
        return fail("write", name, e);
    return fdatasync(fd) < 0 ? fail("sync", name, e) : 0;
}

static int rename_both(int day, const struct place *p, const char *extension, struct err *e)
{
    const char *const order[] = { "json", extension };
    for (size_t i = 0; i < COUNT(order); i++) {
        char from[NAME_BYTES], to[NAME_BYTES];
        name_of(from, p, order[i], true);
        name_of(to, p, order[i], false);
        if (renameat(day, from, day, to) < 0)
            return fail("rename", from, e);
        FAULT("export.renamed");
    }
    /* EINVAL: a file system that does not sync folders */
    return fsync(day) < 0 && errno != EINVAL ? fail("sync", "the day's folder", e) : 0;
}

static void remove_partial(int day, const struct place *p, const char *extension)
{
    const char *const both[] = { "json", extension };
    char              name[NAME_BYTES];
    for (size_t i = 0; i < COUNT(both); i++) {
        name_of(name, p, both[i], true);
        (void)unlinkat(day, name, 0);
    }
}

int export_write(int folder, struct exported *x, const char *json, size_t n, struct media_stream *picture, struct err *e)
{
    struct place p;
    char         name[NAME_BYTES];
    if (place_of(x, &p, e) < 0)
        return -1;
    CLEANUP(file_close) int day = open_day(folder, &p, e);
    if (day < 0)
        return -1;
    x->bytes = (int64_t)n;
    name_of(name, &p, x->extension, true);
    int is_written = write_picture(day, name, picture, &x->bytes, e);
    name_of(name, &p, "json", true);
    if (is_written > 0 && (write_text(day, name, json, n, e) < 0 || rename_both(day, &p, x->extension, e) < 0))
        is_written = -1;
    if (is_written <= 0)
        remove_partial(day, &p, x->extension);
    return is_written;
}

/* --- removing -------------------------------------------------------------------------------------------------------------------- */

int export_remove(int folder, const struct exported *x, struct err *e)
{
    struct place p;
    char         name[NAME_BYTES];
    if (place_of(x, &p, e) < 0)
        return 0; /* nothing of ours can be there */
    const char *const both[] = { x->extension, "json" };
    CLEANUP(file_close) int device = openat(folder, p.device, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const char *day_name = p.day + strlen(p.device) + 1;
    CLEANUP(file_close) int day = device < 0 ? -1 : openat(device, day_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (day < 0)
        return errno == ENOENT ? 0 : fail("open", p.day, e);
    remove_partial(day, &p, x->extension);
    for (size_t i = 0; i < COUNT(both); i++) {
        name_of(name, &p, both[i], false);
        if (unlinkat(day, name, 0) < 0 && errno != ENOENT)
            return fail("remove", name, e);
    }
    if (unlinkat(device, day_name, AT_REMOVEDIR) == 0) /* refused while anything is in it */
        (void)unlinkat(folder, p.device, AT_REMOVEDIR);
    return 0;
}
