// negotiate - what the client would rather have, or has: Accept, Accept-Encoding,
// If-None-Match (RFC 9110). Pure.
#ifndef ERRAND_GATEWAY_NEGOTIATE_H
#define ERRAND_GATEWAY_NEGOTIATE_H

#include <stdbool.h>

// negotiate_gzip: an Accept-Encoding takes gzip, and not less gladly than plain bytes. NULL: no.
bool negotiate_gzip(const char *accept_encoding);

// negotiate_type: an Accept takes the media type, given without parameters. NULL: yes.
bool negotiate_type(const char *accept, const char *type);

// negotiate_has_tag: an If-None-Match names the entity tag, compared weakly. NULL: no.
bool negotiate_has_tag(const char *if_none_match, const char *tag);

#endif
