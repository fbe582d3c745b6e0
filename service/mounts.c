/* mounts: the longest mount point above the folder, and what kind of thing is mounted there. */
#include "service/mounts.h"
#include "core/file.h"
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOUNTINFO_MAX = 256 * 1024, FIELDS_BEFORE_DASH = 5, VOLUME_ID = 64 };

/* One line: "36 35 98:0 /root /mount/point options … - type source options". */
struct line {
    const char *root, *type;
    char       *point;
};

static bool split(char *line, struct line *out)
{
    char *fields[FIELDS_BEFORE_DASH], *rest = line;
    for (int i = 0; i < FIELDS_BEFORE_DASH; i++)
        if (!(fields[i] = strsep(&rest, " ")) || !rest)
            return false;
    char *dash = strstr(rest, "- ");
    if (!dash)
        return false;
    dash += 2;
    *out = (struct line){ .root = fields[3], .point = fields[4], .type = strsep(&dash, " ") };
    return true;
}

/* "\040" is a blank: the kernel writes blanks, tabs, line ends and backslashes so. */
static void unescape(char *s)
{
    char *to = s;
    for (; *s; s++) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && isdigit((unsigned char)s[2]) && isdigit((unsigned char)s[3])) {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 3;
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
}

static bool is_above(const char *point, const char *folder)
{
    size_t n = strlen(point);
    if (n == 1)
        return true; /* "/" */
    return strncmp(point, folder, n) == 0 && (folder[n] == '/' || folder[n] == '\0');
}

/* Docker and podman keep a volume nobody named as …/volumes/<64 hexadecimal digits>/_data. */
static bool is_anonymous(const char *root)
{
    static const char folder[] = "/volumes/";
    const char       *at = strstr(root, folder);
    if (!at)
        return false;
    at += sizeof folder - 1;
    return strspn(at, "0123456789abcdef") == VOLUME_ID && strncmp(at + VOLUME_ID, "/_data", 6) == 0;
}

static bool is_gone_with_the_container(const char *type)
{
    return strcmp(type, "overlay") == 0 || strcmp(type, "aufs") == 0 || strcmp(type, "tmpfs") == 0 || strcmp(type, "fuse-overlayfs") == 0;
}

static enum mount judge(const struct line *l)
{
    if (is_anonymous(l->root))
        return MOUNT_ANONYMOUS;
    return is_gone_with_the_container(l->type) ? MOUNT_NONE : MOUNT_LASTING;
}

enum mount mount_of(const char *mountinfo, const char *folder)
{
    enum mount found = MOUNT_LASTING;
    size_t     longest = 0;
    char      *text = strdup(mountinfo);
    if (!text)
        return MOUNT_LASTING;
    char *rest = text, *row;
    while ((row = strsep(&rest, "\n"))) {
        struct line l;
        if (!split(row, &l))
            continue;
        unescape(l.point);
        size_t n = strlen(l.point);
        if (n >= longest && is_above(l.point, folder)) { /* the later of two on one point hides the earlier */
            longest = n;
            found = judge(&l);
        }
    }
    free(text);
    return found;
}

/* Where the table of mounts is; NULL: this is no container. Tests bring a table of their own. */
static const char *find_table(void)
{
#ifdef POSTERN_FAULTS
    const char *ours = getenv("POSTERN_MOUNTINFO");
    if (ours)
        return ours;
#endif
    bool is_container = access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0;
    return is_container ? "/proc/self/mountinfo" : NULL;
}

enum mount mount_here(const char *folder)
{
    char        path[PATH_MAX];
    const char *table = find_table();
    int         fd = table && realpath(folder, path) ? open(table, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return MOUNT_LASTING;
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, MOUNTINFO_MAX);
    int failed = file_read(fd, &text, NULL);
    (void)close(fd);
    return failed ? MOUNT_LASTING : mount_of(buf_str(&text), path);
}
