// sanitizer_defaults - what the sanitizers shall overlook in every program of a sanitized build.
//
// libnng 1.5 leaks when a socket is closed at the wrong moment: a dialer that is just connecting,
// an answer that is just being sent. Both happen within the library only, a few bytes for each
// closed socket. Messages that we forget would be hidden too, which is the price.
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libnng.so\n";
}

const char *__lsan_default_options(void);

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
