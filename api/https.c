/* https: a handshake holds pointers into the pair it was given until it ends, so a pair that was replaced stays for an hour. */
#include "api/https.h"
#include "core/clock.h"
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 16 };
static const int64_t STAYS_MS = INT64_C(3600) * 1000;

struct pair {
    gnutls_pcert_st  chain[CHAIN_MAX];
    unsigned         count;
    gnutls_privkey_t key;
    int64_t          retired_ms;
    struct pair     *older;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the next one and what it leads to */
static struct pair    *newest;

static void pair_free(struct pair **pp)
{
    struct pair *p = TAKE(*pp);
    if (!p)
        return;
    for (unsigned i = 0; i < p->count; i++)
        gnutls_pcert_deinit(&p->chain[i]);
    if (p->key)
        gnutls_privkey_deinit(p->key);
    free(p);
}

static gnutls_datum_t datum(const char *text)
{
    return (gnutls_datum_t){ .data = UNCONST(unsigned char, text), .size = (unsigned)strlen(text) };
}

static int read_pair(const char *certificate, const char *key, struct pair *p, struct err *e)
{
    gnutls_datum_t chain = datum(certificate), secret = datum(key);
    unsigned       count = CHAIN_MAX;
    int            code = gnutls_pcert_list_import_x509_raw(p->chain, &count, &chain, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0)
        return err_set(e, ERR_INPUT, "the certificate: %s", gnutls_strerror(code));
    p->count = count;
    code = gnutls_privkey_init(&p->key);
    if (code == 0)
        code = gnutls_privkey_import_x509_raw(p->key, &secret, GNUTLS_X509_FMT_PEM, NULL, 0);
    return code < 0 ? err_set(e, ERR_INPUT, "the key: %s", gnutls_strerror(code)) : 0;
}

/* With the lock. */
static void drop_old(int64_t now)
{
    struct pair **at = newest ? &newest->older : NULL;
    while (at && *at) {
        struct pair *one = *at;
        if (now - one->retired_ms < STAYS_MS) {
            at = &one->older;
            continue;
        }
        *at = one->older;
        pair_free(&one);
    }
}

int https_use(const char *certificate, const char *key, struct err *e)
{
    CLEANUP(pair_free) struct pair *p = calloc(1, sizeof *p);
    if (!p)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (read_pair(certificate, key, p, e) < 0)
        return -1;
    int64_t now = clock_mono_ms();
    (void)pthread_mutex_lock(&lock);
    if (newest)
        newest->retired_ms = now;
    p->older = newest;
    newest = TAKE(p);
    drop_old(now);
    (void)pthread_mutex_unlock(&lock);
    return 0;
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *names, int name_count, const gnutls_pk_algorithm_t *algorithms,
                    int algorithm_count, gnutls_pcert_st **chain, unsigned *count, gnutls_privkey_t *key)
{
    (void)session, (void)names, (void)name_count, (void)algorithms, (void)algorithm_count;
    (void)pthread_mutex_lock(&lock);
    struct pair *p = newest;
    (void)pthread_mutex_unlock(&lock);
    if (!p)
        return -1;
    *chain = p->chain;
    *count = p->count;
    *key = p->key;
    return 0;
}

https_function *https_callback(void)
{
    return (https_function *)retrieve;
}
