/* gateway: the kernel's routing tables, read once at start. */
#include "net/gateway.h"
#include "core/attr.h"
#include "core/file.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLE_MAX = 256 * 1024, FLAG_GATEWAY = 2 /* RTF_GATEWAY */, IPV6_BYTES = 16 };

static void add(struct gateways *out, const unsigned char address[16])
{
    if (out->count < GATEWAYS_MAX && !gateways_hide(out, address))
        memcpy(out->address[out->count++], address, sizeof out->address[0]);
}

static const char *next_line(const char *at)
{
    const char *end = strchr(at, '\n');
    return end ? end + 1 : at + strlen(at);
}

/* --- IPv4: "eth0\t00000000\t010011AC\t0003\t…": interface, destination, gateway, flags, as the machine stores numbers -------- */

void gateways_read_ipv4(struct gateways *out, const char *text)
{
    for (const char *line = text; *line; line = next_line(line)) {
        unsigned destination, gateway, flags, metric, mask;
        if (sscanf(line, "%*s %8x %8x %4x %*d %*d %u %8x", &destination, &gateway, &flags, &metric, &mask) != 5 ||
            destination != 0 || mask != 0 || !(flags & FLAG_GATEWAY))
            continue;
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = gateway };
        unsigned char address[16];
        if (cidr_address((const struct sockaddr *)&in, address))
            add(out, address);
    }
}

/* --- IPv6: destination, its length, source, its length, next hop, metric, references, use, flags, interface; all hex ------- */

static bool read_address(const char hex[2 * IPV6_BYTES], unsigned char out[IPV6_BYTES])
{
    for (size_t i = 0; i < IPV6_BYTES; i++) {
        char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
        char *end;
        out[i] = (unsigned char)strtoul(digits, &end, 16);
        if (*end)
            return false;
    }
    return true;
}

void gateways_read_ipv6(struct gateways *out, const char *text)
{
    for (const char *line = text; *line; line = next_line(line)) {
        char destination[33], hop[33];
        unsigned length, flags;
        struct sockaddr_in6 in = { .sin6_family = AF_INET6 };
        unsigned char address[16];
        if (sscanf(line, "%32s %2x %*s %*x %32s %*x %*x %*x %8x", destination, &length, hop, &flags) != 4 || length != 0 ||
            strspn(destination, "0") != 2 * IPV6_BYTES || strlen(hop) != 2 * IPV6_BYTES || !(flags & FLAG_GATEWAY) ||
            !read_address(hop, in.sin6_addr.s6_addr))
            continue;
        if (cidr_address((const struct sockaddr *)&in, address))
            add(out, address);
    }
}

/* --- this machine ------------------------------------------------------------------------------------------------------- */

static void read_table(const char *path, struct buf *out)
{
    CLEANUP(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    buf_clear(out);
    if (fd >= 0)
        (void)!file_read(fd, out, NULL); /* as far as it goes */
}

static bool is_container(void)
{
    static const char *const words[] = { "docker", "kubepods", "containerd", "libpod", "/lxc/" };
    if (access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0)
        return true;
    CLEANUP(buf_done) struct buf groups;
    buf_init(&groups, TABLE_MAX);
    read_table("/proc/1/cgroup", &groups);
    for (size_t i = 0; i < COUNT(words); i++)
        if (strstr(buf_str(&groups), words[i]))
            return true;
    return false;
}

/* In builds with fault points a test says who hides: it cannot change the routes of its machine. */
static bool find_as_tests_say(struct gateways *out)
{
#ifdef POSTERN_FAULTS
    const char *told = getenv("POSTERN_GATEWAY");
    struct sockaddr_in in = { .sin_family = AF_INET };
    unsigned char address[16];
    if (!told)
        return false;
    if (inet_pton(AF_INET, told, &in.sin_addr) == 1 && cidr_address((const struct sockaddr *)&in, address))
        add(out, address);
    return true;
#else
    (void)out;
    return false;
#endif
}

void gateways_find(struct gateways *out)
{
    *out = (struct gateways){ 0 };
    if (find_as_tests_say(out) || !is_container())
        return;
    CLEANUP(buf_done) struct buf table;
    buf_init(&table, TABLE_MAX);
    read_table("/proc/net/route", &table);
    gateways_read_ipv4(out, buf_str(&table));
    read_table("/proc/net/ipv6_route", &table);
    gateways_read_ipv6(out, buf_str(&table));
}

bool gateways_hide(const struct gateways *g, const unsigned char address[16])
{
    for (size_t i = 0; i < g->count; i++)
        if (memcmp(g->address[i], address, sizeof g->address[i]) == 0)
            return true;
    return false;
}

bool gateways_hide_text(const struct gateways *g, const char *address)
{
    struct cidr one;
    struct err e;
    return g->count > 0 && cidr_parse(address, &one, &e) == 0 && gateways_hide(g, one.bytes);
}
