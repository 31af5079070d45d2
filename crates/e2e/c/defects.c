/* Defects for tests: put in front of the C library by LD_PRELOAD, each leaves out or puts off one thing that the audit log's
   promises stand on. DEFECT names it; any other value, or none, changes nothing. What is left out here never reaches the
   kernel, so whoever watches the kernel must notice. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEGMENT ".seg"
#define PATH_BYTES 4096
#define DESCRIPTORS 65536

/* How long "late-write" keeps what it was given, and how many writes it lets through first: those of a start. */
#define HELD_MS 400
#define PROMPT_WRITES 1

static int defect(const char *name) {
    const char *wanted = getenv("DEFECT");
    return wanted && strcmp(wanted, name) == 0;
}

static void path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_BYTES - 1);
    path[length < 0 ? 0 : length] = 0;
}

static int ends(const char *text, const char *end) {
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The last part of the path begins so. */
static int named(const char *path, const char *begin) {
    const char *slash = strrchr(path, '/');
    return slash && strncmp(slash + 1, begin, strlen(begin)) == 0;
}

/* Whether the last write to a segment held outcomes and nothing else that anybody waits for. */
static volatile char only_outcomes[DESCRIPTORS];

static int left_out(int fd) {
    int saved = errno;
    char path[PATH_BYTES];
    path_of(fd, path);
    errno = saved;
    if (ends(path, SEGMENT))
        return defect("segment-sync") || (defect("outcome-sync") && fd < DESCRIPTORS && only_outcomes[fd]);
    if (ends(path, "/segments"))
        return defect("segments-folder-sync");
    if (ends(path, "/log"))
        return defect("log-folder-sync");
    if (named(path, "signed"))
        return defect("signed-sync");
    if (named(path, "checkpoint"))
        return defect("checkpoint-sync");
    return 0;
}

typedef int (*sync_call)(int);

int fdatasync(int fd) {
    static sync_call real;
    if (!real)
        real = (sync_call)dlsym(RTLD_NEXT, "fdatasync");
    return left_out(fd) ? 0 : real(fd);
}

int fsync(int fd) {
    static sync_call real;
    if (!real)
        real = (sync_call)dlsym(RTLD_NEXT, "fsync");
    return left_out(fd) ? 0 : real(fd);
}

typedef ssize_t (*write_call)(int, const void *, size_t);

static write_call real_write(void) {
    static write_call real;
    if (!real)
        real = (write_call)dlsym(RTLD_NEXT, "write");
    return real;
}

struct held {
    struct held *next;
    struct timespec since;
    int fd;
    size_t length;
    char bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct held *first, **last = &first;
static long writes;

static long age_ms(const struct timespec *since) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void *let_go(void *unused) {
    (void)unused;
    for (;;) {
        usleep(5000);
        pthread_mutex_lock(&lock);
        while (first && age_ms(&first->since) >= HELD_MS) {
            struct held *held = first;
            if (real_write()(held->fd, held->bytes, held->length) != (ssize_t)held->length)
                abort();
            first = held->next;
            if (!first)
                last = &first;
            free(held);
        }
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* Takes the bytes and writes them later; 0 if they are to be written at once. */
static int hold(int fd, const void *bytes, size_t length) {
    static int started;
    int taken = 0;
    pthread_mutex_lock(&lock);
    if (writes++ >= PROMPT_WRITES) {
        pthread_t thread;
        if (!started && pthread_create(&thread, NULL, let_go, NULL))
            abort();
        started = 1;
        struct held *held = malloc(sizeof *held + length);
        if (!held)
            abort();
        held->next = NULL;
        held->fd = fd;
        held->length = length;
        memcpy(held->bytes, bytes, length);
        clock_gettime(CLOCK_MONOTONIC, &held->since);
        *last = held;
        last = &held->next;
        taken = 1;
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    static const char outcome[] = "\"kind\":\"outcome\"", decision[] = "\"kind\":\"decision\"";
    char path[PATH_BYTES];
    path_of(fd, path);
    if (ends(path, SEGMENT)) {
        if (fd < DESCRIPTORS)
            only_outcomes[fd] = memmem(bytes, length, outcome, sizeof outcome - 1) &&
                                !memmem(bytes, length, decision, sizeof decision - 1);
        if (defect("late-write") && hold(fd, bytes, length))
            return (ssize_t)length;
    }
    return real_write()(fd, bytes, length);
}
