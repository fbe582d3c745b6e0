/* mounts: whether the data folder of a container outlives the container. Reading is apart from judging, which is pure. */
#pragma once
#include "core/attr.h"

enum mount {
    MOUNT_LASTING,   /* a named volume, a folder of the host, or no container at all */
    MOUNT_ANONYMOUS, /* a volume without a name: `docker compose down` loses sight of it */
    MOUNT_NONE,      /* the container's own layer, or memory                         */
};

/* What holds the folder (absolute), by the text of /proc/self/mountinfo (proc(5)). */
enum mount mount_of(const char *mountinfo, const char *folder);

/* The same for this process, MOUNT_LASTING where it is in no container or nothing can be read. */
enum mount mount_here(const char *folder);
