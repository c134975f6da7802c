// encoding - bodies that come and go as gzip.
#ifndef ERRAND_GATEWAY_ENCODING_H
#define ERRAND_GATEWAY_ENCODING_H

#include "gateway/exchange.h"

// encoding_known: gzip or identity (or none at all), the only ones there are.
bool encoding_known(const char *encoding);

// encoding_unpack_body makes x->body what it was before it was compressed. The encoding is a known
// one; an empty body stays as it is. False: refused.
bool encoding_unpack_body(exchange *x, const char *encoding);

// encoding_unpack appends what a compressed part of a body holds. False: refused.
bool encoding_unpack(exchange *x, slice packed, buf *out);

// encoding_pack_reply compresses a reply that is large enough, for a client that takes gzip.
void encoding_pack_reply(exchange *x);

// encoding_is_worth_it: fewer bytes are sent as they are.
bool encoding_is_worth_it(size_t size);

#endif
