/* `postern hash-password`: the hash of a password for Smtp:Users, read from the terminal without showing it, or from stdin. */
#include "net/password.h"
#include "service/commands.h"
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_MAX = 512 };

static int complain(const char *text)
{
    (void)fprintf(stderr, "postern hash-password: %s\n", text);
    return 1;
}

/* One line without its end; -1: there is none, or it is too long. */
static int read_line(char line[PASSWORD_MAX + 2])
{
    if (!fgets(line, PASSWORD_MAX + 2, stdin))
        return -1;
    size_t n = strcspn(line, "\r\n");
    if (!line[n] && n > PASSWORD_MAX)
        return -1;
    line[n] = '\0';
    return 0;
}

static int ask(char line[PASSWORD_MAX + 2])
{
    struct termios shown, hidden;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &shown) != 0)
        return read_line(line);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)fputs("Password: ", stderr);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    int result = read_line(line);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    (void)fputc('\n', stderr);
    return result;
}

int cmd_hash_password(const struct settings *s, int argc, char **argv)
{
    (void)s, (void)argv;
    char password[PASSWORD_MAX + 2];
    if (argc != 1) {
        (void)fputs("usage: postern hash-password < FILE\n", stderr);
        return EX_USAGE;
    }
    if (ask(password) < 0 || !password[0])
        return complain("no password of 1 to 511 bytes");
    struct err                   e;
    CLEANUP(buf_done) struct buf hash;
    buf_init(&hash, PASSWORD_MAX);
    int result = password_hash(password, &hash, &e);
    explicit_bzero(password, sizeof password);
    if (result < 0)
        return complain(e.text);
    (void)puts(buf_str(&hash));
    return 0;
}
