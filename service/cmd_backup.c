/* `postern backup FOLDER`, `postern restore FOLDER`, `postern verify [FOLDER]`: see store/backup.h and store/verify.h. They work on the
 * data folder itself, so that they need no running gateway; the first and the last may run beside one. Exit codes: 0 all is
 * sound, 1 something is damaged, or it failed, 64 wrong arguments, 66 there is nothing of that name, 75 a gateway runs there. */
#include "core/clock.h"
#include "service/commands.h"
#include "store/backup.h"
#include "store/verify.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { SHOW_EVERY_MS = 200 };

struct screen {
    bool    is_terminal;
    int64_t shown_ms;
};

static void show(void *user, const char *what, int64_t done, int64_t total)
{
    struct screen *s = user;
    int64_t        now = clock_mono_ms();
    if (!s->is_terminal || (now < s->shown_ms + SHOW_EVERY_MS && done != total))
        return;
    s->shown_ms = now;
    (void)printf("\r\033[K%s %" PRId64 "/%" PRId64, what, done, total);
    (void)fflush(stdout);
}

static void clear_line(const struct screen *s)
{
    if (s->is_terminal)
        (void)fputs("\r\033[K", stdout);
}

static void say(void *user, const char *text)
{
    clear_line(user);
    (void)fflush(stdout);
    (void)fprintf(stderr, "damaged: %s\n", text);
}

static struct screen screen_of_stdout(void)
{
    return (struct screen){ .is_terminal = isatty(STDOUT_FILENO) == 1 };
}

static int failed(const char *command, const struct screen *s, const struct err *e)
{
    clear_line(s);
    (void)fflush(stdout);
    (void)fprintf(stderr, "postern %s: %s\n", command, e->text);
    return e->code == ERR_NOT_FOUND ? EX_NOINPUT : e->code == ERR_BUSY ? EX_TEMPFAIL : 1;
}

static int usage(const char *text)
{
    (void)fprintf(stderr, "usage: postern %s\n", text);
    return EX_USAGE;
}

static bool is_folder(int argc, char **argv)
{
    return argc == 2 && argv[1][0] && strncmp(argv[1], "--", 2) != 0;
}

int cmd_backup(const struct settings *s, int argc, char **argv)
{
    if (!is_folder(argc, argv))
        return usage("backup FOLDER");
    struct screen        screen = screen_of_stdout();
    struct backup_counts c;
    struct err           e;
    struct backup_options o = { .from = s->store_folder, .to = argv[1], .user = &screen, .progress = show, .say = say };
    if (backup_make(&o, &c, &e) < 0)
        return failed(argv[0], &screen, &e);
    clear_line(&screen);
    (void)printf("backup of %s: %" PRId64 " events, %" PRId64 " arrivals, database %" PRId64 " bytes; %" PRId64 " files: %" PRId64
                 " copied, %" PRId64 " there already, %" PRId64 " forgotten meanwhile, %" PRId64 " removed; %" PRId64 " damaged\n",
                 c.made, c.events, c.arrivals, c.database_bytes, c.files, c.copied, c.same, c.forgotten, c.removed, c.damaged);
    return c.damaged > 0 ? 1 : 0;
}

int cmd_restore(const struct settings *s, int argc, char **argv)
{
    if (!is_folder(argc, argv))
        return usage("restore FOLDER");
    struct screen        screen = screen_of_stdout();
    struct backup_counts c;
    struct err           e;
    struct backup_options o = { .from = argv[1], .to = s->store_folder, .user = &screen, .progress = show, .say = say };
    if (backup_restore(&o, &c, &e) < 0)
        return failed(argv[0], &screen, &e);
    clear_line(&screen);
    (void)printf("restored into %s, as of %s: %" PRId64 " events, %" PRId64 " arrivals, %" PRId64 " files; %" PRId64 " damaged; %" PRId64
                 " messages were owed then and are told at the next start\n",
                 s->store_folder, c.made, c.events, c.arrivals, c.copied, c.damaged, c.owed);
    return c.damaged > 0 ? 1 : 0;
}

int cmd_verify(const struct settings *s, int argc, char **argv)
{
    if (argc != 1 && !is_folder(argc, argv))
        return usage("verify [FOLDER]");
    struct screen         screen = screen_of_stdout();
    struct verify_counts  c;
    struct err            e;
    struct verify_options o = { .folder = argc == 2 ? argv[1] : s->store_folder, .user = &screen, .progress = show, .say = say };
    if (verify_folder(&o, &c, &e) < 0)
        return failed(argv[0], &screen, &e);
    clear_line(&screen);
    (void)printf("%s %s: %" PRId64 " events, %" PRId64 " pictures, %" PRId64 " arrivals: %" PRId64 " sound, %" PRId64
                 " without a hash, %" PRId64 " forgotten; %" PRId64 " stray files; %" PRId64 " damaged\n",
                 c.is_backup ? "backup" : "data folder", o.folder, c.events, c.media, c.arrivals, c.sound, c.unsure, c.forgotten, c.strays, c.damaged);
    return c.damaged > 0 ? 1 : 0;
}
