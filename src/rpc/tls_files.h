// tls_files - where the certificates of connections over tls+tcp:// are.
#ifndef ERRAND_RPC_TLS_FILES_H
#define ERRAND_RPC_TLS_FILES_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

// File names; NULL: none. Borrowed.
typedef struct tls_files {
    const char *cert;  // this side's certificate, with those between it and its authority
    const char *key;   // and its private key
    const char *ca;    // who signs the other side's: for a server, whose clients may come in (NULL:
                       // anybody may, without a certificate); for a client, which server is the
                       // right one (NULL: those that this system trusts)
    const char *server_name;  // client: the name in the server's certificate; NULL: the URL's host
} tls_files;

// tls_is_url: an address whose connections are encrypted.
bool tls_is_url(const char *url);

// tls_check reads the files like a listener or dialer would. INVALID_ARGUMENT names the file. A
// client without files and addresses that need them is fine.
status *tls_check_server(const tls_files *files);
status *tls_check_client(const tls_files *files, char *const *urls, size_t url_count);

#endif
