/* postern: the command line. Each command is one row; what `run` does stands in run.c. */
#include "core/attr.h"
#include "service/again.h"
#include "service/commands.h"
#include "service/host.h"
#include "store/mongo.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int cmd_version(const struct settings *s, int argc, char **argv)
{
    (void)s, (void)argc, (void)argv;
    (void)puts("postern " POSTERN_VERSION);
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(const struct settings *s, int argc, char **argv);
    bool        needs_settings;
    const char *usage, *text;
} commands[] = {
    { "run", cmd_run, true, "", "run the gateway" },
    { "check", cmd_check, true, "[--online] [--print]", "report every mistake of the settings; open every account" },
    { "reload", cmd_reload, true, "", "let the running gateway take the settings as they are now; bad ones change nothing" },
    { "chats", cmd_chats, true, "ACCOUNT", "list the chats that wrote to a bot, with the numbers for Recipients" },
    { "inspect", cmd_inspect, true, "FILE [--recipient A] [--peer IP]", "show what a mail is understood as" },
    { "send-test", cmd_send_test, true, "[--to NAME] [--kind K]", "send a test through the running gateway and show who was told" },
    { "events", cmd_events, true, "[--since T] [--limit N] [--follow] [--json]", "list events" },
    { "ack", cmd_ack, true, "ID… | --all | [--kind K] [--since T] … [--undo] [--note TEXT]", "acknowledge events" },
    { "keep", cmd_keep, true, "ID… | --all | [--kind K] [--since T] … [--undo] [--note TEXT]", "keep events from being forgotten" },
    { "deliveries", cmd_deliveries, true, "[--state S] [--since T] [--limit N] [--follow] [--json]", "list who was told, and who not" },
    { "devices", cmd_devices, true, "[--limit N] [--follow] [--json]", "list who sends, how much, and what went wrong last" },
    { "sessions", cmd_sessions, true, "DEVICE [--json]", "show the last conversations of a device (`unknown`: of strangers)" },
    { "texts", cmd_texts, true, "[--since T]", "list texts of panels that are not known, ready for Parsers:Texts" },
    { "reparse", cmd_reparse, true, "[--since T] [--device D]", "read the mails of the past again, by today's rules; nobody is told again" },
    { "erase", cmd_erase, true, "ID | --all | --since T … --text T [--copies] [--yes] | --status", "erase events and their mails without a trace, after a question" },
    { "backup", cmd_backup, true, "FOLDER", "copy everything that is kept into a folder; again into the same one is quicker" },
    { "restore", cmd_restore, true, "FOLDER", "put a backup into the empty data folder" },
    { "verify", cmd_verify, true, "[FOLDER]", "look whether all that is kept, or a backup, is as it was written" },
    { "import", cmd_import, true, "eml PATH… | lupuserv-mongo URI | lupuserv-postgres FILE | cams FILE --time-zone Z [--device D]", "bring the past along from another system; nobody is told" },
    { "token", cmd_token, true, "show", "show the API token" },
    { "hash-password", cmd_hash_password, false, "", "the hash of a password for Smtp:Users; reads it from the terminal or stdin" },
    { "healthcheck", cmd_healthcheck, true, "", "exit 0 unless the gateway is down" },
    { "selftest", cmd_selftest, true, "", "versions, widths, and one mail from end to end" },
    { "version", cmd_version, false, "", "print the version" },
};

static int usage(FILE *out)
{
    (void)fputs("usage: postern COMMAND [--settings FILE] [OPTIONS]\n\n", out);
    for (size_t i = 0; i < COUNT(commands); i++)
        (void)fprintf(out, "  %-13s %s\n%s%s%s", commands[i].name, commands[i].text, commands[i].usage[0] ? "                " : "",
                      commands[i].usage, commands[i].usage[0] ? "\n" : "");
    return out == stdout ? 0 : EX_USAGE;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* Takes --settings FILE (or --settings=FILE) out of argv, wherever it stands; -1: FILE is missing. */
static int take_settings_path(int *argc, char **argv, const char **path_out)
{
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        if (strncmp(argv[i], "--settings=", 11) == 0) {
            *path_out = argv[i] + 11;
        } else if (strcmp(argv[i], "--settings") == 0) {
            if (++i == *argc)
                return -1;
            *path_out = argv[i];
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return 0;
}

int main(int argc, char **argv)
{
    mongo_hide_counters();
    again_remember(argv, environ);
    if (host_hides_the_clock()) {
        (void)fputs("postern: this host's libseccomp2 is too old for this image; install 2.4.2 or newer\n", stderr);
        return EX_CONFIG;
    }
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout);
    const struct command *command = find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (!command)
        return usage(stderr);
    argc--, argv++;
    const char *path = NULL;
    if (take_settings_path(&argc, argv, &path) < 0)
        return usage(stderr);
    if (!command->needs_settings)
        return command->run(NULL, argc, argv);

    struct settings settings;
    struct err      e;
    if (!path)
        path = settings_here();
    if (settings_read(path, environ, &settings, &e) < 0) {
        (void)fprintf(stderr, "postern: %s\n", e.text);
        return EX_CONFIG;
    }
    int code = command->run(&settings, argc, argv);
    settings_done(&settings);
    return code;
}
