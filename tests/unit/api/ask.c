/* ask: sockets on 127.0.0.1. */
#include "ask.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int ask_connect(int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = 10 }, sizeof(struct timeval));
    if (fd >= 0 && connect(fd, (const void *)&to, sizeof to) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

int ask_raw(int port, const char *request, size_t n, struct buf *answer)
{
    buf_clear(answer);
    int fd = ask_connect(port);
    for (size_t sent = 0; fd >= 0 && sent < n;) {
        ssize_t one = send(fd, request + sent, n - sent, MSG_NOSIGNAL);
        if (one <= 0)
            break;
        sent += (size_t)one;
    }
    char    piece[16 * 1024];
    ssize_t got;
    while (fd >= 0 && (got = recv(fd, piece, sizeof piece, 0)) > 0)
        buf_put(answer, piece, (size_t)got);
    (void)close(fd);
    int status = 0;
    (void)sscanf(buf_str(answer), "HTTP/1.%*d %3d", &status);
    return status;
}

int ask(int port, const char *method, const char *path, const char *headers, const char *body, struct buf *answer)
{
    CLEANUP(buf_done) struct buf request;
    buf_init(&request, 4 << 20);
    buf_printf(&request, "%s %s HTTP/1.1\r\nConnection: close\r\n%s", method, path, headers ? headers : "");
    if (!headers || !strstr(headers, "Host:"))
        buf_puts(&request, "Host: localhost\r\n");
    if (body)
        buf_printf(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_puts(&request, "\r\n");
    buf_puts(&request, body);
    return ask_raw(port, buf_str(&request), request.len, answer);
}

const char *ask_body(const struct buf *answer)
{
    const char *blank = strstr(buf_str(answer), "\r\n\r\n");
    return blank ? blank + 4 : "";
}

const char *ask_header(const struct buf *answer, const char *name, char *out, size_t size)
{
    char line[80];
    (void)snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strcasestr(buf_str(answer), line);
    if (!at || at > ask_body(answer))
        return NULL;
    at += strlen(line);
    (void)snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
    return out;
}
