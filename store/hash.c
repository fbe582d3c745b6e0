/* hash: libcrypto's digest; its types stay here. */
#include "store/hash.h"
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 64 * 1024 };

struct hash {
    EVP_MD_CTX *context;
    bool        has_failed;
};

struct hash *hash_new(void)
{
    struct hash *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->context = EVP_MD_CTX_new();
    if (!h->context || EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) != 1)
        hash_free(&h);
    return h;
}

void hash_free(struct hash **h)
{
    struct hash *freed = TAKE(*h);
    if (!freed)
        return;
    EVP_MD_CTX_free(freed->context);
    free(freed);
}

void hash_add(struct hash *h, const void *bytes, size_t n)
{
    if (EVP_DigestUpdate(h->context, bytes, n) != 1)
        h->has_failed = true;
}

int hash_end(struct hash *h, unsigned char out[HASH_BYTES])
{
    unsigned char whole[EVP_MAX_MD_SIZE];
    if (h->has_failed || EVP_DigestFinal_ex(h->context, whole, NULL) != 1)
        return -1;
    for (int i = 0; i < HASH_BYTES; i++)
        out[i] = whole[i];
    return 0;
}

int hash_of(const void *bytes, size_t n, unsigned char out[HASH_BYTES])
{
    CLEANUP(hash_free) struct hash *h = hash_new();
    if (!h)
        return -1;
    hash_add(h, bytes, n);
    return hash_end(h, out);
}

int hash_fd(int fd, unsigned char out[HASH_BYTES], int64_t *bytes_out)
{
    CLEANUP(hash_free) struct hash *h = hash_new();
    char   *piece = malloc(PIECE);
    ssize_t n = -1;
    int64_t bytes = 0;
    while (h && piece && (n = read(fd, piece, PIECE)) > 0) {
        hash_add(h, piece, (size_t)n);
        bytes += n;
    }
    free(piece);
    if (n < 0)
        return -1;
    *bytes_out = bytes;
    return hash_end(h, out);
}

char *hash_text(char out[HASH_TEXT], const unsigned char hash[HASH_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < HASH_BYTES; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[HASH_TEXT - 1] = '\0';
    return out;
}
