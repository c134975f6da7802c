// spec_callback - what a callback may look like.
#include "job/check.h"

#include "base/crypto.h"
#include "job/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SECRET_PREFIX "whsec_"
#define SECRET_MIN    24
#define SECRET_MAX    64
#define SECRET_TEXT   96  // characters of base64, more than 64 bytes need

#define STATE_TEXT_MAX 16

// Fields that the server writes into each callback.
static bool is_callback_header(const char *name)
{
    return strcasecmp(name, "content-type") == 0 || strncasecmp(name, "webhook-", 8) == 0 ||
           strncasecmp(name, "errand-", 7) == 0;
}

static void check_callback_headers(check *c, const Errand__V1__Callback *callback)
{
    check_header_count(c, "callback.headers", callback->n_headers);
    for (size_t i = 0; i < callback->n_headers; i++) {
        const char *name = callback->headers[i]->key;
        char field[160], quoted[TEXT_QUOTE_SIZE];
        check_header(c, "callback.headers", name, callback->headers[i]->value);
        if (!is_callback_header(name))
            continue;
        snprintf(field, sizeof field, "callback.headers[%s]", text_quote(name, quoted));
        check_bad(c, field, "found a field that the server sets, expected any other");
    }
}

// The name of a state as it was written, or the number of one that there is not.
static const char *state_text(int state, char text[static STATE_TEXT_MAX])
{
    if (state > 0 && state < JOB_STATE_COUNT)
        return job_state_name((job_state) state);
    snprintf(text, STATE_TEXT_MAX, "%d", state);
    return text;
}

static void check_states(check *c, const Errand__V1__Callback *callback)
{
    unsigned seen = 0;
    char field[64], text[STATE_TEXT_MAX];
    for (size_t i = 0; i < callback->n_on; i++) {
        int state = (int) callback->on[i];
        snprintf(field, sizeof field, "callback.on[%zu]", i);
        if (!job_state_is_final((job_state) state))
            check_bad(c, field, "found %s, expected SUCCEEDED, FAILED, CANCELLED or EXPIRED",
                      state_text(state, text));
        else if (seen & 1u << state)
            check_bad(c, field, "found %s again, expected each state once",
                      job_state_name((job_state) state));
        else
            seen |= 1u << state;
    }
}

bool job_secret_is_good(const char *secret)
{
    uint8_t key[SECRET_TEXT];
    size_t size = 0;
    if (strncmp(secret, SECRET_PREFIX, strlen(SECRET_PREFIX)) != 0)
        return false;
    const char *text = secret + strlen(SECRET_PREFIX);
    size_t length = strlen(text);
    if (length > SECRET_TEXT || !crypto_base64_decode(text, length, key, &size))
        return false;
    explicit_bzero(key, sizeof key);
    return size >= SECRET_MIN && size <= SECRET_MAX;
}

static void check_secret(check *c, const Errand__V1__Callback *callback)
{
    if (*callback->secret && *callback->secret_name)
        check_bad(c, "callback.secret_name", "found both secret and secret_name, expected one");
    if (*callback->secret && !job_secret_is_good(callback->secret))  // never shown
        check_bad(c, "callback.secret",
                  "found something else, expected whsec_ and the base64 of "
                  "%d to %d bytes",
                  SECRET_MIN, SECRET_MAX);
    if (*callback->secret_name && !text_is_name(callback->secret_name))
        check_bad(c, "callback.secret_name",
                  "found other characters, expected "
                  "[a-zA-Z0-9_.-]{1,64}");
}

void check_callback(check *c, const Errand__V1__Callback *callback)
{
    check_url(c, "callback.url", callback->url);
    check_callback_headers(c, callback);
    check_states(c, callback);
    if ((unsigned) callback->format > ERRAND__V1__CALLBACK__FORMAT__RAW)
        check_bad(c, "callback.format", "found %d, expected EVENT or RAW", (int) callback->format);
    check_secret(c, callback);
}
