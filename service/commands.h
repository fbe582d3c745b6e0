/* commands: what `postern NAME` does. argv[0] is the command's name; --settings is already taken out. Returns the exit code. */
#pragma once
#include "service/settings.h"

int cmd_run(const struct settings *s, int argc, char **argv);
int cmd_check(const struct settings *s, int argc, char **argv);
int cmd_chats(const struct settings *s, int argc, char **argv);
int cmd_inspect(const struct settings *s, int argc, char **argv);
int cmd_send_test(const struct settings *s, int argc, char **argv);
int cmd_events(const struct settings *s, int argc, char **argv);
int cmd_ack(const struct settings *s, int argc, char **argv);
int cmd_keep(const struct settings *s, int argc, char **argv);
int cmd_deliveries(const struct settings *s, int argc, char **argv);
int cmd_devices(const struct settings *s, int argc, char **argv);
int cmd_sessions(const struct settings *s, int argc, char **argv);
int cmd_texts(const struct settings *s, int argc, char **argv);
int cmd_hash_password(const struct settings *s, int argc, char **argv);
int cmd_reparse(const struct settings *s, int argc, char **argv);
int cmd_reload(const struct settings *s, int argc, char **argv);
int cmd_erase(const struct settings *s, int argc, char **argv);
int cmd_import(const struct settings *s, int argc, char **argv);
int cmd_token(const struct settings *s, int argc, char **argv);
int cmd_healthcheck(const struct settings *s, int argc, char **argv);
int cmd_selftest(const struct settings *s, int argc, char **argv);
int cmd_backup(const struct settings *s, int argc, char **argv);
int cmd_restore(const struct settings *s, int argc, char **argv);
int cmd_verify(const struct settings *s, int argc, char **argv);
