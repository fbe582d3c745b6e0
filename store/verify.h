/* verify: whether what a data folder, or a backup of one, holds is what was written. Changes nothing; beside a running gateway, too. */
#pragma once
#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verify_counts {
    bool    is_backup;
    int64_t arrivals, events, media;
    int64_t sound;     /* arrivals whose bytes are those that were kept                                */
    int64_t unsure;    /* of before hashes were kept: there, of the right length                       */
    int64_t forgotten; /* without raw bytes, as retention left them                                    */
    int64_t damaged;   /* arrivals, media and parts of the database that are not what they were        */
    int64_t strays;    /* files without a row: arriving now, or left behind; they harm nobody          */
};
struct verify_options {
    const char *folder;
    void *user;
    void (*progress)(void *user, const char *what, int64_t done, int64_t total); /* may be NULL */
    void (*say)(void *user, const char *text); /* each damage; may be NULL */
};
/* 0: looked through (out->damaged says how it is); -1: could not look: ERR_NOT_FOUND, ERR_VERSION, ERR_IO, or ERR_DAMAGED: the
 * database cannot even be opened. */
int verify_folder(const struct verify_options *o, struct verify_counts *out, struct err *e) MUST_CHECK;
