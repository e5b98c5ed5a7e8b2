// A model server on loopback that is never the bottleneck: one thread, epoll, every answer is "42".
// Build: cc -O2 -o mock mock.c     Run: ./mock PORT
// GET /__set?delay=MS&p429=SHARE&p500=SHARE sets what it does and zeroes the counters.
// GET /__stats gives the counters: total posts, and posts with distinct bodies.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CLIENTS = 8192, ROOM = 1 << 17, SEEN = 1 << 21, QUEUE = 1 << 16 };

struct client { int open; size_t used; char *data; };
struct reply { int fd; int status; uint64_t due; };

static struct client clients[MOST_CLIENTS];
static struct reply queue[QUEUE];           // replies wait in order: the delay is the same for all
static size_t head, tail;
static uint64_t seen[SEEN], total, distinct, delay_ns, dice = 88172645463325252ull;
static double share_429, share_500;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static double roll(void) {                  // xorshift64, Marsaglia 2003
    dice ^= dice << 13; dice ^= dice >> 7; dice ^= dice << 17;
    return (double)(dice >> 11) / 9007199254740992.0;
}

static void count(const char *body, size_t size) {
    uint64_t hash = 1469598103934665603ull; // FNV-1a
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)body[i]) * 1099511628211ull;
    if (hash == 0) hash = 1;
    size_t place = hash % SEEN;
    while (seen[place] && seen[place] != hash) place = (place + 1) % SEEN;
    total++;
    if (!seen[place]) { seen[place] = hash; distinct++; }
}

static void put(int fd, int status, const char *extra, const char *body) {
    char text[1024];
    int size = snprintf(text, sizeof text,
        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
        status, extra, strlen(body), body);
    if (write(fd, text, (size_t)size) != size) { close(fd); clients[fd].open = 0; }
}

static void answer(int fd, int status) {
    if (status == 429)
        put(fd, 429, "Retry-After: 0\r\n", "{\"error\":{\"message\":\"too many requests\"}}");
    else if (status == 500)
        put(fd, 500, "", "{\"error\":{\"message\":\"internal error\"}}");
    else
        put(fd, 200, "", "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"mock\","
            "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"42\"},"
            "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":2,\"total_tokens\":22}}");
}

static double option(const char *query, const char *name, double otherwise) {
    const char *found = strstr(query, name);
    return found ? atof(found + strlen(name)) : otherwise;
}

static void control(int fd, const char *path) {
    char body[128];
    if (strncmp(path, "/__set", 6) == 0) {
        delay_ns = (uint64_t)(option(path, "delay=", 0) * 1e6);
        share_429 = option(path, "p429=", 0);
        share_500 = option(path, "p500=", 0);
        total = distinct = 0;
        memset(seen, 0, sizeof seen);
    }
    snprintf(body, sizeof body, "{\"total\": %llu, \"distinct\": %llu}",
             (unsigned long long)total, (unsigned long long)distinct);
    put(fd, 200, "", body);
}

static size_t body_size(const char *headers, const char *end) {
    for (const char *line = headers; line < end; line = strstr(line, "\r\n") + 2)
        if (strncasecmp(line, "content-length:", 15) == 0) return (size_t)atol(line + 15);
    return 0;
}

static void take(int fd) {                  // every whole request in the client's buffer
    struct client *c = &clients[fd];
    for (;;) {
        c->data[c->used] = 0;
        char *end = strstr(c->data, "\r\n\r\n");
        if (!end) return;
        size_t size = body_size(c->data, end), whole = (size_t)(end + 4 - c->data) + size;
        if (c->used < whole) return;
        if (c->data[0] == 'G') {
            char path[256];
            sscanf(c->data, "GET %255s", path);
            control(fd, path);
        } else {
            count(end + 4, size);
            double luck = roll();
            int status = luck < share_429 ? 429 : luck < share_429 + share_500 ? 500 : 200;
            if (delay_ns) queue[tail++ % QUEUE] = (struct reply){fd, status, now_ns() + delay_ns};
            else answer(fd, status);
        }
        if (!c->open) return;
        memmove(c->data, c->data + whole, c->used - whole);
        c->used -= whole;
    }
}

static void receive(int fd) {
    struct client *c = &clients[fd];
    for (;;) {
        ssize_t got = read(fd, c->data + c->used, ROOM - c->used - 1);
        if (got > 0) { c->used += (size_t)got; take(fd); if (!c->open) return; continue; }
        if (got < 0 && errno == EAGAIN) return;
        close(fd);
        c->open = 0;
        return;
    }
}

int main(int count_of_arguments, char **arguments) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, poll = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    here.sin_port = htons((uint16_t)atoi(count_of_arguments > 1 ? arguments[1] : "8111"));
    signal(SIGPIPE, SIG_IGN);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 4096)) {
        perror("mock");
        return 1;
    }
    struct epoll_event watch = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &watch);
    for (;;) {
        int wait = -1;
        if (head != tail) {
            int64_t left = (int64_t)(queue[head % QUEUE].due - now_ns());
            wait = left <= 0 ? 0 : (int)(left / 1000000) ;
        }
        int ready = epoll_wait(poll, events, 512, wait);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) { if (clients[fd].open) receive(fd); continue; }
            int new;
            while ((new = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                if (new >= MOST_CLIENTS) { close(new); continue; }
                setsockopt(new, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                if (!clients[new].data) clients[new].data = malloc(ROOM);
                clients[new].used = 0;
                clients[new].open = 1;
                watch = (struct epoll_event){.events = EPOLLIN, .data.fd = new};
                epoll_ctl(poll, EPOLL_CTL_ADD, new, &watch);
            }
        }
        while (head != tail && queue[head % QUEUE].due <= now_ns()) {
            struct reply next = queue[head++ % QUEUE];
            if (clients[next.fd].open) answer(next.fd, next.status);
        }
    }
}
