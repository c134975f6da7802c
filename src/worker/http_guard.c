// http_guard - which addresses a job may make a worker connect to. Pure.
#include "worker/http_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

typedef struct range {
    uint8_t bits;  // length of the prefix
    http_reach reach;
    uint8_t prefix[16];
} range;

// clang-format off
static const range ranges_v4[] = {
    { 8, HTTP_REACH_PRIVATE, {0}},               // this network, unspecified
    { 8, HTTP_REACH_PRIVATE, {10}},
    {10, HTTP_REACH_PRIVATE, {100, 64}},         // shared address space of carriers
    { 8, HTTP_REACH_PRIVATE, {127}},             // loopback
    {16, HTTP_REACH_NEVER,   {169, 254}},        // link-local
    {12, HTTP_REACH_PRIVATE, {172, 16}},
    {24, HTTP_REACH_PRIVATE, {192, 0, 0}},       // protocol assignments
    {16, HTTP_REACH_PRIVATE, {192, 168}},
    {15, HTTP_REACH_PRIVATE, {198, 18}},         // benchmarking
    { 3, HTTP_REACH_PRIVATE, {224}},             // multicast, reserved, broadcast
};

static const range ranges_v6[] = {
    {128, HTTP_REACH_PRIVATE, {0}},              // unspecified
    {128, HTTP_REACH_PRIVATE, {[15] = 1}},       // loopback
    {  7, HTTP_REACH_PRIVATE, {0xfc}},           // unique local
    { 10, HTTP_REACH_NEVER,   {0xfe, 0x80}},     // link-local
    { 10, HTTP_REACH_PRIVATE, {0xfe, 0xc0}},     // site-local, long deprecated
    {  8, HTTP_REACH_PRIVATE, {0xff}},           // multicast
};

// IPv6 ranges that carry an IPv4 address, and where.
static const struct {
    uint8_t bits;
    uint8_t offset;
    uint8_t prefix[16];
} embeddings[] = {
    {96, 12, {[10] = 0xff, [11] = 0xff}},        // mapped
    {96, 12, {0, 0x64, 0xff, 0x9b}},             // NAT64
    {96, 12, {0}},                               // compatible, deprecated
    {16,  2, {0x20, 0x02}},                      // 6to4
};
// clang-format on

static bool has_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8;
    if (memcmp(address, prefix, whole) != 0) {
        return false;
    }
    unsigned rest = bits % 8;
    return rest == 0 || (address[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

static http_reach look_up(const uint8_t *address, const range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (has_prefix(address, ranges[i].prefix, ranges[i].bits)) {
            return ranges[i].reach;
        }
    }
    return HTTP_REACH_PUBLIC;
}

static http_reach reach_v4(const uint8_t *address)
{
    return look_up(address, ranges_v4, COUNT(ranges_v4));
}

static http_reach reach_v6(const uint8_t *address)
{
    http_reach reach = look_up(address, ranges_v6, COUNT(ranges_v6));
    if (reach != HTTP_REACH_PUBLIC) {
        return reach;
    }
    for (size_t i = 0; i < COUNT(embeddings); i++) {
        if (has_prefix(address, embeddings[i].prefix, embeddings[i].bits)) {
            return reach_v4(address + embeddings[i].offset);
        }
    }
    return HTTP_REACH_PUBLIC;
}

http_reach http_guard_reach(const struct sockaddr *address)
{
    uint8_t bytes[16];
    switch (address->sa_family) {
    case AF_INET:
        memcpy(bytes, (const uint8_t *) address + offsetof(struct sockaddr_in, sin_addr), 4);
        return reach_v4(bytes);
    case AF_INET6:
        memcpy(bytes, (const uint8_t *) address + offsetof(struct sockaddr_in6, sin6_addr), 16);
        return reach_v6(bytes);
    default:
        return HTTP_REACH_NEVER;
    }
}

bool http_guard_allows(const struct sockaddr *address, bool allow_private)
{
    http_reach reach = http_guard_reach(address);
    return reach == HTTP_REACH_PUBLIC || (reach == HTTP_REACH_PRIVATE && allow_private);
}
