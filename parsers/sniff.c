/* sniff: the table of first bytes. */
#include "parsers/sniff.h"
#include "core/attr.h"
#include <string.h>

static const struct {
    const char   *type;
    const char   *bytes;
    unsigned char length, offset;
    const char   *then; /* and this, if not NULL, at byte 8 */
} signatures[] = {
    { "image/jpeg", "\xFF\xD8\xFF", 3, 0, NULL },
    { "image/png", "\x89PNG\r\n\x1A\n", 8, 0, NULL },
    { "image/gif", "GIF87a", 6, 0, NULL },
    { "image/gif", "GIF89a", 6, 0, NULL },
    { "image/webp", "RIFF", 4, 0, "WEBP" },
    { "video/x-msvideo", "RIFF", 4, 0, "AVI " },
    { "audio/wav", "RIFF", 4, 0, "WAVE" },
    { "image/heic", "ftyp", 4, 4, "heic" },
    { "image/avif", "ftyp", 4, 4, "avif" },
    { "video/quicktime", "ftyp", 4, 4, "qt  " },
    { "video/mp4", "ftyp", 4, 4, NULL },
    { "video/x-matroska", "\x1A\x45\xDF\xA3", 4, 0, NULL },
    { "video/h264", "\0\0\0\1\x67", 5, 0, NULL },
    { "video/x-flv", "FLV\1", 4, 0, NULL },
    { "image/bmp", "BM", 2, 0, NULL },
    { "image/tiff", "II*\0", 4, 0, NULL },
    { "image/tiff", "MM\0*", 4, 0, NULL },
    { "application/pdf", "%PDF-", 5, 0, NULL },
    { "application/zip", "PK\3\4", 4, 0, NULL },
    { "application/gzip", "\x1F\x8B\x08", 3, 0, NULL },
};

const char *sniff(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < COUNT(signatures); i++) {
        size_t end = (size_t)signatures[i].offset + signatures[i].length;
        if (n < end || memcmp(bytes + signatures[i].offset, signatures[i].bytes, signatures[i].length) != 0)
            continue;
        if (signatures[i].then && (n < 12 || memcmp(bytes + 8, signatures[i].then, 4) != 0))
            continue;
        return signatures[i].type;
    }
    return NULL;
}
