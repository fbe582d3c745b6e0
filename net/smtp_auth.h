/* smtp_auth: the responses of AUTH PLAIN (RFC 4616), LOGIN and CRAM-MD5 (RFC 2195), as devices send them. Only reads: whether they
 * are true is smtp_users.h's to say. "=" is an empty response. */
#pragma once
#include "core/attr.h"

/* Heap, NULL where the mechanism has no such part. Who needs them wipes them with smtp_credentials_forget. */
struct smtp_credentials {
    char *user;      /* "" where none is named                                      */
    char *password;  /* PLAIN and LOGIN                                             */
    char *challenge; /* CRAM-MD5: what we asked (not its base64), and HMAC-MD5 of it by the secret, in hex */
    char *digest;
};
void smtp_credentials_forget(struct smtp_credentials *c); /* also the CLEANUP handler */

/* 0; -1: not base64, or out of memory: *out is as it was. */
int smtp_auth_read_plain(const char *response, struct smtp_credentials *out) MUST_CHECK;
int smtp_auth_read_cram(const char *response, struct smtp_credentials *out) MUST_CHECK; /* user and digest */
/* One answer of AUTH LOGIN: heap, for the caller to wipe and free. NULL: as -1 above. */
char *smtp_auth_read_text(const char *response);
