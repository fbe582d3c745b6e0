/* testing: cmocka with the headers it wants in front, and what many tests of core use. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/attr.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text literals with their length, NUL bytes inside allowed: BYTES("a\0b") is two arguments. */
#define BYTES(literal) (literal), (sizeof(literal) - 1)
