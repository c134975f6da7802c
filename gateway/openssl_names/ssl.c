// ssl - OpenSSL 3 under the name and with the function that civetweb 1.15 looks for.
//
// civetweb opens "libssl.so", which on Debian only the package for building has, and calls
// SSL_get_peer_certificate for each connection, which OpenSSL 3 has as a macro only: without
// this, the first TLS connection is a call of NULL. This library has the first name; everything
// else is found in libssl.so.3, which it is linked to.
#include <openssl/ssl.h>

#undef SSL_get_peer_certificate
X509 *SSL_get_peer_certificate(const SSL *ssl);

X509 *SSL_get_peer_certificate(const SSL *ssl)
{
    return SSL_get1_peer_certificate(ssl);
}
