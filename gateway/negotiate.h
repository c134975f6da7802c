// negotiate - what the client would rather have: Accept and Accept-Encoding (RFC 9110). Pure.
#ifndef ERRAND_GATEWAY_NEGOTIATE_H
#define ERRAND_GATEWAY_NEGOTIATE_H

#include <stdbool.h>

// negotiate_gzip: an Accept-Encoding takes gzip, and not less gladly than plain bytes. NULL: no.
bool negotiate_gzip(const char *accept_encoding);

// negotiate_type: an Accept takes the media type, given without parameters. NULL: yes.
bool negotiate_type(const char *accept, const char *type);

#endif
