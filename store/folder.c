/* folder: making folders so that they survive a power cut: a new name is synced into its parent, up to the data folder. */
#include "core/clock.h"
#include "core/fault.h"
#include "core/file.h"
#include "store/inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_sync(int at, const char *path, struct err *e)
{
    CLEANUP(file_close) int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_IO, "open folder %s: %m", path);
    if (fsync(fd) < 0 && errno != EINVAL) /* EINVAL: a file system that does not sync folders */
        return err_set(e, ERR_IO, "sync folder %s: %m", path);
    return 0;
}

int folder_complain(const char *path, const char *what, struct err *e)
{
    int why = errno;
    struct stat st;
    if (stat(path, &st) < 0)
        return err_set(e, ERR_IO, "%s %s: %s (our uid is %u)", what, path, strerror(why), geteuid());
    return err_set(e, ERR_IO, "%s %s: %s (it belongs to uid %u gid %u with mode %04o, our uid is %u gid %u)", what, path,
                   strerror(why), st.st_uid, st.st_gid, st.st_mode & 07777U, geteuid(), getegid());
}

/* One folder of a path; its name is synced into the parent when it is new, or when an earlier run may have been cut off. */
static int make_one(int at, const char *path, const char *parent, bool is_synced_anyway, struct err *e)
{
    bool is_new = mkdirat(at, path, 0700) == 0;
    if (!is_new && errno != EEXIST)
        return at == AT_FDCWD ? folder_complain(parent, "cannot make a folder in", e)
                              : err_set(e, ERR_IO, "make folder %s: %m", path);
    if (is_new)
        FAULT("store.folder_made");
    return is_new || is_synced_anyway ? folder_sync(at, parent, e) : 0;
}

int folder_make(const char *path, struct err *e)
{
    char part[4096], parent[4096] = ".";
    if (path[0] == '/')
        (void)snprintf(parent, sizeof parent, "/");
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return err_set(e, ERR_INPUT, "the path of the data folder is empty or too long");
    for (size_t i = 1; i <= n; i++) {
        if ((path[i] != '/' && path[i] != '\0') || path[i - 1] == '/')
            continue;
        (void)snprintf(part, sizeof part, "%.*s", (int)i, path);
        if (access(part, F_OK) < 0 && make_one(AT_FDCWD, part, parent, false, e) < 0)
            return -1;
        memcpy(parent, part, sizeof parent);
    }
    return 0;
}

void day_of(char out[DAY_TEXT], int64_t wall_ms)
{
    char text[CLOCK_TEXT];
    (void)snprintf(out, DAY_TEXT, "%.10s", clock_rfc3339(text, wall_ms));
    out[4] = out[7] = '/';
}

static bool is_ready(const struct store *s, const char *day)
{
    for (size_t i = 0; i < COUNT(s->ready_days); i++)
        if (strcmp(s->ready_days[i], day) == 0)
            return true;
    return false;
}

/* "arrivals", "arrivals/2026", "arrivals/2026/11", "arrivals/2026/11/21". Folders that are there already are synced too:
 * the run that made them may have lost its power before it could. */
static int make_day(struct store *s, const char *day, struct err *e)
{
    char path[FILE_TEXT], parent[FILE_TEXT] = ".";
    (void)snprintf(path, sizeof path, "arrivals/%s", day);
    for (char *end = strchr(path, '/');; end = strchr(end + 1, '/')) {
        if (end)
            *end = '\0';
        if (make_one(s->folder_fd, path, parent, true, e) < 0)
            return -1;
        memcpy(parent, path, sizeof parent);
        if (!end)
            return 0;
        *end = '/';
    }
}

int day_make(struct store *s, const char *day, struct err *e)
{
    int result = 0;
    (void)pthread_mutex_lock(&s->days_lock);
    if (!is_ready(s, day)) {
        result = make_day(s, day, e);
        if (result == 0)
            memcpy(s->ready_days[s->next_day++ % COUNT(s->ready_days)], day, DAY_TEXT);
    }
    (void)pthread_mutex_unlock(&s->days_lock);
    return result;
}

void day_forget(struct store *s, const char *day)
{
    (void)pthread_mutex_lock(&s->days_lock);
    for (size_t i = 0; i < COUNT(s->ready_days); i++)
        if (strcmp(s->ready_days[i], day) == 0)
            s->ready_days[i][0] = '\0';
    (void)pthread_mutex_unlock(&s->days_lock);
}
