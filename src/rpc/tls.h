// tls - certificates of connections over tls+tcp://, for whoever opens an nng socket.
//
// Files are PEM, and read when the listener or dialer is made. Certificates admit, tokens identify:
// nng does not tell whose certificate a peer has shown.
#ifndef ERRAND_RPC_TLS_H
#define ERRAND_RPC_TLS_H

#include "base/status.h"
#include "rpc/tls_files.h"

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <stdbool.h>

#define TLS_SCHEME "tls+tcp://"

// tls_server_config is what a listener needs, freed by nng_tls_config_free; see tls_listeners.h.
status *tls_server_config(const tls_files *files, nng_tls_config **ret);

// tls_dialer gives what is about to be started its certificates; it does nothing for other URLs
// than tls+tcp://.
status *tls_dialer(nng_dialer dialer, const char *url, const tls_files *files);

// tls_reason says why the connections of a dialer have failed, if certificates were the reason: a
// colon and the text, to be put behind a message; otherwise "". Static.
const char *tls_reason(nng_dialer dialer, const char *url);

#endif
