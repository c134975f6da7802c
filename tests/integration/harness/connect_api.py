"""The Connect protocol, byte by byte."""

import base64
import gzip
import json
import struct
import urllib.parse

from errand.v1 import (
    job_service_pb2,
    queue_service_pb2,
    server_service_pb2,
    worker_service_pb2,
)
from google.protobuf import descriptor_pb2
from harness.http_api import HttpApi

FILES = (job_service_pb2, queue_service_pb2, server_service_pb2, worker_service_pb2)
COMPRESSED, END = 1, 2


def all_methods():
    """Path, descriptor's proto and whether it only reads, of every method that there is."""
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                proto = descriptor_pb2.MethodDescriptorProto()
                method.CopyToProto(proto)
                reads = proto.options.idempotency_level == proto.options.NO_SIDE_EFFECTS
                yield f"/{service.full_name}/{method.name}", proto, reads


def envelope(message, flags=0):
    return struct.pack(">BI", flags, len(message)) + message


def take_envelopes(body):
    """All of a stream's envelopes: (flags, message)."""
    taken = []
    while body:
        flags, size = struct.unpack(">BI", body[:5])
        assert len(body) >= 5 + size, "the stream is cut off"
        taken.append((flags, body[5 : 5 + size]))
        body = body[5 + size :]
    return taken


def unpadded(data):
    return base64.b64encode(data).decode().rstrip("=")


def decode_unpadded(text):
    return base64.b64decode(text + "=" * (-len(text) % 4))


class ConnectApi(HttpApi):
    def call(self, method, content, headers=None, **options):
        """A unary call in JSON, or in binary when the content is bytes."""
        binary = isinstance(content, bytes)
        body = content if binary else json.dumps(content).encode()
        kind = "proto" if binary else "json"
        headers = {"content-type": f"application/{kind}", **(headers or {})}
        return self.request("POST", method, body, headers, **options)

    def ask(self, method, message, encoding="json", **parameters):
        """A unary call by GET."""
        query = {"connect": "v1", "encoding": encoding, "message": message, **parameters}
        return self.get(f"{method}?{urllib.parse.urlencode(query)}")

    def stream(self, method, message, headers=None, flags=0, kind="json"):
        """A server stream, read to its end: the answer, messages and the end's JSON."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        headers = {"content-type": f"application/connect+{kind}", **(headers or {})}
        answer = self.request("POST", method, envelope(body, flags), headers)
        taken = take_envelopes(answer.body)
        assert taken and taken[-1][0] & END, answer
        assert not any(flags & END for flags, _ in taken[:-1])
        messages = [
            gzip.decompress(data) if flags & COMPRESSED else data for flags, data in taken[:-1]
        ]
        return answer, messages, json.loads(taken[-1][1])

    def open_stream(self, method, message, headers=None):
        """A server stream to be read bit by bit."""
        return OpenStream(self.connect(), method, message, headers or {})


class OpenStream:
    def __init__(self, connection, method, message, headers):
        self.connection = connection
        headers = {"content-type": "application/connect+json", **headers}
        self.connection.request("POST", method, envelope(json.dumps(message).encode()), headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()

    def next(self):
        """The flags and the JSON of the next envelope."""
        flags, size = struct.unpack(">BI", self.answer.read(5))
        return flags, json.loads(self.answer.read(size))

    def close(self):
        self.answer.close()
        self.connection.close()
