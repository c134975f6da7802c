"""An RPC client in Python: many calls at once on one connection, nothing retried."""

import concurrent.futures
import itertools
import threading
import uuid

from google.protobuf import duration_pb2

from errand.rpc.v1 import envelope_pb2, status_pb2
from errand.v1 import job_service_pb2, queue_service_pb2, server_service_pb2, worker_service_pb2
from harness import sp

CALL_SECONDS = 60


def duration(seconds):
    message = duration_pb2.Duration()
    message.FromNanoseconds(round(seconds * 1_000_000_000))
    return message


class RpcError(Exception):
    """A Status that is not OK. `code` is its name."""

    def __init__(self, status):
        self.status = status
        self.code = status_pb2.Code.Name(status.code)
        self.fields = [violation.field for violation in status.violations]
        super().__init__(f"{self.code}: {status.message}")


class Connection:
    """Requests and replies by number."""

    def __init__(self, url):
        self.socket = sp.connect(url, sp.REQ, sp.REP)
        self.socket.settimeout(None)
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.waiting = {}
        self.error = None
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        try:
            while True:
                number, body = sp.split_reply(sp.receive_frame(self.socket))
                with self.lock:
                    future = self.waiting.pop(number, None)
                if future is not None:
                    future.set_result(body)
        except (OSError, ConnectionError) as error:
            self.fail(error)

    def fail(self, error):
        with self.lock:
            self.error = error
            waiting, self.waiting = self.waiting, {}
        for future in waiting.values():
            future.set_exception(ConnectionError(str(error)))

    def start(self, body):
        future = concurrent.futures.Future()
        with self.lock:
            if self.error is not None:
                raise ConnectionError(str(self.error))
            number = next(self.numbers)
            self.waiting[number] = future
            self.socket.sendall(sp.request_frame(number, body))
        return future

    def close(self):
        try:
            self.socket.shutdown(2)
        except OSError:
            pass
        self.socket.close()
        self.reader.join()


class Service:
    """client.jobs.Submit(request) for a service of the API."""

    def __init__(self, client, descriptor):
        self.client = client
        self.methods = descriptor.methods_by_name
        self.path = f"/{descriptor.full_name}/"

    def __getattr__(self, name):
        method = self.methods[name]

        def call(request=None, **options):
            if request is None:
                request = method.input_type._concrete_class()
            body = self.client.call_raw(self.path + name, request.SerializeToString(), **options)
            return method.output_type._concrete_class.FromString(body)

        return call


class RpcClient:
    def __init__(self, url):
        self.url = url
        self.connection = Connection(url)
        services = {
            "jobs": job_service_pb2.DESCRIPTOR.services_by_name["JobService"],
            "queues": queue_service_pb2.DESCRIPTOR.services_by_name["QueueService"],
            "workers": worker_service_pb2.DESCRIPTOR.services_by_name["WorkerService"],
            "server": server_service_pb2.DESCRIPTOR.services_by_name["ServerService"],
        }
        for name, descriptor in services.items():
            setattr(self, name, Service(self, descriptor))

    def start_raw(self, method, payload, timeout=CALL_SECONDS, metadata=None):
        """Sends a call; the future gives the encoded Response."""
        envelope = envelope_pb2.Request(method=method, payload=payload, metadata=metadata or {})
        if timeout is not None:
            envelope.timeout.CopyFrom(duration(timeout))
        if "request-id" not in envelope.metadata:
            envelope.metadata["request-id"] = str(uuid.uuid4())
        return self.connection.start(envelope.SerializeToString())

    def call_raw(self, method, payload, **options):
        future = self.start_raw(method, payload, **options)
        return open_response(future.result(CALL_SECONDS + 30))

    def close(self):
        self.connection.close()


def open_response(body):
    """The payload of an encoded Response; RpcError for a failure."""
    response = envelope_pb2.Response.FromString(body)
    if response.status.code != status_pb2.OK:
        raise RpcError(response.status)
    return response.payload
