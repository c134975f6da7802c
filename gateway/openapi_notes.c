// openapi_notes - a sentence and examples for each route.
#include "gateway/openapi_internal.h"

#include <string.h>

#define ID   "01890a5d-ac96-774b-bcce-b302099a8057"
#define WHO  "\"worker\":{\"id\":\"" ID "\",\"queues\":[\"default\"]}"
#define BULK "{\"filter\":{\"queue\":\"mail\",\"state\":\"FAILED\"}}"

// clang-format off
static const openapi_note notes[] = {
    {"POST", "/v1/jobs", "Submit a job; with wait, answer with its end", OPENAPI_SUBMIT,
     "{\"queue\":\"mail\",\"http\":{\"url\":\"https://example.com/hook\"}}",
     "{\"id\":\"" ID "\",\"queue\":\"mail\",\"kind\":\"http\",\"state\":\"READY\",\"revision\":\"1\"}"},
    {"GET", "/v1/jobs/{id}:explain", "Why a job does not run now", OPENAPI_REPLY, NULL, NULL},
    {"GET", "/v1/jobs/{id}", "A job", OPENAPI_TAGGED, NULL,
     "{\"id\":\"" ID "\",\"queue\":\"mail\",\"kind\":\"http\",\"state\":\"RUNNING\",\"attempt\":1,\"revision\":\"2\"}"},
    {"GET", "/v1/jobs/{id}/result", "The result of a job, waiting for its end", OPENAPI_RESULT, NULL,
     "{\"id\":\"" ID "\",\"state\":\"SUCCEEDED\",\"result\":{\"value\":42}}"},
    {"GET", "/v1/jobs/{id}/output", "The raw result of a job, with its own content type", OPENAPI_OUTPUT, NULL, NULL},
    {"GET", "/v1/jobs/{id}/events", "The changes of a job as Server-Sent Events", OPENAPI_EVENTS, NULL, NULL},
    {"GET", "/v1/jobs", "Jobs, newest first", OPENAPI_REPLY, NULL, "{\"jobs\":[]}"},
    {"POST", "/v1/jobs:batch", "Submit several jobs, each judged alone", OPENAPI_REPLY,
     "{\"jobs\":[{\"kind\":\"resize\",\"args\":{\"width\":100}}]}", NULL},
    {"DELETE", "/v1/jobs/{id}", "Delete a job that does not run", OPENAPI_REPLY, NULL, NULL},
    {"POST", "/v1/jobs/{id}:cancel", "Cancel a job", OPENAPI_REPLY, NULL, NULL},
    {"POST", "/v1/jobs/{id}:retry", "Try a job again that ended without success", OPENAPI_REPLY, NULL, NULL},
    {"POST", "/v1/jobs:cancel", "Cancel all jobs that match", OPENAPI_REPLY, BULK, "{\"count\":\"3\"}"},
    {"POST", "/v1/jobs:retry", "Try all jobs again that match", OPENAPI_REPLY, BULK, "{\"count\":\"3\"}"},
    {"POST", "/v1/jobs:delete", "Delete all jobs that match", OPENAPI_REPLY, BULK, "{\"count\":\"3\"}"},
    {"POST", "/v1/work:lease", "Jobs for a worker", OPENAPI_REPLY,
     "{" WHO ",\"maxJobs\":1,\"wait\":\"30s\",\"leaseSequence\":\"1\"}", NULL},
    {"POST", "/v1/work:heartbeat", "A worker still runs these", OPENAPI_REPLY, "{" WHO "}", NULL},
    {"POST", "/v1/work:report", "How attempts of a worker ended", OPENAPI_REPLY,
     "{" WHO ",\"outcomeSequence\":\"1\",\"outcomes\":[]}", NULL},
    {"GET", "/v1/workers", "Workers heard of lately", OPENAPI_REPLY, NULL, "{\"workers\":[]}"},
    {"GET", "/v1/queues", "Queues, by name", OPENAPI_REPLY, NULL, "{\"queues\":[{\"name\":\"mail\",\"depth\":{\"READY\":\"2\"}}]}"},
    {"GET", "/v1/queues/{queue}", "A queue", OPENAPI_REPLY, NULL, NULL},
    {"GET", "/v1/queues/{queue}/events", "What happens in a queue as Server-Sent Events", OPENAPI_EVENTS, NULL, NULL},
    {"PATCH", "/v1/queues/{queue.name}", "Change the settings that the body names; null clears", OPENAPI_REPLY,
     "{\"maxRunning\":10,\"rateLimit\":{\"count\":100,\"per\":\"60s\"}}", NULL},
    {"POST", "/v1/queues/{queue}:pause", "Start no more jobs of a queue", OPENAPI_REPLY, NULL, NULL},
    {"POST", "/v1/queues/{queue}:resume", "Start its jobs again", OPENAPI_REPLY, NULL, NULL},
    {"POST", "/v1/queues/{queue}:purge", "Delete the jobs of a queue that do not run", OPENAPI_REPLY, NULL, NULL},
    {"GET", "/v1/server", "Version, addresses and caps of the server", OPENAPI_REPLY, NULL, NULL},
    {"GET", "/v1/server/stats", "Counters of the server", OPENAPI_REPLY, NULL, NULL},
    {"GET", "/healthz", "The process lives", OPENAPI_STATUS, NULL, "{\"status\":\"ok\"}"},
    {"GET", "/readyz", "The server serves", OPENAPI_STATUS, NULL, "{\"status\":\"serving\"}"},
    {"GET", "/metrics", "Metrics for Prometheus", OPENAPI_METRICS, NULL, NULL},
    {"GET", "/openapi.json", "This document", OPENAPI_OBJECT, NULL, NULL},
    {"GET", "/", "The dashboard", OPENAPI_PAGE, NULL, NULL},
    {"GET", "/dashboard.js", "Its script", OPENAPI_SCRIPT, NULL, NULL},
    {"GET", "/dashboard.css", "Its style", OPENAPI_STYLE, NULL, NULL},
};
// clang-format on

const openapi_note *openapi_note_of(const route *r)
{
    static const openapi_note none = {.summary = ""};
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (strcmp(notes[i].method, r->method) == 0 && strcmp(notes[i].pattern, r->pattern) == 0) {
            return &notes[i];
        }
    }
    return &none;
}
