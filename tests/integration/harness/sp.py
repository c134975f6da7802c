"""nng's wire format over TCP (the SP protocols), by hand: what a stranger could send."""

import socket
import struct
import urllib.parse

REQ, REP, PUSH, PULL = 0x30, 0x31, 0x50, 0x51
MAX_FRAME = 256 << 20


def address(url):
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


def receive_exactly(connection, size):
    pieces = []
    while size > 0:
        piece = connection.recv(min(size, 1 << 20))
        if not piece:
            raise ConnectionError("the peer closed the connection")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def connect(url, protocol, peer, timeout=60):
    """A connection after the handshake."""
    connection = socket.create_connection(address(url), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"\0SP\0" + struct.pack(">HH", protocol, 0))
    greeting = receive_exactly(connection, 8)
    assert greeting == b"\0SP\0" + struct.pack(">HH", peer, 0), greeting
    return connection


def frame(payload):
    return struct.pack(">Q", len(payload)) + payload


def receive_frame(connection):
    (size,) = struct.unpack(">Q", receive_exactly(connection, 8))
    assert size <= MAX_FRAME, size
    return receive_exactly(connection, size)


def request_frame(number, body):
    """A request as REQ sends it: a number with its top bit set, then the body."""
    return frame(struct.pack(">I", number | 0x80000000) + body)


def split_reply(payload):
    (number,) = struct.unpack(">I", payload[:4])
    return number & 0x7FFFFFFF, payload[4:]
