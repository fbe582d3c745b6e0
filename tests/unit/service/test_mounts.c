/* mounts: what holds the data folder, by mountinfo as Docker and podman leave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/mounts.h"
#include <string.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROOT "1 0 0:50 / / rw,relatime master:1 - overlay overlay rw,lowerdir=x\n2 1 0:52 / /tmp rw - tmpfs tmpfs rw\n"

static const struct {
    const char *what, *mountinfo, *folder;
    enum mount  expected;
} rows[] = {
    { "a named volume", ROOT "3 1 8:1 /var/lib/docker/volumes/house_data/_data /data rw - ext4 /dev/root rw\n", "/data", MOUNT_LASTING },
    { "a folder of the host", ROOT "3 1 8:1 /home/pi/data/postern /data rw - ext4 /dev/root rw\n", "/data", MOUNT_LASTING },
    { "a folder inside a mount", ROOT "3 1 8:1 /home/pi/data /data rw - ext4 /dev/root rw\n", "/data/one/two", MOUNT_LASTING },
    { "an anonymous volume", ROOT "3 1 8:1 /var/lib/docker/volumes/" ID "/_data /data rw - ext4 /dev/root rw\n", "/data", MOUNT_ANONYMOUS },
    { "podman's anonymous volume", ROOT "3 1 8:1 /containers/storage/volumes/" ID "/_data /data rw - btrfs /dev/root rw\n", "/data", MOUNT_ANONYMOUS },
    { "a volume whose name is almost an id", ROOT "3 1 8:1 /volumes/" ID "0/_data /data rw - ext4 /dev/root rw\n", "/data", MOUNT_LASTING },
    { "nothing but the container", ROOT, "/data", MOUNT_NONE },
    { "memory", ROOT "3 1 0:60 / /data rw - tmpfs tmpfs rw\n", "/data", MOUNT_NONE },
    { "a mount with a similar name", ROOT "3 1 8:1 /home/pi/data /data2 rw - ext4 /dev/root rw\n", "/data", MOUNT_NONE },
    { "a later mount hides an earlier one", ROOT "3 1 8:1 /a /data rw - ext4 /dev/root rw\n4 3 0:60 / /data rw - tmpfs tmpfs rw\n", "/data", MOUNT_NONE },
    { "a blank in the name", ROOT "3 1 8:1 /a /my\\040data rw - ext4 /dev/root rw\n", "/my data", MOUNT_LASTING },
    { "a root that is a disk itself", "1 0 8:1 / / rw - ext4 /dev/root rw\n", "/data", MOUNT_LASTING },
    { "lines that are none", "\n\nx y\n3 1 8:1 /a\n3 1 8:1 /a /data rw\n", "/data", MOUNT_LASTING },
};

static void test_the_longest_mount_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (mount_of(rows[i].mountinfo, rows[i].folder) != rows[i].expected)
            fail_msg("%s: %d", rows[i].what, (int)mount_of(rows[i].mountinfo, rows[i].folder));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_the_longest_mount_decides) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
