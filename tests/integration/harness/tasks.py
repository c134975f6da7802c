"""Jobs of kind `task`, which only a scripted worker runs, and the settings of their queues."""

from google.protobuf import field_mask_pb2, struct_pb2

from errand.v1 import job_pb2, job_service_pb2 as messages, queue_service_pb2 as queues
from harness.rpc import RpcError, duration

State = job_pb2.Job


def task(name="x", **fields):
    return job_pb2.Job(kind="task", args=struct_pb2.Value(string_value=name), **fields)


def submit(rpc, name="x", **fields):
    return rpc.jobs.Submit(messages.SubmitRequest(job=task(name, **fields)))


def submit_many(rpc, jobs):
    results = rpc.jobs.BatchSubmit(messages.BatchSubmitRequest(jobs=jobs)).results
    assert all(result.HasField("job") for result in results), results
    return [result.job for result in results]


def get(rpc, job_id):
    return rpc.jobs.Get(messages.GetJobRequest(id=job_id, view=job_pb2.FULL))


def state_of(rpc, job_id):
    return job_pb2.Job.State.Name(get(rpc, job_id).state)


def names(answer):
    """What the jobs of a Lease answer are called."""
    return [one.job.args.string_value for one in answer.assignments]


def refused(call, code, field=None):
    """The call has to fail with this code, and name the field."""
    try:
        call()
    except RpcError as error:
        assert error.code == code, error
        assert field is None or field in error.fields, error.fields
        return error
    raise AssertionError(f"not refused, expected {code}")


def setting(**fields):
    """A queue with these settings; whole numbers become wrappers."""
    queue = queues.Queue()
    for name, value in fields.items():
        if name in ("max_running", "max_per_key", "max_depth"):
            getattr(queue, name).value = value
        elif isinstance(value, bool):
            setattr(queue, name, value)
        elif value is not None:
            getattr(queue, name).CopyFrom(value)
    return queue


def update(rpc, name="default", clear=(), **fields):
    queue = setting(**fields)
    queue.name = name
    mask = field_mask_pb2.FieldMask(paths=[*fields, *clear])
    return rpc.queues.Update(queues.UpdateQueueRequest(queue=queue, update_mask=mask))


def rate(count, seconds=1, burst=0):
    return queues.RateLimit(count=count, per=duration(seconds), burst=burst)
