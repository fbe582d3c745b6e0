/* Fuzz: what stands behind MAIL and RCPT. Whatever is found is clean, of bounded length, and found again when written plainly. */
#include "net/smtp_path.h"
#include "core/buf.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MUST(holds) ((holds) ? (void)0 : abort())

static void check_parameters(char *rest)
{
    const char *name, *value, *end = rest + strlen(rest);
    for (int i = 0; smtp_parameter_next(&rest, &name, &value); i++) {
        MUST(name + strlen(name) <= end && value + strlen(value) <= end && rest <= end);
        MUST(!strpbrk(name, " \t=") && !strpbrk(value, " \t"));
        MUST(i < 70 * 1024);
    }
}

/* An address of the usual shape means the same between brackets. */
static void check_again(const char *address)
{
    CLEANUP(buf_done) struct buf line;
    struct smtp_path path;
    buf_init(&line, 2 * SMTP_PATH_MAX);
    if (strpbrk(address, "\"'\\<> \t=") || address[0] == '@')
        return;
    buf_printf(&line, "TO:<%s>", address);
    MUST(!line.failed && smtp_path_read(line.data, "TO", &path) == 0 && strcmp(path.address, address) == 0);
    MUST(path.parameters[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_done) struct buf line;
    struct smtp_path path;
    buf_init(&line, 64 * 1024);
    buf_puts(&line, "");
    buf_put(&line, data, size);
    if (line.failed || !line.data || smtp_path_read(line.data, "FROM", &path) < 0)
        return 0;
    MUST(strlen(path.address) <= SMTP_PATH_MAX);
    for (const char *p = path.address; *p; p++)
        MUST((unsigned char)*p >= 0x20 && *p != 0x7f);
    check_again(path.address);
    check_parameters(path.parameters);
    return 0;
}
