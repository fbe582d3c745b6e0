/* guard: a few comparisons, each without regard to case where the RFC says so. */
#include "api/guard.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool guard_is_loopback(const char *address)
{
    struct in_addr  v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

const char *guard_bearer(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    const char *given = authorization + sizeof scheme - 1;
    given += strspn(given, " ");
    return *given ? given : NULL;
}

/* Length of the host in "host", "host:port", "[v6]", "[v6]:port"; 0: it is none of these. */
static size_t host_length(const char *authority)
{
    const char *end;
    if (*authority == '[') {
        end = strchr(authority, ']');
        if (!end)
            return 0;
        end++;
    } else {
        end = authority + strcspn(authority, ":");
    }
    bool has_port = *end == ':';
    if (*end != '\0' && (!has_port || end[1 + strspn(end + 1, "0123456789")] != '\0'))
        return 0;
    return (size_t)(end - authority);
}

static bool is_host(const char *host, size_t n, const char *name)
{
    return strlen(name) == n && strncasecmp(host, name, n) == 0;
}

/* "https://house.example:8443/postern" → "house.example:8443" */
static const char *authority_of(const char *url, char *out, size_t size)
{
    const char *start = strstr(url, "://");
    start = start ? start + 3 : url;
    size_t n = strcspn(start, "/?#");
    (void)snprintf(out, size, "%.*s", (int)(n < size ? n : 0), start);
    return out;
}

bool guard_is_our_host(const char *host, const char *bound_address, const char *public_url)
{
    char   bound[64], public_host[256];
    size_t n = host ? host_length(host) : 0;
    if (n == 0)
        return false;
    (void)snprintf(bound, sizeof bound, strchr(bound_address, ':') ? "[%s]" : "%s", bound_address);
    (void)authority_of(public_url, public_host, sizeof public_host);
    public_host[host_length(public_host)] = '\0';
    const char *const ours[] = { "localhost", "127.0.0.1", "[::1]", bound, public_host };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (ours[i][0] && is_host(host, n, ours[i]))
            return true;
    return false;
}

bool guard_is_our_origin(const char *origin, const char *host, const char *public_url)
{
    if (!origin)
        return true;
    char        public_origin[256], given[256];
    const char *scheme_end = strstr(origin, "://");
    if (!scheme_end || strlen(origin) >= sizeof given)
        return false;
    (void)authority_of(origin, given, sizeof given);
    if (given[0] == '\0' || strlen(scheme_end + 3) != strlen(given)) /* an origin has no path */
        return false;
    if (host && strcasecmp(given, host) == 0)
        return true;
    (void)authority_of(public_url, public_origin, sizeof public_origin);
    return public_origin[0] && strcasecmp(given, public_origin) == 0;
}

bool guard_is_listed_origin(const char *origin, const char *const *list)
{
    for (; origin && list && *list; list++)
        if (strcasecmp(origin, *list) == 0)
            return true;
    return false;
}

bool guard_is_json(const char *content_type)
{
    static const char json[] = "application/json";
    if (!content_type || strncasecmp(content_type, json, sizeof json - 1) != 0)
        return false;
    const char *rest = content_type + sizeof json - 1;
    rest += strspn(rest, " \t");
    return *rest == '\0' || *rest == ';';
}
