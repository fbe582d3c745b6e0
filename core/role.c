/* role: their names. */
#include "core/role.h"
#include "core/attr.h"
#include <stddef.h>
#include <string.h>

static const char *const names[] = { [ROLE_NONE] = "none", [ROLE_READ] = "read", [ROLE_OPERATE] = "operate", [ROLE_ADMIN] = "admin" };

const char *role_name(enum role r)
{
    return names[r];
}

enum role role_find(const char *name)
{
    for (size_t i = ROLE_READ; i < COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return (enum role)i;
    return ROLE_NONE;
}
