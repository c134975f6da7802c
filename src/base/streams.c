// streams - standard input, output and error, which whoever starts a program may have closed.
#include "base/streams.h"

#include <fcntl.h>

bool streams_guard(void)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd <= 2; fd++) {
        // The lowest number that is free is the one that is closed.
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) < 0) {
            return false;
        }
    }
    return true;
}
