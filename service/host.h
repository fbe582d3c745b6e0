/* host: whether the machine we run on lets us work at all. */
#pragma once
#include <stdbool.h>

/* A container's seccomp profile made by a libseccomp before 2.4.2 knows no 64-bit time calls and answers them with EPERM: then
 * glibc on 32 bits has no clock. Asks the kernel itself, once, past the vDSO. */
bool host_hides_the_clock(void);
