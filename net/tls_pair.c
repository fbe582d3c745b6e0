/* tls_pair: reading PEM texts as OpenSSL does, but without ever asking a terminal for a passphrase. */
#include "net/tls_inside.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before 1970 is the clock of no device, and 2037 is the last year that those with a 32-bit clock understand. */
static const char valid_from[] = "19700101000000Z", valid_until[] = "20371231235959Z";
enum { RSA_BITS = 2048, NAME_MAX_BYTES = 64 }; /* X.520: ub-common-name */

const char *tls_complaint(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return reason ? reason : "no reason is known";
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static int no_passphrase(char *out, int size, int is_writing, void *unused)
{
    (void)out, (void)size, (void)is_writing, (void)unused;
    return -1;
}

static void bio_free(BIO **b)
{
    BIO_free_all(*b);
}

static int read_certificates(struct tls_pair *p, const char *text, struct err *e)
{
    CLEANUP(bio_free) BIO *from = BIO_new_mem_buf(text, -1);
    p->chain = sk_X509_new_null();
    p->certificate = from ? PEM_read_bio_X509_AUX(from, NULL, no_passphrase, NULL) : NULL;
    if (!p->certificate || !p->chain)
        return err_set(e, ERR_INPUT, "no certificate in PEM form (%s)", tls_complaint());
    for (X509 *next; (next = PEM_read_bio_X509(from, NULL, no_passphrase, NULL));)
        if (sk_X509_push(p->chain, next) <= 0) {
            X509_free(next);
            return err_set(e, ERR_NOMEM, "out of memory");
        }
    ERR_clear_error(); /* that there are no more */
    return 0;
}

static int read_key(struct tls_pair *p, const char *text, struct err *e)
{
    CLEANUP(bio_free) BIO *from = BIO_new_mem_buf(text, -1);
    p->key = from ? PEM_read_bio_PrivateKey(from, NULL, no_passphrase, NULL) : NULL;
    if (p->key)
        return 0;
    bool is_locked = strstr(text, "ENCRYPTED");
    return err_set(e, ERR_INPUT, is_locked ? "the key has a passphrase; it must have none (%s)" : "no key in PEM form (%s)",
                   tls_complaint());
}

int tls_pair_read(const char *certificate, const char *key, struct tls_pair **out, struct err *e)
{
    CLEANUP(tls_pair_free) struct tls_pair *p = calloc(1, sizeof *p);
    ERR_clear_error();
    if (!p)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (read_certificates(p, certificate, e) < 0 || read_key(p, key, e) < 0)
        return -1;
    if (X509_check_private_key(p->certificate, p->key) != 1) {
        ERR_clear_error();
        return err_set(e, ERR_INPUT, "the key is not the one of the certificate");
    }
    *out = TAKE(p);
    return 0;
}

void tls_pair_free(struct tls_pair **pp)
{
    struct tls_pair *p = TAKE(*pp);
    if (!p)
        return;
    X509_free(p->certificate);
    sk_X509_pop_free(p->chain, X509_free);
    EVP_PKEY_free(p->key);
    free(p);
}

/* --- looking -------------------------------------------------------------------------------------------------- */

const char *tls_pair_fingerprint(const struct tls_pair *p, char out[TLS_FINGERPRINT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    out[0] = '\0';
    if (X509_digest(p->certificate, EVP_sha256(), digest, &n) != 1 || n * 3 > TLS_FINGERPRINT)
        return out;
    for (unsigned i = 0; i < n; i++)
        (void)snprintf(out + i * 3, (size_t)TLS_FINGERPRINT - i * 3, i + 1 < n ? "%02X:" : "%02X", digest[i]);
    return out;
}

/* By days, so that the year 2038 does not matter to a 32-bit time_t. */
int64_t tls_pair_until_ms(const struct tls_pair *p)
{
    enum { DAY_S = 86400 };
    int days = 0, seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(p->certificate)) != 1)
        days = seconds = 0;
    ASN1_TIME_free(epoch);
    return ((int64_t)days * DAY_S + seconds) * 1000;
}

/* --- making --------------------------------------------------------------------------------------------------- */

static bool set_serial(X509 *x)
{
    BIGNUM *number = BN_new();
    bool ok = number && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    BN_free(number);
    return ok;
}

static bool set_names(X509 *x, const char *name)
{
    char cut[NAME_MAX_BYTES + 1];
    (void)snprintf(cut, sizeof cut, "%s", name[0] ? name : "postern");
    X509_NAME *subject = X509_get_subject_name(x);
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)cut, -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, subject) == 1;
}

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool ok = extension && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

/* The name again where today's clients look for it; a name that is no host's stays away. */
static bool add_host(X509 *x, const char *name)
{
    char value[NAME_MAX_BYTES * 4 + sizeof "DNS:"];
    bool is_host = name[0] && strlen(name) < NAME_MAX_BYTES * 4 &&
                   !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")];
    (void)snprintf(value, sizeof value, "DNS:%s", name);
    return !is_host || add_extension(x, NID_subject_alt_name, value);
}

static bool fill(X509 *x, EVP_PKEY *key, const char *name)
{
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
           ASN1_TIME_set_string_X509(X509_getm_notBefore(x), valid_from) == 1 &&
           ASN1_TIME_set_string_X509(X509_getm_notAfter(x), valid_until) == 1 && set_names(x, name) &&
           X509_set_pubkey(x, key) == 1 && add_extension(x, NID_basic_constraints, "critical,CA:TRUE") && add_host(x, name) &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

static bool write_pair(const X509 *x, EVP_PKEY *key, struct buf *out)
{
    CLEANUP(bio_free) BIO *to = BIO_new(BIO_s_secmem());
    char *text;
    if (!to || PEM_write_bio_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL) != 1 || PEM_write_bio_X509(to, x) != 1)
        return false;
    long n = BIO_get_mem_data(to, &text);
    buf_put(out, text, (size_t)n);
    return !out->failed;
}

int tls_pair_make(const char *name, struct buf *out, struct err *e)
{
    ERR_clear_error();
    EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
    X509 *x = X509_new();
    bool ok = key && x && fill(x, key, name) && write_pair(x, key, out);
    X509_free(x);
    EVP_PKEY_free(key);
    return ok ? 0 : err_set(e, ERR_IO, "no certificate could be made (%s)", tls_complaint());
}
