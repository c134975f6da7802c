// page - page tokens: where the next page of a list of jobs starts.
//
// A synthetic nonce (like SIV, RFC 5297): the first half of the token is a MAC over filter and
// place, the second the place under a mask that is made of the first. So it is deterministic, needs
// no counter, and who changes a bit of either half finds no place at all.
#include "service/page.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAC_BYTES   16
#define PLACE_BYTES 8

typedef struct token {
    uint8_t mac[MAC_BYTES];
    uint8_t place[PLACE_BYTES];
} token;

_Static_assert((sizeof(token) + 2) / 3 * 4 + 1 == PAGE_TOKEN_SIZE, "its base64 needs no padding");

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

// ---- tokens ----

static void mac_of(const page_key *key, const store_filter *filter, int64_t before,
                   uint8_t ret[static MAC_BYTES])
{
    uint8_t hash[SHA256_BYTES], use = 'p';
    const char *texts[] = {filter->queue, filter->kind, filter->label_key, filter->label_value};
    const int64_t numbers[] = {before, (int64_t) filter->state};
    crypto_part parts[2 + sizeof texts / sizeof texts[0]] = {{&use, 1}, {numbers, sizeof numbers}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = texts[i] != NULL ? texts[i] : "";
        parts[2 + i] = (crypto_part){text, strlen(text) + 1};
    }
    crypto_hmac_sha256(key->bytes, sizeof key->bytes, parts, sizeof parts / sizeof parts[0], hash);
    memcpy(ret, hash, MAC_BYTES);
}

// Twice is as if it had not been.
static void mask(const page_key *key, const uint8_t mac[static MAC_BYTES],
                 uint8_t place[static PLACE_BYTES])
{
    uint8_t hash[SHA256_BYTES], use = 'm';
    const crypto_part parts[] = {{&use, 1}, {mac, MAC_BYTES}};
    crypto_hmac_sha256(key->bytes, sizeof key->bytes, parts, sizeof parts / sizeof parts[0], hash);
    for (size_t i = 0; i < PLACE_BYTES; i++) {
        place[i] ^= hash[i];
    }
}

static void replace(char *text, char old, char new)
{
    for (; *text != '\0'; text++) {
        *text = *text == old ? new : *text;
    }
}

void page_token_write(const page_key *key, const store_filter *filter, int64_t before,
                      char ret[static PAGE_TOKEN_SIZE])
{
    token made;
    mac_of(key, filter, before, made.mac);
    memcpy(made.place, &before, PLACE_BYTES);
    mask(key, made.mac, made.place);
    crypto_base64_encode(&made, sizeof made, ret);
    replace(ret, '+', '-');  // for URLs
    replace(ret, '/', '_');
}

static bool decode(const char *text, token *ret)
{
    uint8_t bytes[PAGE_TOKEN_SIZE];
    size_t size = 0;
    bool good = strlen(text) == PAGE_TOKEN_SIZE - 1 &&
                crypto_base64_decode(text, PAGE_TOKEN_SIZE - 1, bytes, &size) &&
                size == sizeof *ret;
    if (good) {
        memcpy(ret, bytes, sizeof *ret);
    }
    return good;
}

status *page_token_read(const page_key *key, const store_filter *filter, const char *text,
                        int64_t *ret_before)
{
    token given;
    uint8_t mac[MAC_BYTES];
    int64_t before = 0;
    bool good = decode(text, &given);
    if (good) {
        mask(key, given.mac, given.place);
        memcpy(&before, given.place, PLACE_BYTES);
        mac_of(key, filter, before, mac);
        good = crypto_equal(mac, given.mac, MAC_BYTES) && before > 0;
    }
    if (!good) {
        return status_bad_field(
            "page_token",
            "found \"%.40s\", expected next_page_token of an answer to the same filter", text);
    }
    *ret_before = before;
    return NULL;
}
