/* erase_copies: what migrations and rebuilds have left beside the database. */
#include "store/copies.h"
#include "store/erase.h"
#include "store/inside.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const prefixes[] = { "postern.db.v", "postern.db.damaged-" };

static bool is_copy(const char *name)
{
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

struct visit {
    struct store  *store;
    erase_copy_fn *each; /* NULL: remove them */
    void          *user;
    int            removed;
};

static int on_file(void *user, const char *name, struct err *e)
{
    struct visit *v = user;
    struct stat   st;
    if (!is_copy(name) || fstatat(v->store->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (v->each) {
        v->each(v->user, name, (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec * 1000);
        return 0;
    }
    if (unlinkat(v->store->folder_fd, name, 0) < 0)
        return err_set(e, ERR_IO, "remove %s: %m", name);
    v->removed++;
    return 0;
}

int erase_copies(struct store *s, erase_copy_fn *each, void *user, struct err *e)
{
    struct visit v = { .store = s, .each = each, .user = user };
    return copies_walk(s->folder_fd, ".", on_file, &v, e);
}

int erase_copies_remove(struct store *s, struct err *e)
{
    struct visit v = { .store = s };
    return copies_walk(s->folder_fd, ".", on_file, &v, e) < 0 ? -1 : v.removed;
}
