// openapi - the OpenAPI 3.1 document of the HTTP API, made from the routes and the messages.
#ifndef ERRAND_GATEWAY_OPENAPI_H
#define ERRAND_GATEWAY_OPENAPI_H

#include "base/buf.h"

// openapi_document is made once, at the first call; NULL when memory is short.
const buf *openapi_document(void);

#endif
