// problem - failures as application/problem+json (RFC 9457), or as another protocol has them.
#ifndef ERRAND_GATEWAY_PROBLEM_H
#define ERRAND_GATEWAY_PROBLEM_H

#include "gateway/exchange.h"

// problem_write makes the reply a problem. http_status differs from the code's own where HTTP has a
// finer one; 0: the code's. When to come again becomes Retry-After.
void problem_write(exchange *x, int http_status, const status *failure);

// problem_retry_delay_ms is when to come again; -1: nothing to say. What is unavailable may be
// there in a second, if nobody knows better.
int64_t problem_retry_delay_ms(const status *failure);

// problem_add_hints adds the header fields that belong to a failure, once its status is set.
void problem_add_hints(exchange *x, const status *failure);

// problem_refuse is for what the gateway itself finds wrong. Always returns false, so that a check
// can end with it.
bool problem_refuse(exchange *x, int http_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// problem_refuse_field is problem_refuse with 400 and a violation naming the field.
bool problem_refuse_field(exchange *x, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// problem_take writes the failure and frees it. Always returns false.
bool problem_take(exchange *x, status *failure);

#endif
