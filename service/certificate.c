/* certificate: one job in libuv's pool at a time; between two of them all belongs to the loop's thread. */
#include "service/certificate.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "net/tls_pair.h"
#include "service/health.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

enum {
    FILE_MAX_BYTES = 1024 * 1024,
    PATH_BYTES = 4096,
    LOOK_EVERY_MS = 60 * 1000,
    REMIND_MS = 24 * 3600 * 1000,
};

static const char own_file[] = "tls.pem";

/* What tells that a file is another one, or may be read now. */
struct stamp {
    int64_t modified_ns, changed_ns;
    uint64_t inode, bytes;
};

/* What a job brings. */
struct found {
    bool is_same, is_own, was_made;
    struct tls_context *modern, *legacy; /* NULL: none */
    char fingerprint[TLS_FINGERPRINT];
    int64_t until_ms;
    struct err failed; /* of the owner's files, or else of our own; code ERR_NONE: nothing */
    struct err unkept; /* our own pair is used, but could not be kept                      */
};

struct certificate {
    struct certificate_options options;
    uv_loop_t *loop;
    uv_work_t work;
    bool is_working, is_stopped, has_any;
    struct stamp stamps[2]; /* of certificate and key as they were read last */
    struct found found;
    int64_t until_ms, look_ms, remind_ms; /* the last two: when next, monotonic */
};

/* --- files ------------------------------------------------------------------------------------------------------- */

static bool is_pem(const char *text)
{
    return strncmp(text, "-----BEGIN", 10) == 0;
}

