// internal - what the files of the service share.
#ifndef ERRAND_SERVICE_INTERNAL_H
#define ERRAND_SERVICE_INTERNAL_H

#include "rpc/convert.h"
#include "rpc/server.h"
#include "service/access.h"
#include "service/page.h"
#include "service/service.h"

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/queue_service.pb-c.h"
#include "errand/v1/server_service.pb-c.h"
#include "errand/v1/worker_service.pb-c.h"

#include <pthread.h>
#include <stdatomic.h>

#define READERS     4
#define CHANGERS    3  // changes of many jobs that go on at once
#define MAX_WAIT_US 60000000

typedef struct background background;

// Readers of the store that nobody uses now.
typedef struct reader_pool {
    pthread_mutex_t lock;
    pthread_cond_t returned;
    store_reader *idle[READERS];
    size_t count;
    size_t waiting;
} reader_pool;

// Where the server listens.
typedef struct addresses {
    char **rpc_urls, **results_urls;
    size_t rpc_count, results_count;
} addresses;

struct service {
    service_options options;
    page_key page_key;
    background *changes;             // of many jobs; others wait for none of them
    background *copies;              // of the store
    _Atomic(addresses *) addresses;  // NULL until they are announced, then they stay
    int64_t start_us;                // wall
    int64_t start_mono_us;
    atomic_bool draining;
    atomic_size_t batches_pending;  // of outcomes: received and not stored yet
    reader_pool readers;            // of calls
    reader_pool done_readers;  // one, of done functions: the engine's threads must not wait for
                               // calls that read
    Errand__V1__JobService_Service *jobs;
    Errand__V1__QueueService_Service *queues;
    Errand__V1__WorkerService_Service *workers;
    Errand__V1__ServerService_Service *servers;
};

Errand__V1__JobService_Service *job_methods(service *s);        // jobs.c
Errand__V1__QueueService_Service *queue_methods(service *s);    // queues.c
Errand__V1__WorkerService_Service *worker_methods(service *s);  // workers.c
Errand__V1__ServerService_Service *server_methods(service *s);  // servers.c

// Methods of JobService, each in the file of its subject.
void submit_call(service *s, const Errand__V1__SubmitRequest *request, rpc_call *call);
void batch_submit_call(service *s, const Errand__V1__BatchSubmitRequest *request, rpc_call *call);
void get_call(service *s, const Errand__V1__GetJobRequest *request, rpc_call *call);
void get_result_call(service *s, const Errand__V1__GetResultRequest *request, rpc_call *call);
void list_call(service *s, const Errand__V1__ListJobsRequest *request, rpc_call *call);

void cancel_call(service *s, const Errand__V1__CancelJobRequest *request, rpc_call *call);
void retry_call(service *s, const Errand__V1__RetryJobRequest *request, rpc_call *call);
void delete_call(service *s, const Errand__V1__DeleteJobRequest *request, rpc_call *call);

void watch_call(service *s, const Errand__V1__WatchJobRequest *request, rpc_call *call);
void explain_call(service *s, const Errand__V1__ExplainJobRequest *request, rpc_call *call);
void cancel_many_call(service *s, const Errand__V1__CancelManyRequest *request, rpc_call *call);
void retry_many_call(service *s, const Errand__V1__RetryManyRequest *request, rpc_call *call);
void delete_many_call(service *s, const Errand__V1__DeleteManyRequest *request, rpc_call *call);

// Methods of QueueService, queue_calls.c but for one.
void list_queues_call(service *s, const Errand__V1__ListQueuesRequest *request, rpc_call *call);
void get_queue_call(service *s, const Errand__V1__GetQueueRequest *request, rpc_call *call);
void update_queue_call(service *s, const Errand__V1__UpdateQueueRequest *request, rpc_call *call);
void pause_queue_call(service *s, const Errand__V1__PauseQueueRequest *request, rpc_call *call);
void resume_queue_call(service *s, const Errand__V1__ResumeQueueRequest *request, rpc_call *call);
void purge_queue_call(service *s, const Errand__V1__PurgeQueueRequest *request, rpc_call *call);
void watch_queue_call(service *s, const Errand__V1__WatchQueueRequest *request,
                      rpc_call *call);  // queue_watch.c
