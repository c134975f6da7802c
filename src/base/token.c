// token - bearer tokens: 256 random bits, of which a server keeps only the SHA-256.
#include "base/token.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_BYTES 32
#define MAX_FILE     4096

static const char prefix[] = "errand_";
static const char hash_prefix[] = "sha256:";

// ret holds two digits for each byte, and the NUL.
static void write_hex(const uint8_t *bytes, size_t size, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *ret++ = digits[bytes[i] >> 4];
        *ret++ = digits[bytes[i] & 15];
    }
    *ret = '\0';
}

static bool read_digit(char c, uint8_t *ret)
{
    if (c >= '0' && c <= '9') {
        *ret = (uint8_t) (c - '0');
    } else if (c >= 'a' && c <= 'f') {
        *ret = (uint8_t) (c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
        *ret = (uint8_t) (c - 'A' + 10);
    } else {
        return false;
    }
    return true;
}

void token_new(char ret[static TOKEN_TEXT_SIZE])
{
    uint8_t random[RANDOM_BYTES];
    crypto_random(random, sizeof random);
    memcpy(ret, prefix, sizeof prefix);
    write_hex(random, sizeof random, ret + sizeof prefix - 1);
}

token_hash token_hash_of(const char *token)
{
    token_hash hash;
    crypto_sha256(token, strlen(token), hash.bytes);
    return hash;
}

char *token_hash_format(const token_hash *hash, char ret[static TOKEN_HASH_TEXT_SIZE])
{
    memcpy(ret, hash_prefix, sizeof hash_prefix);
    write_hex(hash->bytes, sizeof hash->bytes, ret + sizeof hash_prefix - 1);
    return ret;
}

bool token_hash_parse(const char *text, token_hash *ret)
{
    token_hash hash;
    uint8_t high, low;
    if (strncmp(text, hash_prefix, sizeof hash_prefix - 1) != 0 ||
        strlen(text) != TOKEN_HASH_TEXT_SIZE - 1) {
        return false;
    }
    text += sizeof hash_prefix - 1;
    for (size_t i = 0; i < sizeof hash.bytes; i++, text += 2) {
        if (!read_digit(text[0], &high) || !read_digit(text[1], &low)) {
            return false;
        }
        hash.bytes[i] = (uint8_t) (high << 4 | low);
    }
    *ret = hash;
    return true;
}

// Visible ASCII, as an HTTP field may carry it.
static bool is_token(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~') {
            return false;
        }
    }
    return *text != '\0';
}

status *token_read_file(const char *path, char **ret)
{
    char text[MAX_FILE + 1];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return status_errno(errno, "%s", path);
    }
    size_t size = fread(text, 1, MAX_FILE, file);
    bool failed = ferror(file) != 0;
    (void) fclose(file);
    text[size] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    if (failed || !is_token(text)) {
        return status_new(STATUS_INVALID_ARGUMENT,
                          "%s: expected a token, visible characters on one line", path);
    }
    *ret = strdup(text);
    return *ret != NULL ? NULL : status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

status *token_choose(const char *token, const char *file, char **ret)
{
    *ret = NULL;
    if (token != NULL && file != NULL) {
        return status_bad_field("token_file", "found a token too, expected one of them");
    }
    if (file != NULL) {
        AUTO(status) failure = token_read_file(file, ret);
        return failure != NULL ? status_bad_field("token_file", "%s", failure->message) : NULL;
    }
    if (token != NULL) {
        *ret = strdup(token);
        return *ret != NULL ? NULL : status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    return NULL;
}
