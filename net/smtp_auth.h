/* smtp_auth: the responses of AUTH PLAIN (RFC 4616) and AUTH LOGIN. We ask who it is, not whether it is true: old panels
 * insist on sending some credentials, and the network decides who may talk to us. So the password is only checked to be base64
 * and forgotten. */
#pragma once
#include "core/attr.h"

/* The user in a response of AUTH LOGIN or AUTH PLAIN, heap, for the caller to free; "" where none is named.
 * "=" is an empty response. NULL: not base64, or out of memory. */
char *smtp_auth_login_user(const char *response);
char *smtp_auth_plain_user(const char *response);
