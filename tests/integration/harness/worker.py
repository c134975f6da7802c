"""A worker whose every step is told by the test."""

import os
import uuid

from errand.rpc.v1 import status_pb2
from errand.v1 import job_pb2, worker_service_pb2 as messages
from harness import sp
from harness.rpc import RpcClient, duration, open_response


class ScriptedWorker:
    def __init__(self, server, queues=(), kinds=(), concurrency=1000):
        self.rpc = RpcClient(server.rpc)
        self.results_url = server.results
        self.worker = messages.Worker(
            id=str(uuid.uuid4()), host="test", pid=os.getpid(), concurrency=concurrency
        )
        self.worker.queues.extend(queues)
        self.worker.kinds.extend(kinds)
        self.lease_sequence = 0
        self.outcome_sequence = 0
        self.pipe = None

    def lease_request(self, max_jobs=1, wait=0, sequence=None):
        if sequence is None:
            self.lease_sequence += 1
            sequence = self.lease_sequence
        return messages.LeaseRequest(
            worker=self.worker, max_jobs=max_jobs, wait=duration(wait), lease_sequence=sequence
        )

    def lease(self, max_jobs=1, wait=0, sequence=None):
        return self.rpc.workers.Lease(self.lease_request(max_jobs, wait, sequence))

    def start_lease(self, max_jobs=1, wait=30):
        """Parks a Lease; the future gives the encoded Response, for leased()."""
        request = self.lease_request(max_jobs, wait).SerializeToString()
        return self.rpc.start_raw("/errand.v1.WorkerService/Lease", request, timeout=60)

    def lease_one(self, wait=30):
        answer = self.lease(1, wait)
        assert len(answer.assignments) == 1, answer
        return answer.assignments[0]

    def heartbeat(self, *assignments, progress=None):
        """progress is (done, total, message) of all of them."""
        request = messages.HeartbeatRequest(worker=self.worker)
        for one in assignments:
            running = request.running.add(job_id=one.job.id, token=one.token)
            if progress is not None:
                done, total, message = progress
                running.progress.CopyFrom(job_pb2.Progress(done=done, total=total, message=message))
        return self.rpc.workers.Heartbeat(request)

    def batch(self, *outcomes, sequence=None):
        if sequence is None:
            self.outcome_sequence += 1
            sequence = self.outcome_sequence
        return messages.OutcomeBatch(
            worker=messages.Worker(id=self.worker.id), outcome_sequence=sequence, outcomes=outcomes
        )

    def report(self, *outcomes, sequence=None):
        return self.rpc.workers.Report(self.batch(*outcomes, sequence=sequence))

    def push(self, batch):
        """Sends a batch through the result pipeline."""
        if self.pipe is None:
            self.pipe = sp.connect(self.results_url, sp.PUSH, sp.PULL)
        self.pipe.sendall(sp.frame(batch.SerializeToString()))

    def close(self):
        self.rpc.close()
        if self.pipe is not None:
            self.pipe.close()


def leased(future, seconds=60):
    """The answer to start_lease."""
    return messages.LeaseResponse.FromString(open_response(future.result(seconds)))


def success(assignment, value="done"):
    result = job_pb2.Result()
    result.value.string_value = value
    return messages.Outcome(job_id=assignment.job.id, token=assignment.token, success=result)


def failure(assignment, message="it broke", retryable=True, retry_after=None):
    outcome = messages.Outcome(job_id=assignment.job.id, token=assignment.token)
    outcome.failure.status.code = status_pb2.UNKNOWN
    outcome.failure.status.message = message
    outcome.failure.retryable = retryable
    if retry_after is not None:
        outcome.failure.retry_after.CopyFrom(duration(retry_after))
    return outcome


def released(assignment):
    return messages.Outcome(
        job_id=assignment.job.id, token=assignment.token, released=messages.Released()
    )
