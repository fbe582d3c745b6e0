/* sandbox: what is left to a process that reads strangers' bytes: its memory, the descriptors it has, and no way to more. */
#pragma once
#include "core/err.h"
#include <stdbool.h>
#include <stdint.h>

struct sandbox {
    int64_t memory_bytes; /* address space; sanitizer builds bound their resident memory instead */
    bool    is_filtered;  /* false: limits only (`Inspect:Sandbox=off`)                           */
};

/* No way back. Everything that opens files on first use must have been used. ERR_STATE: this kernel (or the container around
 * us) has no seccomp filter. */
int sandbox_enter(const struct sandbox *s, struct err *e) MUST_CHECK;
