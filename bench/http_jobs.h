// http_jobs - what there has to be before HTTP calls are measured.
#ifndef ERRAND_BENCH_HTTP_JOBS_H
#define ERRAND_BENCH_HTTP_JOBS_H

#include "base/status.h"
#include "base/uuid.h"
#include "bench/http_host.h"

#include <stddef.h>

// http_jobs_submit submits no-op jobs with fresh ids, in one call.
status *http_jobs_submit(const http_host *errandd, char (*ret_ids)[UUID_TEXT_SIZE], size_t count);

// http_jobs_finish has so many queued jobs succeed.
status *http_jobs_finish(const http_host *errandd, size_t count);

#endif