// queue_write makes the resource; NULL: out of memory.
Errand__V1__Queue *queue_write(const engine_queue_info *info, arena *memory);

// Methods of WorkerService and ServerService, stats.c.
void list_workers_call(service *s, const Errand__V1__ListWorkersRequest *request, rpc_call *call);
void stats_call(service *s, const Errand__V1__GetStatsRequest *request, rpc_call *call);
void backup_call(service *s, const Errand__V1__BackupRequest *request, rpc_call *call);

// background runs tasks on threads of its own, each one after the other, unless too many wait. At
// the end the tasks that wait are run too, and should look whether it is stopping.
typedef void background_fn(void *data);
status *background_start(int threads, background **ret);
status *background_add(background *b, background_fn *fn, void *data);
const atomic_bool *background_stopping(const background *b);
void background_stop(background *b);
void background_free(background *b);

// many_start changes all jobs that match a filter and are in one of the states (bits; 0: in any),
// in the background, and answers with how many.
typedef void many_answer_fn(rpc_call *call, int64_t count);
void many_start(service *s, rpc_call *call, engine_control_type type, const store_filter *filter,
                unsigned states, many_answer_fn *answer);

// list_filter checks the fields of a filter; texts stay borrowed or live in the arena.
status *list_filter(const char *queue, const char *kind, Errand__V1__Job__State state,
                    const char *label, arena *memory, store_filter *ret);

// Methods of WorkerService, work.c; of ServerService, info.c.
void lease_call(service *s, const Errand__V1__LeaseRequest *request, rpc_call *call);
void heartbeat_call(service *s, const Errand__V1__HeartbeatRequest *request, rpc_call *call);
void report_call(service *s, const Errand__V1__OutcomeBatch *request, rpc_call *call);
void info_call(service *s, const Errand__V1__GetInfoRequest *request, rpc_call *call);

void answer_no_memory(rpc_call *call);

// visible.c: call_queues are those that the caller's token is for; NULL: all. queue_check is
// PERMISSION_DENIED for others. job_find checks a request's `id`: a job in another queue is
// NOT_FOUND like one that does not exist.
const queue_set *call_queues(const rpc_call *call);
status *queue_check(const rpc_call *call, const char *queue);
status *job_find(service *s, const rpc_call *call, const char *id, uuid *ret);
// worker_scope makes the id by which the engine knows a worker out of the one that it gave.
void worker_scope(const access_grant *grant, uuid *id);

// token_mask hides the token of a lease from who is limited to some queues, and shows it again; the
// others do so with all of a list.
void token_mask(const service *s, const access_grant *grant, const uuid *id,
                uint8_t token[static ENGINE_TOKEN_BYTES]);
void refs_mask(const service *s, const access_grant *grant, engine_lease_ref *refs, size_t count);
void rejections_mask(const service *s, const access_grant *grant, engine_rejection *rejected,
                     size_t count);

// metrics.c: a metrics_source_fn.
void service_write_metrics(void *data, buf *out);

// reader_take waits until there is one.
store_reader *reader_take(reader_pool *readers);
void reader_return(reader_pool *readers, store_reader *reader);
// reader_get reads one job; NOT_FOUND too when it was deleted and others are yet to be told.
status *reader_get(reader_pool *readers, const uuid *id, unsigned parts, arena *memory,
                   store_job *ret);

// wait_deadline checks a `wait` field: not negative; capped at 60 s and before the caller's
// deadline. ret_us is monotonic; 0 when nobody waits.
status *wait_deadline(const Google__Protobuf__Duration *wait, const rpc_call *call,
                      int64_t *ret_us);

