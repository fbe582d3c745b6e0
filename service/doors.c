/* doors: one row for each. */
#include "service/doors.h"
#include "core/file.h"
#include "core/listen.h"
#include "net/inherited.h"
#include "net/smtp_server.h"
#include <string.h>

static const char api_name[] = "postern.api";

static const char *name_of(int door)
{
    return door == DOOR_API ? api_name : smtp_socket_names[door];
}

struct door {
    const char *setting, *address;
    int         port;   /* 0: any, or, where that is not needed, no such door */
    bool        exists;
};

static void doors_of(const struct settings *s, struct door out[DOORS])
{
    out[DOOR_SMTP] = (struct door){ "Smtp:Port", s->smtp_address, (int)s->smtp_port, true };
    out[DOOR_SMTP_TLS] = (struct door){ "Smtp:TlsPort", s->smtp_address, (int)s->smtp_tls_port, s->smtp_tls_port > 0 };
    out[DOOR_SMTP_LEGACY] = (struct door){ "Smtp:Legacy:Port", s->smtp_address, (int)s->smtp_legacy_port, s->smtp_legacy_port > 0 };
    out[DOOR_API] = (struct door){ "Api:Port", s->api_address, (int)s->api_port, true };
}

static bool is_same(const struct door *a, const struct door *b)
{
    return a->exists && b->exists && a->port == b->port && strcmp(a->address, b->address) == 0;
}

static bool is_ours_now(const struct door now[DOORS], int port)
{
    for (int i = 0; i < DOORS; i++)
        if (port > 0 && now[i].exists && now[i].port == port)
            return true;
    return false;
}

/* Whether it can be opened, as far as that can be known while the old one is; with name it stays open under it. */
static int open_door(const struct door now[DOORS], const struct door *one, const char *name, struct err *e)
{
    CLEANUP(file_close) int fd = -1;
    int                   port = is_ours_now(now, one->port) ? 0 : one->port; /* then the address alone */
    if (listen_on(one->address, port, &fd, e) < 0)
        return -1;
    return name && port > 0 ? inherited_keep(name, fd, e) : 0;
}

unsigned doors_same(const struct settings *now, const struct settings *next)
{
    struct door a[DOORS], b[DOORS];
    unsigned    same = 0;
    doors_of(now, a);
    doors_of(next, b);
    for (int i = 0; i < DOORS; i++)
        same |= is_same(&a[i], &b[i]) ? 1U << i : 0;
    return same;
}

void doors_try(const struct settings *now, const struct settings *next, struct mistakes *m)
{
    struct door a[DOORS], b[DOORS];
    struct err  e;
    doors_of(now, a);
    doors_of(next, b);
    for (int i = 0; i < DOORS; i++)
        if (b[i].exists && !is_same(&a[i], &b[i]) && open_door(a, &b[i], NULL, &e) < 0)
            mistake_add(m, b[i].setting, "%s", e.text);
}

int doors_keep_new(const struct settings *now, const struct settings *next, struct err *e)
{
    struct door a[DOORS], b[DOORS];
    doors_of(now, a);
    doors_of(next, b);
    for (int i = 0; i < DOORS; i++)
        if (b[i].exists && !is_same(&a[i], &b[i]) && open_door(a, &b[i], name_of(i), e) < 0)
            return err_prefix(e, "%s", b[i].setting);
    return 0;
}

int doors_api_socket(const struct settings *s)
{
    int fd = inherited_socket(api_name, (int)s->api_port);
    return fd > 0 ? fd : 0;
}

int doors_keep_api(int fd, struct err *e)
{
    return inherited_keep(api_name, fd, e);
}
