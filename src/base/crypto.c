// crypto - hashes and random bytes of libcrypto, and base64.
//
// The block functions of SHA-256 are called directly: unlike the EVP layer they need no memory and
// can not fail, and a hash of a small message costs a third.
#define OPENSSL_API_COMPAT 0x10100000L

#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SHA256_BLOCK = 64 };

void crypto_sha256(const void *bytes, size_t size, uint8_t ret[static SHA256_BYTES])
{
    SHA256_CTX hash;
    SHA256_Init(&hash);
    SHA256_Update(&hash, bytes, size);
    SHA256_Final(ret, &hash);
}

_Static_assert(sizeof(SHA256_CTX) == sizeof(crypto_hash), "one is kept in the other");

void crypto_sha256_begin(const void *bytes, size_t size, crypto_hash *ret)
{
    SHA256_CTX hash;
    SHA256_Init(&hash);
    SHA256_Update(&hash, bytes, size);
    memcpy(ret->state, &hash, sizeof hash);
}

void crypto_sha256_end(const crypto_hash *begun, const void *bytes, size_t size,
                       uint8_t ret[static SHA256_BYTES])
{
    SHA256_CTX hash;
    memcpy(&hash, begun->state, sizeof hash);
    SHA256_Update(&hash, bytes, size);
    SHA256_Final(ret, &hash);
}

static void sha256_start_padded(SHA256_CTX *hash, const uint8_t key[SHA256_BLOCK], uint8_t pad)
{
    uint8_t block[SHA256_BLOCK];
    for (size_t i = 0; i < SHA256_BLOCK; i++) {
        block[i] = key[i] ^ pad;
    }
    SHA256_Init(hash);
    SHA256_Update(hash, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
}

void crypto_hmac_sha256(const void *key, size_t key_size, const crypto_part *parts,
                        size_t part_count, uint8_t ret[static SHA256_BYTES])
{
    uint8_t padded[SHA256_BLOCK] = {0};
    if (key_size > sizeof padded) {
        crypto_sha256(key, key_size, padded);
    } else if (key_size > 0) {
        memcpy(padded, key, key_size);
    }
    SHA256_CTX hash;
    uint8_t inner[SHA256_BYTES];
    sha256_start_padded(&hash, padded, 0x36);
    for (size_t i = 0; i < part_count; i++) {
        SHA256_Update(&hash, parts[i].bytes, parts[i].size);
    }
    SHA256_Final(inner, &hash);
    sha256_start_padded(&hash, padded, 0x5c);
    SHA256_Update(&hash, inner, sizeof inner);
    SHA256_Final(ret, &hash);
    OPENSSL_cleanse(padded, sizeof padded);
    OPENSSL_cleanse(&hash, sizeof hash);
}

void crypto_random(void *bytes, size_t size)
{
    uint8_t *at = bytes;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno != EINTR) {
            abort();  // no randomness: going on would hand out tokens that can be guessed
        }
        if (got > 0) {
            at += got;
            size -= (size_t) got;
        }
    }
}

bool crypto_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

size_t crypto_base64_size(size_t size)
{
    return (size + 2) / 3 * 4 + 1;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void crypto_base64_encode(const void *bytes, size_t size, char *ret_text)
{
    const uint8_t *in = bytes;
    char *out = ret_text;
    for (; size > 0; out += 4) {
        size_t step = size < 3 ? size : 3;
        uint32_t group = (uint32_t) in[0] << 16;
        group |= step > 1 ? (uint32_t) in[1] << 8 : 0;
        group |= step > 2 ? in[2] : 0;
        out[0] = base64_digits[group >> 18];
        out[1] = base64_digits[group >> 12 & 63];
        out[2] = step > 1 ? base64_digits[group >> 6 & 63] : '=';
        out[3] = step > 2 ? base64_digits[group & 63] : '=';
        in += step;
        size -= step;
    }
    *out = '\0';
}

// base64_value is the digit's value in either alphabet, 64 for anything else.
static uint32_t base64_value(char digit)
{
    if (digit >= 'A' && digit <= 'Z') {
        return (uint32_t) (digit - 'A');
    }
    if (digit >= 'a' && digit <= 'z') {
        return (uint32_t) (digit - 'a') + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return (uint32_t) (digit - '0') + 52;
    }
    if (digit == '+' || digit == '-') {
        return 62;
    }
    return digit == '/' || digit == '_' ? 63 : 64;
}

// base64_unpad takes the padding off; false when there is some and it does not fill a group.
static bool base64_unpad(const char *text, size_t *size)
{
    size_t pads = 0;
    while (pads < 2 && pads < *size && text[*size - 1 - pads] == '=') {
        pads++;
    }
    if (pads > 0 && *size % 4 != 0) {
        return false;
    }
    *size -= pads;
    return *size % 4 != 1;
}

bool crypto_base64_decode(const char *text, size_t size, uint8_t *ret_bytes, size_t *ret_size)
{
    if (!base64_unpad(text, &size)) {
        return false;
    }
    uint8_t *out = ret_bytes;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (size_t i = 0; i < size; i++) {
        uint32_t value = base64_value(text[i]);
        if (value > 63) {
            return false;
        }
        bits = bits << 6 | value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            *out++ = (uint8_t) (bits >> bit_count);
            bits &= (1U << bit_count) - 1;
        }
    }
    if (bits != 0) {
        return false;  // bits that encode nothing: two texts would stand for the same bytes
    }
    *ret_size = (size_t) (out - ret_bytes);
    return true;
}

// A key that wants a passphrase is none: nobody is asked for it.
static int no_passphrase(char *text, int size, int writing, void *data)
{
    (void) text;
    (void) size;
    (void) writing;
    (void) data;
    return -1;
}

bool crypto_key_fits(const char *cert, const char *key)
{
    BIO *cert_text = BIO_new_mem_buf(cert, -1);
    BIO *key_text = BIO_new_mem_buf(key, -1);
    X509 *x509 = cert_text ? PEM_read_bio_X509(cert_text, NULL, no_passphrase, NULL) : NULL;
    EVP_PKEY *pkey = key_text ? PEM_read_bio_PrivateKey(key_text, NULL, no_passphrase, NULL) : NULL;
    bool fits = x509 && pkey && X509_check_private_key(x509, pkey) == 1;
    EVP_PKEY_free(pkey);
    X509_free(x509);
    BIO_free(key_text);
    BIO_free(cert_text);
    return fits;
}