static int read_file(const char *path, struct buf *out, struct err *e)
{
    CLEANUP(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us */
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m; our uid %u", path, (unsigned)getuid());
    return file_read(fd, out, e) < 0 ? err_prefix(e, "%s", path) : 0;
}

/* The text itself, or the text of the file. */
static int read_text(const char *source, struct buf *out, struct err *e)
{
    return is_pem(source) ? buf_add(out, source, strlen(source), e) : read_file(source, out, e);
}

static struct stamp stamp_of(const char *source)
{
    struct stat st;
    if (!source[0] || is_pem(source) || stat(source, &st) < 0)
        return (struct stamp){ 0 };
    return (struct stamp){
        .modified_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
        .changed_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec,
        .inode = st.st_ino,
        .bytes = (uint64_t)st.st_size,
    };
}

/* --- pairs ------------------------------------------------------------------------------------------------------- */

static void wipe(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
    buf_done(b);
}

static int hand_over(const struct certificate_options *o, const char *certificate, const char *key, struct err *e)
{
    return o && o->read ? o->read(o->user, certificate, key, e) : 0;
}

/* o NULL: only to look at them. */
static int read_owners(const struct certificate_source *source, const struct certificate_options *o, struct tls_pair **out, struct err *e)
{
    const char *block = o ? o->block : "";
    const char *colon = o ? ":" : "";
    CLEANUP(wipe) struct buf certificate;
    CLEANUP(wipe) struct buf key;
    buf_init(&certificate, FILE_MAX_BYTES);
    buf_init(&key, FILE_MAX_BYTES);
    if (read_text(source->certificate, &certificate, e) < 0)
        return err_prefix(e, "%s%sCertificate", block, colon);
    if (source->key[0] && read_text(source->key, &key, e) < 0)
        return err_prefix(e, "%s%sKey", block, colon);
    const char *key_text = buf_str(source->key[0] ? &key : &certificate);
    if (tls_pair_read(buf_str(&certificate), key_text, out, e) < 0)
        return -1;
    return hand_over(o, buf_str(&certificate), key_text, e);
}

static int make_own(const struct certificate_options *o, struct found *f, struct tls_pair **out, struct err *e)
{
    CLEANUP(wipe) struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    if (tls_pair_make(o->name, &text, e) < 0)
        return -1;
    f->was_made = true;
    if (file_keep(o->folder, own_file, buf_str(&text), text.len, &f->unkept) < 0)
        (void)err_prefix(&f->unkept, "the next start makes another certificate");
    if (tls_pair_read(buf_str(&text), buf_str(&text), out, e) < 0)
        return -1;
    return hand_over(o, buf_str(&text), buf_str(&text), e);
}

static int read_own(const struct certificate_options *o, struct found *f, struct tls_pair **out, struct err *e)
{
    char path[PATH_BYTES];
    CLEANUP(wipe) struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    f->is_own = true;
    (void)snprintf(path, sizeof path, "%s/%s", o->folder, own_file);
    if (read_file(path, &text, e) == 0) {
        if (tls_pair_read(buf_str(&text), buf_str(&text), out, e) == 0)
            return hand_over(o, buf_str(&text), buf_str(&text), e);
    } else if (e->code != ERR_NOT_FOUND) {
        return -1;
    }
    return make_own(o, f, out, e);
}

/* --- the job, in the pool ---------------------------------------------------------------------------------------- */

static int use_pair(const struct tls_pair *pair, enum tls_least least, struct found *f, struct err *e)
{
    CLEANUP(tls_context_drop) struct tls_context *modern = NULL;
    if (tls_context_new(pair, least, &modern, e) < 0 || tls_context_new(pair, TLS_LEGACY, &f->legacy, e) < 0)
        return -1;
    f->modern = TAKE(modern);
    f->until_ms = tls_pair_until_ms(pair);
    (void)tls_pair_fingerprint(pair, f->fingerprint);
    return 0;
}

static bool has_changed(struct certificate *c)
{
    struct stamp now[2] = { stamp_of(c->options.source.certificate), stamp_of(c->options.source.key) };
    bool is_same = c->has_any && memcmp(now, c->stamps, sizeof now) == 0;
    memcpy(c->stamps, now, sizeof now);
    return !is_same;
}

static int use_owners(struct certificate *c, struct err *e)
{
    CLEANUP(tls_pair_free) struct tls_pair *pair = NULL;
    return read_owners(&c->options.source, &c->options, &pair, e) < 0 ? -1 : use_pair(pair, c->options.least, &c->found, e);
}

static int use_own(struct certificate *c, struct err *e)
{
    CLEANUP(tls_pair_free) struct tls_pair *pair = NULL;
    return read_own(&c->options, &c->found, &pair, e) < 0 ? -1 : use_pair(pair, c->options.least, &c->found, e);
}

static void on_work(uv_work_t *work)
{
    struct certificate *c = work->data;
    struct found *f = &c->found;
    struct err e;
    bool has_owners = c->options.source.certificate[0];
    *f = (struct found){ .is_same = !has_changed(c) };
    if (f->is_same || (has_owners && use_owners(c, &f->failed) == 0))
        return;
    if (!c->has_any && use_own(c, &e) < 0)
        f->failed = e;
}

/* --- on the loop ------------------------------------------------------------------------------------------------- */

static bool has_expired(int64_t until_ms, int64_t wall_ms)
{
    return clock_is_set(wall_ms) && until_ms <= wall_ms;
}

static void say_if_expired(const struct certificate *c, int64_t wall_ms)
{
    char when[CLOCK_TEXT];
    if (c->has_any && has_expired(c->until_ms, wall_ms))
        log_line(LOG_WARN, "certificate.expired", LOG_S("until", clock_rfc3339(when, c->until_ms)),
                 LOG_S("for", c->options.block));
}

static void say_found(const struct certificate *c)
{
    const struct found *f = &c->found;
    char when[CLOCK_TEXT];
    if (f->failed.code != ERR_NONE)
        log_line(LOG_ERROR, "certificate.failed", LOG_S("text", f->failed.text),
                 LOG_S("instead", c->has_any && !f->modern ? "the one before" : f->modern ? "our own" : "no TLS"));
    if (f->unkept.code != ERR_NONE)
        log_line(LOG_ERROR, "certificate.unkept", LOG_S("text", f->unkept.text));
    if (f->modern)
        log_line(LOG_INFO, "certificate.used", LOG_S("sha256", f->fingerprint), LOG_S("until", clock_rfc3339(when, f->until_ms)),
                 LOG_S("for", c->options.block),
                 LOG_S("from", f->was_made ? "made now" : f->is_own ? "tls.pem" : "the settings"));
    health_set(HEALTH_SETTINGS, strcmp(c->options.block, "Smtp") == 0 ? "certificate" : "api_certificate", f->failed.code != ERR_NONE ? f->failed.text : NULL);
}

static void on_worked(uv_work_t *work, int status)
{
    struct certificate *c = work->data;
    struct found *f = &c->found;
    c->is_working = false;
    if (status == 0 && !c->is_stopped && !f->is_same) {
        say_found(c);
        if (f->modern) {
            c->has_any = true;
            c->until_ms = f->until_ms;
            if (c->options.changed)
                c->options.changed(c->options.user, f->modern, f->legacy);
            say_if_expired(c, clock_wall_ms());
        }
    }
    tls_context_drop(&f->modern);
    tls_context_drop(&f->legacy);
}

static void look(struct certificate *c)
{
    c->is_working = uv_queue_work(c->loop, &c->work, on_work, on_worked) == 0;
}

struct certificate *certificate_start(struct uv_loop_s *loop, const struct certificate_options *o)
{
    struct certificate *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->options = *o;
    c->loop = loop;
    c->work.data = c;
    c->look_ms = clock_mono_ms() + LOOK_EVERY_MS;
    c->remind_ms = clock_mono_ms() + REMIND_MS;
    look(c);
    return c;
}

void certificate_tick(struct certificate *c, int64_t mono_ms, int64_t wall_ms)
{
    if (!c || c->is_stopped)
        return;
    if (mono_ms >= c->remind_ms) {
        c->remind_ms = mono_ms + REMIND_MS;
        say_if_expired(c, wall_ms);
    }
    if (mono_ms >= c->look_ms && !c->is_working) {
        c->look_ms = mono_ms + LOOK_EVERY_MS;
        if (c->options.source.certificate[0] || !c->has_any) /* nobody exchanges our own */
            look(c);
    }
}

void certificate_look(struct certificate *c)
{
    if (c)
        c->look_ms = 0; /* at the next tick; one that is going on may have read the files before they were new */
}

void certificate_stop(struct certificate *c)
{
    if (!c)
        return;
    c->is_stopped = true;
    if (c->is_working)
        (void)uv_cancel((uv_req_t *)&c->work);
}

void certificate_free(struct certificate **c)
{
    free(TAKE(*c));
}

int certificate_check(const struct certificate_source *source, int64_t wall_ms, struct err *e)
{
    CLEANUP(tls_pair_free) struct tls_pair *pair = NULL;
    CLEANUP(tls_context_drop) struct tls_context *context = NULL;
    char when[CLOCK_TEXT];
    if (!source->certificate[0])
        return 0;
    if (read_owners(source, NULL, &pair, e) < 0 || tls_context_new(pair, TLS_1_2, &context, e) < 0)
        return -1;
    if (has_expired(tls_pair_until_ms(pair), wall_ms))
        return err_set(e, ERR_INPUT, "it has expired: %s", clock_rfc3339(when, tls_pair_until_ms(pair)));
    return 0;
}
