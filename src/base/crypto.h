// crypto - hashes, random bytes and base64; the only file that knows libcrypto.
#ifndef ERRAND_BASE_CRYPTO_H
#define ERRAND_BASE_CRYPTO_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

void crypto_sha256(const void *bytes, size_t size, uint8_t ret[static SHA256_BYTES]);

// A SHA-256 under way: what was begun once can be ended many times, each with other bytes behind
// it.
typedef struct crypto_hash {
    _Alignas(uint64_t) uint8_t state[112];
} crypto_hash;
void crypto_sha256_begin(const void *bytes, size_t size, crypto_hash *ret);
void crypto_sha256_end(const crypto_hash *begun, const void *bytes, size_t size,
                       uint8_t ret[static SHA256_BYTES]);

// crypto_hmac_sha256 is HMAC-SHA256 (RFC 2104) over the parts in order.
typedef struct crypto_part {
    const void *bytes;
    size_t size;
} crypto_part;
void crypto_hmac_sha256(const void *key, size_t key_size, const crypto_part *parts,
                        size_t part_count, uint8_t ret[static SHA256_BYTES]);

// crypto_random fills bytes from the kernel's generator.
void crypto_random(void *bytes, size_t size);

// Base64 of RFC 4648 section 4. crypto_base64_size counts the NUL too.
size_t crypto_base64_size(size_t size);
void crypto_base64_encode(const void *bytes, size_t size, char *ret_text);
// crypto_base64_decode accepts the standard and the URL-safe alphabet, padded or not; ret_bytes
// must hold size / 4 * 3 + 3 bytes; false when text is no base64.
bool crypto_base64_decode(const char *text, size_t size, uint8_t *ret_bytes, size_t *ret_size);

// crypto_key_fits tells whether a private key is that of the first certificate, both PEM.
bool crypto_key_fits(const char *cert, const char *key);

// crypto_equal compares in constant time.
bool crypto_equal(const void *a, const void *b, size_t size);

#endif
