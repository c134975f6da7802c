// crypto - OpenSSL 3 under the name that civetweb looks for, "libcrypto.so". All of it is found in
// libcrypto.so.3, which this is linked to.
#include <openssl/crypto.h>

unsigned long errand_openssl_version(void);

unsigned long errand_openssl_version(void)
{
    return OpenSSL_version_num();
}
