/* sandbox: resource limits, then an allow-list of system calls; any other ends the process. Asking for files by name is
 * answered with EACCES instead: libraries ask for more than they need (iconv for a charset of a stranger's choice) and cope. */
#include "inspect/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

enum { DESCRIPTORS = 16 };

#if IS_SANITIZED
/* RLIMIT_AS cannot be used: shadow memory is terabytes of address space. Leaks are the unit tests' and fuzzers' matter: the
 * leak checker needs ptrace. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "hard_rss_limit_mb=384:quarantine_size_mb=16:detect_leaks=0:allocator_may_return_null=1";
}
#endif

static int set_limit(int which, rlim_t value, const char *name, struct err *e)
{
    struct rlimit limit = { value, value };
    return setrlimit((__rlimit_resource_t)which, &limit) == 0 ? 0 : err_set(e, ERR_IO, "limit %s: %m", name);
}

static int set_limits(const struct sandbox *s, struct err *e)
{
    if (set_limit(RLIMIT_CORE, 0, "core", e) < 0 || set_limit(RLIMIT_NOFILE, DESCRIPTORS, "descriptors", e) < 0)
        return -1;
    if (!IS_SANITIZED && set_limit(RLIMIT_AS, (rlim_t)s->memory_bytes, "memory", e) < 0)
        return -1;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_set(e, ERR_IO, "prctl: %m");
    return 0;
}

#ifndef POSTERN_NO_SANDBOX

/* Names that this architecture or libseccomp does not know are passed over. */
static const char *const allowed[] = {
    "read", "readv", "pread64", "write", "writev", "recvmsg", "sendmsg", "recvfrom", "sendto", "poll", "ppoll", "ppoll_time64", "close",
    "lseek", "_llseek", "munmap", "mremap", "madvise", "brk", "exit", "exit_group", "restart_syscall", "rt_sigreturn", "sigreturn",
    "rt_sigprocmask", "rt_sigaction", "sigaltstack", "clock_gettime", "clock_gettime64", "clock_getres", "gettimeofday", "time",
    "futex", "futex_time64", "getrandom", "sched_yield", "getpid", "gettid", "tgkill", "getrlimit", "ugetrlimit", "fstat", "fstat64",
    "fadvise64", "fadvise64_64", "arm_fadvise64_64",
#if IS_SANITIZED
    "mprotect", "mmap", "mmap2", "openat", "readlink", "readlinkat", "sched_getaffinity", "clock_nanosleep", "nanosleep", "prlimit64",
    "prctl", "getppid", "set_robust_list", "rseq", "membarrier",
#endif
};
static const char *const refused[] = {
    "open", "openat", "openat2", "access", "faccessat", "faccessat2", "stat", "stat64", "lstat", "lstat64", "newfstatat",
    "fstatat64", "statx", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "prlimit64", "sched_getaffinity", "sysinfo",
    "uname", "ioctl", "fcntl", "fcntl64",
};

static bool is_known(int syscall_number)
{
    return syscall_number != __NR_SCMP_ERROR;
}

static int add_rules(scmp_filter_ctx filter)
{
    int r = 0;
    for (size_t i = 0; i < COUNT(allowed) && r == 0; i++) {
        int number = seccomp_syscall_resolve_name(allowed[i]);
        if (is_known(number))
            r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    for (size_t i = 0; i < COUNT(refused) && r == 0; i++) {
        int number = seccomp_syscall_resolve_name(refused[i]);
        if (is_known(number))
            r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), number, 0);
        if (r == -EEXIST) /* sanitizer builds allow it */
            r = 0;
    }
    return r;
}

/* Memory yes, but never to be run. */
static int add_conditional_rules(scmp_filter_ctx filter)
{
    static const char *const mapping[] = { "mmap", "mmap2", "mprotect" };
    int                      r = 0;
    for (size_t i = 0; i < COUNT(mapping) && r == 0 && !IS_SANITIZED; i++) {
        int number = seccomp_syscall_resolve_name(mapping[i]);
        if (is_known(number))
            r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    }
    return r;
}

static int load_filter(struct err *e)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return err_set(e, ERR_STATE, "no seccomp filter here");
    int r = add_rules(filter);
    r = r == 0 ? add_conditional_rules(filter) : r;
    r = r == 0 ? seccomp_load(filter) : r;
    seccomp_release(filter);
    if (r != 0)
        return err_set(e, ERR_STATE, "the system call filter is refused here: %s", strerror(-r));
    return 0;
}

#else

static int load_filter(struct err *e)
{
    (void)e;
    return 0;
}

#endif

int sandbox_enter(const struct sandbox *s, struct err *e)
{
    if (set_limits(s, e) < 0)
        return -1;
    return s->is_filtered ? load_filter(e) : 0;
}
