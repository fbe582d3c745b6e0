/* client: the command line's way to the running gateway: its REST API, at the address, port and with the token of the settings (or the environment's POSTERN_TOKEN). */
#pragma once
#include "core/json.h"
#include "service/settings.h"

struct client;
int  client_new(const struct settings *s, struct client **out, struct err *e) MUST_CHECK;
void client_free(struct client **c);

/* body NULL: GET, else POST of this JSON. 0 whatever the status; -1: no (complete) answer: text says where it was asked. */
int client_ask(struct client *c, const char *path, const char *body, int64_t timeout_ms, int *status_out, struct buf *answer,
               struct err *e) MUST_CHECK;
/* The answer's JSON (json_free), or NULL: no answer, or an error status: text is what the gateway said. */
struct json *client_json(struct client *c, const char *path, const char *body, int64_t timeout_ms, struct err *e);
/* PATCH; as client_json. */
struct json *client_patch(struct client *c, const char *path, const char *body, int64_t timeout_ms, struct err *e);
/* DELETE, and the answer's JSON, as client_json. */
struct json *client_delete_json(struct client *c, const char *path, int64_t timeout_ms, struct err *e);
/* DELETE. 0: done; -1: no answer, or what the gateway said against it. */
int client_delete(struct client *c, const char *path, int64_t timeout_ms, struct err *e) MUST_CHECK;
