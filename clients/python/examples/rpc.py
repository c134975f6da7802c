"""Errand's RPC from a language without a client of its own: nng, protobuf, and the .proto files.

    mkdir messages
    protoc --proto_path=proto --python_out=messages $(cd proto && find errand -name '*.proto')
    PYTHONPATH=messages python rpc.py tcp://127.0.0.1:6710 https://example.org/

Errand's package for Python is not needed here, and speaks HTTP. This is how to call the RPC from
wherever there are bindings of nng: pynng here, or the C library itself if that is not installed."""

import ctypes
import ctypes.util
import sys
import uuid

from errand.rpc.v1 import envelope_pb2, status_pb2
from errand.v1 import job_pb2, job_service_pb2


class Nng:
    """A REQ socket of the C library, for those who have no pynng."""

    def __init__(self, url):
        self.nng = ctypes.CDLL(ctypes.util.find_library("nng") or "libnng.so.1")
        self.socket = ctypes.c_uint32()
        self._check(self.nng.nng_req0_open(ctypes.byref(self.socket)))
        self._check(self.nng.nng_dial(self.socket, url.encode(), None, 0))
        # nng's own resend knows no deadline: repeats are ours, with the same request-id.
        for option, ms in ((b"req:resend-time", -1), (b"recv-timeout", 70_000)):
            self._check(self.nng.nng_socket_set_ms(self.socket, option, ms))

    def _check(self, error):
        if error:
            raise OSError(f"nng error {error}")

    def exchange(self, body):
        """Sends a request, and gives the reply."""
        self._check(self.nng.nng_send(self.socket, body, ctypes.c_size_t(len(body)), 0))
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        allocate = 1  # NNG_FLAG_ALLOC: nng allocates, we free
        self._check(
            self.nng.nng_recv(self.socket, ctypes.byref(data), ctypes.byref(size), allocate)
        )
        try:
            return ctypes.string_at(data, size.value)
        finally:
            self.nng.nng_free(data, size)

    def close(self):
        """Closes the socket."""
        self.nng.nng_close(self.socket)


class Pynng:
    """The same by pynng."""

    def __init__(self, url):
        import pynng

        self.socket = pynng.Req0(dial=url, resend_time=-1, recv_timeout=70_000)

    def exchange(self, body):
        """Sends a request, and gives the reply."""
        self.socket.send(body)
        return self.socket.recv()

    def close(self):
        """Closes the socket."""
        self.socket.close()


def call(socket, method, request, answer, seconds=30, token=None):
    """One call: its envelope goes out, the answer's comes back. RuntimeError if it failed."""
    envelope = envelope_pb2.Request(method=method, payload=request.SerializeToString())
    envelope.timeout.FromSeconds(seconds)
    envelope.metadata["request-id"] = str(uuid.uuid4())
    if token is not None:
        envelope.metadata["authorization"] = f"Bearer {token}"
    reply = envelope_pb2.Response.FromString(socket.exchange(envelope.SerializeToString()))
    if reply.status.code != status_pb2.OK:
        raise RuntimeError(f"{status_pb2.Code.Name(reply.status.code)}: {reply.status.message}")
    return answer.FromString(reply.payload)


def fetch(socket, url):
    """Has a URL fetched, and waits for it."""
    job = job_pb2.Job(http=job_pb2.HttpRequest(url=url))
    stored = call(
        socket,
        "/errand.v1.JobService/Submit",
        job_service_pb2.SubmitRequest(job=job),
        job_pb2.Job,
    )
    request = job_service_pb2.GetResultRequest(id=stored.id)
    request.wait.FromSeconds(25)
    return call(
        socket, "/errand.v1.JobService/GetResult", request, job_service_pb2.GetResultResponse
    )


if __name__ == "__main__":
    try:
        connection = Pynng(sys.argv[1])
    except ImportError:
        connection = Nng(sys.argv[1])
    page = fetch(connection, sys.argv[2])
    print(job_pb2.Job.State.Name(page.state), page.result.http.status, page.result.http.body)
    connection.close()
