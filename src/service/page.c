// page - places in what everybody's jobs do, as those get them who may see some of it only.
//
// A synthetic nonce (like SIV, RFC 5297): first comes a MAC over the place and what it belongs to,
// then the place under a mask that is made of the first. So it is deterministic, needs no counter,
// and who changes a bit of either finds no place at all.
#include "service/page.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAC_BYTES 16

_Static_assert(SEAL_BYTES <= SHA256_BYTES, "one mask is enough");
_Static_assert((MAC_BYTES + PLACE_BYTES) % 3 == 0, "its base64 needs no padding");
_Static_assert((MAC_BYTES + SEAL_BYTES) % 3 == 0, "its base64 needs no padding");

// ---- the key ----

page_key page_key_random(void)
{
    page_key key;
    crypto_random(key.bytes, sizeof key.bytes);
    return key;
}

static bool read_key(const char *path, page_key *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, ret->bytes, sizeof ret->bytes) : -1;
    if (fd >= 0) {
        (void) close(fd);
    }
    return size == (ssize_t) sizeof ret->bytes;
}

// One that was cut short by a power cut is written anew.
static bool write_key(const char *path, const page_key *key)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    bool written = write(fd, key->bytes, sizeof key->bytes) == (ssize_t) sizeof key->bytes;
    return close(fd) == 0 && written;
}

page_key page_key_open(const char *dir)
{
    page_key key;
    AUTO_BUF path = {0};
    buf_append_format(&path, "%s/page.key", dir);
    const char *name = buf_text(&path);
    if (name != NULL && read_key(name, &key)) {
        return key;
    }
    key = page_key_random();
    if (name == NULL || !write_key(name, &key)) {
        AUTO(status) failure = status_errno(errno, "page.key");
        log_warn("page_key_not_kept", LOG_STATUS(failure));
    }
    return key;
}

// ---- sealing ----

// What is sealed: its bytes, and what they belong to.
typedef struct sealed {
    const page_key *key;
    const crypto_part *context;
    size_t context_count;
    size_t size;
    uint8_t mac[MAC_BYTES];
    uint8_t bytes[SEAL_BYTES];
} sealed;

#define MOST_CONTEXT 5

static void mac_of(const sealed *s, uint8_t ret[static MAC_BYTES])
{
    uint8_t hash[SHA256_BYTES];
    crypto_part parts[1 + MOST_CONTEXT] = {{s->bytes, s->size}};
    for (size_t i = 0; i < s->context_count; i++) {
        parts[1 + i] = s->context[i];
    }
    crypto_hmac_sha256(s->key->bytes, sizeof s->key->bytes, parts, 1 + s->context_count, hash);
    memcpy(ret, hash, MAC_BYTES);
}

// Twice is as if it had not been.
static void mask(sealed *s)
{
    uint8_t hash[SHA256_BYTES], use = 'm';
    const crypto_part parts[] = {{&use, 1}, {s->mac, MAC_BYTES}};
    crypto_hmac_sha256(s->key->bytes, sizeof s->key->bytes, parts, sizeof parts / sizeof parts[0],
                       hash);
    for (size_t i = 0; i < s->size; i++) {
        s->bytes[i] ^= hash[i];
    }
}

static void replace(char *text, char old, char new)
{
    for (; *text != '\0'; text++) {
        *text = *text == old ? new : *text;
    }
}

static void encode(const sealed *s, char *ret)
{
    uint8_t both[MAC_BYTES + SEAL_BYTES];
    memcpy(both, s->mac, MAC_BYTES);
    memcpy(both + MAC_BYTES, s->bytes, s->size);
    crypto_base64_encode(both, MAC_BYTES + s->size, ret);
    replace(ret, '+', '-');  // for URLs
    replace(ret, '/', '_');
}

static bool decode(const char *text, sealed *s)
{
    uint8_t both[MAC_BYTES + SEAL_BYTES + 3];
    size_t size = 0, length = (MAC_BYTES + s->size) / 3 * 4;
    if (strlen(text) != length || !crypto_base64_decode(text, length, both, &size) ||
        size != MAC_BYTES + s->size) {
        return false;
    }
    memcpy(s->mac, both, MAC_BYTES);
    memcpy(s->bytes, both + MAC_BYTES, s->size);
    return true;
}

// ret: base64 for URLs.
static void seal(sealed *s, char *ret)
{
    mac_of(s, s->mac);
    mask(s);
    encode(s, ret);
}

// False when it was not sealed so.
static bool unseal(sealed *s)
{
    uint8_t mac[MAC_BYTES];
    mask(s);
    mac_of(s, mac);
    return crypto_equal(mac, s->mac, MAC_BYTES);
}

// ---- tokens of lists ----

typedef struct list_context {
    int64_t state;
    crypto_part parts[MOST_CONTEXT];
} list_context;

static void context_of(const store_filter *filter, list_context *ret)
{
    const char *texts[] = {filter->queue, filter->kind, filter->label_key, filter->label_value};
    ret->state = (int64_t) filter->state;
    ret->parts[0] = (crypto_part){&ret->state, sizeof ret->state};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = texts[i] != NULL ? texts[i] : "";
        ret->parts[1 + i] = (crypto_part){text, strlen(text) + 1};
    }
}

void page_token_write(const page_key *key, const store_filter *filter, int64_t before,
                      char ret[static PAGE_TOKEN_SIZE])
{
    list_context context;
    context_of(filter, &context);
    sealed s = {key, context.parts, MOST_CONTEXT, PLACE_BYTES, {0}, {0}};
    memcpy(s.bytes, &before, PLACE_BYTES);
    seal(&s, ret);
}

status *page_token_read(const page_key *key, const store_filter *filter, const char *token,
                        int64_t *ret_before)
{
    list_context context;
    context_of(filter, &context);
    sealed s = {key, context.parts, MOST_CONTEXT, PLACE_BYTES, {0}, {0}};
    int64_t before = 0;
    if (decode(token, &s) && unseal(&s)) {
        memcpy(&before, s.bytes, PLACE_BYTES);
    }
    if (before <= 0) {
        return status_bad_field(
            "page_token",
            "found \"%.40s\", expected next_page_token of an answer to the same filter", token);
    }
    *ret_before = before;
    return NULL;
}

// ---- cursors ----

void page_cursor_write(const page_key *key, const char *queue, const page_cursor *cursor,
                       char ret[static PAGE_CURSOR_SIZE])
{
    const crypto_part context = {queue, strlen(queue) + 1};
    sealed s = {key, &context, 1, SEAL_BYTES, {0}, {0}};
    memcpy(s.bytes, cursor, sizeof *cursor);
    seal(&s, ret);
}

bool page_cursor_read(const page_key *key, const char *queue, const char *text, page_cursor *ret)
{
    const crypto_part context = {queue, strlen(queue) + 1};
    sealed s = {key, &context, 1, SEAL_BYTES, {0}, {0}};
    if (!decode(text, &s)) {
        return false;
    }
    *ret = (page_cursor){0};
    if (unseal(&s)) {
        memcpy(ret, s.bytes, sizeof *ret);
    }
    return true;
}
