// hello - civetweb alone, as a service of errand-bench.
#ifndef ERRAND_BENCH_HELLO_H
#define ERRAND_BENCH_HELLO_H

int hello_serve(int argc, char **argv);

#endif
