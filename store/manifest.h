/* manifest: what a backup says of itself; read before it is believed. */
#pragma once
#include "core/sha256.h"
#include "store/backup.h"

enum { MANIFEST_NAME = 64 };

int manifest_write(int folder_fd, const char *database, const char *hash, const struct backup_counts *c, struct err *e) MUST_CHECK;
/* 1; 0: there is none; -1: ERR_INPUT it is not ours, ERR_VERSION it is of a newer Postern. */
int manifest_read(int folder_fd, char database[MANIFEST_NAME], char hash[SHA256_TEXT], struct backup_counts *out, struct err *e) MUST_CHECK;
