// token - bearer tokens: 256 random bits, of which a server keeps only the SHA-256.
//
// A fast hash without salt is right here, as it would not be for passwords: nobody can try out
// 2^256 tokens, and no two are alike.
#ifndef ERRAND_BASE_TOKEN_H
#define ERRAND_BASE_TOKEN_H

#include "base/crypto.h"
#include "base/status.h"

#include <stdbool.h>

#define TOKEN_TEXT_SIZE      80  // with the NUL
#define TOKEN_HASH_TEXT_SIZE 72  // sha256:, 64 digits, the NUL

typedef struct token_hash {
    uint8_t bytes[SHA256_BYTES];
} token_hash;

// token_new writes a fresh token, errand_ with 64 hexadecimal digits.
void token_new(char ret[static TOKEN_TEXT_SIZE]);

token_hash token_hash_of(const char *token);

// token_hash_format writes sha256: with 64 hexadecimal digits; token_hash_parse reads that.
char *token_hash_format(const token_hash *hash, char ret[static TOKEN_HASH_TEXT_SIZE]);
bool token_hash_parse(const char *text, token_hash *ret);

// token_read_file reads the token that a file holds, without the line's end. ret is owned.
status *token_read_file(const char *path, char **ret);

// token_choose is the token that two settings name, at most one of which is there: itself, or the
// file with it. NULL without any; owned.
status *token_choose(const char *token, const char *file, char **ret);

#endif
