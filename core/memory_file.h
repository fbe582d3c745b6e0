/* memory_file: bytes as a file that has no name, to hand to another program: arguments show up in ps. */
#pragma once
#include "core/err.h"
#include <stddef.h>

/* At offset 0, close-on-exec, the caller's. */
int memory_file_open(const void *bytes, size_t n, int *fd_out, struct err *e) MUST_CHECK;
