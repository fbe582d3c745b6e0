/* role: what somebody who asks the API may do. Each role may all that those before it may. */
#pragma once

enum role {
    ROLE_NONE,    /* what is open to everybody                                */
    ROLE_READ,    /* look                                                     */
    ROLE_OPERATE, /* acknowledge, keep, send again, test, pause               */
    ROLE_ADMIN,   /* settings, names of devices, tokens, erasing              */
};
const char *role_name(enum role r);         /* "none" "read" "operate" "admin" */
enum role   role_find(const char *name);    /* ROLE_NONE: there is no such     */
