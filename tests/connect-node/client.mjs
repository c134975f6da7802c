// A stock Connect client against a running gateway: node client.mjs URL OPTIONS-AS-JSON
//
// Every call goes through the library and code generated from the protos; nothing here knows the
// protocol.
import assert from "node:assert/strict";

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { compressionGzip, createConnectTransport } from "@connectrpc/connect-node";

import { Job_State, JobView } from "./gen/errand/v1/job_pb.js";
import { JobService } from "./gen/errand/v1/job_service_pb.js";
import { QueueService } from "./gen/errand/v1/queue_service_pb.js";
import { ServerService } from "./gen/errand/v1/server_service_pb.js";
import { WorkerSchema, WorkerService } from "./gen/errand/v1/worker_service_pb.js";
import { BadRequestSchema, RetryInfoSchema } from "./gen/error_details_pb.js";

const [, , url, options] = process.argv;
const { binary, get, gzip } = JSON.parse(options);
const transport = createConnectTransport({
  baseUrl: url,
  httpVersion: "1.1",
  useBinaryFormat: binary,
  useHttpGet: get,
  acceptCompression: gzip ? [compressionGzip] : [],
  sendCompression: gzip ? compressionGzip : undefined,
  compressMinBytes: 1,
});
const jobs = createClient(JobService, transport);
const queues = createClient(QueueService, transport);
const server = createClient(ServerService, transport);
const workers = createClient(WorkerService, transport);

async function refused(call, code) {
  try {
    await call();
  } catch (error) {
    assert(error instanceof ConnectError, String(error));
    assert.equal(Code[error.code], Code[code], error.message);
    return error;
  }
  assert.fail(`not refused with ${Code[code]}`);
}

// A worker in the same protocol.
const worker = create(WorkerSchema, {
  id: crypto.randomUUID(),
  host: "test",
  kinds: ["node"],
  concurrency: 1,
});
let leaseSequence = 0n;
let outcomeSequence = 0n;

async function leaseOne() {
  leaseSequence += 1n;
  const answer = await workers.lease({ worker, maxJobs: 1, wait: { seconds: 20n }, leaseSequence });
  assert.equal(answer.assignments.length, 1);
  return answer.assignments[0];
}

async function succeed({ job, token }, value) {
  outcomeSequence += 1n;
  const success = { output: { case: "value", value } };
  const outcome = { jobId: job.id, token, outcome: { case: "success", value: success } };
  const answer = await workers.report({ worker, outcomeSequence, outcomes: [outcome] });
  assert.equal(answer.accepted, 1);
}

const tests = {
  async a_job_from_submit_to_result() {
    const body = new Uint8Array([0, 1, 254, 255]);
    const data = { contentType: "application/x-test", body };
    const job = await jobs.submit({ job: { kind: "node", input: { case: "data", value: data } } });
    assert.equal(job.state, Job_State.READY);
    const seen = [];
    const watching = (async () => {
      for await (const change of jobs.watch({ id: job.id })) {
        seen.push(Job_State[change.state]);
      }
    })();
    const assignment = await leaseOne();
    assert.deepEqual([...assignment.job.input.value.body], [...body]);
    await succeed(assignment, { kind: { case: "stringValue", value: "grüße" } });
    await watching;
    assert.equal(seen.at(-1), "SUCCEEDED");
    assert(["READY", "RUNNING", "SUCCEEDED"].includes(seen[0]), seen);
    const result = await jobs.getResult({ id: job.id });
    assert.equal(result.result.output.value.kind.value, "grüße");
    const full = await jobs.get({ id: job.id, view: JobView.FULL });
    assert.deepEqual([...full.input.value.body], [...body]);
    assert.equal(typeof full.revision, "bigint");
  },

  async reads_of_every_service() {
    const info = await server.getInfo({});
    assert.equal(info.health, "serving");
    assert((await server.getStats({})).uptime.seconds >= 0n);
    assert((await queues.list({})).queues.length >= 1);
    assert((await workers.list({})).workers.some((one) => one.id === worker.id));
    const listed = await jobs.list({ kind: "node", pageSize: 10 });
    assert(listed.jobs.every((job) => job.kind === "node"));
  },

  async a_large_answer() {
    const many = Array.from({ length: 200 }, () => ({ kind: "large", labels: { a: "x".repeat(50) } }));
    const answer = await jobs.batchSubmit({ jobs: many });
    assert.equal(answer.results.length, 200);
    const listed = await jobs.list({ kind: "large", pageSize: 200 });
    assert.equal(listed.jobs.length, 200);
    const { count } = await jobs.deleteMany({ filter: { kind: "large" } });
    assert.equal(count, 200n);
  },

  async errors_and_their_details() {
    const id = crypto.randomUUID();
    await refused(() => jobs.get({ id }), Code.NotFound);
    const wrong = { job: { kind: "node", priority: 1000 } };
    const error = await refused(() => jobs.submit(wrong), Code.InvalidArgument);
    const [bad] = error.findDetails(BadRequestSchema);
    assert.equal(bad.fieldViolations[0].field, "job.priority");
    const small = { queue: { name: "small", maxDepth: 1n }, updateMask: { paths: ["max_depth"] } };
    await queues.update(small);
    await jobs.submit({ job: { kind: "idle", queue: "small" } });
    const full = await refused(
      () => jobs.submit({ job: { kind: "idle", queue: "small" } }),
      Code.ResourceExhausted,
    );
    const [retry] = full.findDetails(RetryInfoSchema);
    assert(retry.retryDelay !== undefined);
    await queues.purge({ queue: "small" });
  },

  async errors_of_a_stream() {
    const follow = async (request, settings) => {
      for await (const change of jobs.watch(request, settings)) {
        assert.equal(change.state, Job_State.READY);
      }
    };
    await refused(() => follow({ id: crypto.randomUUID() }), Code.NotFound);
    const { id } = await jobs.submit({ job: { kind: "idle" } });
    await refused(() => follow({ id }, { timeoutMs: 300 }), Code.DeadlineExceeded);
    const giveUp = new AbortController();
    const followed = refused(() => follow({ id }, { signal: giveUp.signal }), Code.Canceled);
    giveUp.abort();
    await followed;
    await jobs.cancel({ id });
  },

  async a_timeout_ends_a_call() {
    const { id } = await jobs.submit({ job: { kind: "idle" } });
    const wait = { seconds: 30n };
    try {
      const answer = await jobs.getResult({ id, wait }, { timeoutMs: 300 });
      assert.equal(answer.state, Job_State.READY);
    } catch (error) {
      assert.equal(error.code, Code.DeadlineExceeded);
    }
    await jobs.cancel({ id });
  },

  async a_header_is_metadata() {
    const headers = { "idempotency-key": crypto.randomUUID() };
    const first = await jobs.submit({ job: { kind: "idle" } }, { headers });
    const again = await jobs.submit({ job: { kind: "idle" } }, { headers });
    assert.equal(again.id, first.id);
    assert(again.duplicate);
    await jobs.cancel({ id: first.id });
  },
};

for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
  } catch (error) {
    console.error(`${name}: ${error.stack}`);
    process.exitCode = 1;
  }
}
console.log(`${Object.keys(tests).length} tests`);
