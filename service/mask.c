/* mask: the first three and the last three characters. */
#include "service/mask.h"
#include "core/utf8.h"
#include <stdio.h>
#include <string.h>

enum { SHORT = 7, EDGE = 3 };

const char *mask_address(char out[MASK_MAX], const char *address)
{
    size_t n = strlen(address), tail = n >= EDGE ? n - EDGE : 0;
    while (tail > 0 && tail < n && ((unsigned char)address[tail] & 0xC0) == 0x80)
        tail++;
    if (n <= SHORT)
        (void)snprintf(out, MASK_MAX, "%s", address);
    else
        (void)snprintf(out, MASK_MAX, "%.*s…%s", (int)utf8_cut(address, n, EDGE), address, address + tail);
    return out;
}