// view.c: a whole job as the API shows it.
status *view_job(const store_job *stored, bool full, arena *memory, Errand__V1__Job **ret);
// view_error is the error of an encoded attempt; an empty slice leaves ret as it is.
status *view_error(slice attempt, arena *memory, Errand__Rpc__V1__Status **ret);
// view_last_error is that of the latest failed attempt; NULL for jobs that succeeded.
status *view_last_error(const store_job *stored, arena *memory, Errand__Rpc__V1__Status **ret);
status *view_result(slice encoded, arena *memory, Errand__V1__Result **ret);
// view_read reads a job and answers its whole view.
status *view_read(reader_pool *readers, const uuid *id, bool full, arena *memory,
                  Errand__V1__Job **ret);

// wait_for has done run when the job has ended, at the deadline, or when the caller goes; false
// when no further call may wait now. w and call outlive the wait.
bool wait_for(service *s, rpc_call *call, engine_wait *w);
void wait_gone(void *data, uint64_t ticket, rpc_gone_reason reason);
// wait_why_ended is the failure of a wait that ended, which it takes: when the server stops its
// parked calls go, though their callers are still there, who are to come again.
status *wait_why_ended(const service *s, status *failure);

// assignment.c: the leased jobs, as far as there is room; the others are given back, and those that
// can not be handed over fail.
status *assignments_write(service *s, rpc_call *call, const engine_lease *lease,
                          Errand__V1__LeaseResponse *reply);
// assignment_bytes.c: an Assignment with its length, encoded. assignment_splice does it around the
// stored job, which has to be sound; ret is empty when not all of that may go out as it is.
status *assignment_splice(const engine_assignment *a, const engine_token *token, int64_t lease_us,
                          arena *memory, slice *ret);
status *assignment_encode(const Errand__V1__Assignment *assignment, size_t size, arena *memory,
                          slice *ret);
// event.c: fills in the body and the signature of a callback that is about to be made.
status *event_fill(service *s, const engine_assignment *a, Errand__V1__Job *job, arena *memory);

// outcomes.c: an OutcomeBatch, of whoever has the grant, as engine outcomes.
status *outcomes_read(const service *s, const access_grant *grant,
                      const Errand__V1__OutcomeBatch *batch, engine_outcomes *ret);
// outcomes_take is outcomes_read for a sender that gets no answer: an outcome that can not be read
// fails its attempt, and is rejected. why: so is each that says nothing; NULL: each by itself.
status *outcomes_take(const service *s, const access_grant *grant,
                      const Errand__V1__OutcomeBatch *batch, const status *why,
                      engine_outcomes *ret);
// outcomes_begin reads who sent a batch, and its number; outcomes_scope makes the ids and tokens
// those by which the engine knows the worker and its leases.
status *outcomes_begin(const Errand__V1__OutcomeBatch *batch, engine_outcomes *ret);
void outcomes_scope(const service *s, const access_grant *grant, engine_outcomes *o,
                    engine_outcome *outcomes);
// outcome_bytes.c: outcomes_take for an encoded batch, out of whose bytes the results are borrowed.
// False: it has to be decoded.
bool outcomes_take_plain(const service *s, const access_grant *grant, slice message,
                         engine_outcomes *ret);
// salvage.c: worker, number and leases of a batch that can not be decoded; NULL when not even they
// can be told. decode: outcomes that are well by themselves are there as a whole.
Errand__V1__OutcomeBatch *salvage(slice message, bool decode, arena *memory);
// part_decode decodes a part of a batch by itself, in memory that its size bounds.
status *part_decode(const ProtobufCMessageDescriptor *descriptor, slice encoded, arena *memory,
                    ProtobufCMessage **ret);
// salvage_authorization looks for the token only, before anything else is done for a stranger.
char *salvage_authorization(slice message, arena *memory);
status *token_read(const char *field, const ProtobufCBinaryData *bytes, engine_token *ret);
status *worker_check(const Errand__V1__Worker *worker, uuid *ret);
Errand__V1__Rejection **rejections_write(const engine_rejection *rejected, size_t count,
                                         arena *memory);

#endif
