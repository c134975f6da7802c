"""Blocking HTTP over kept connections, with nothing but the standard library."""

from __future__ import annotations

import http.client
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ._address import Address
from ._flow import Answer, Broken, Effect, Flow, Reply, Request, Send, T

IDLE_SECONDS = 50.0  # the gateway keeps idle connections for 60 s
MAX_IDLE = 64
PIECE = 1 << 16


class StreamBroken(Exception):
    """A stream ended, or could not be opened."""

    def __init__(self, how: Broken) -> None:
        super().__init__(how.reason)
        self.how = how


@dataclass
class Stream:
    """A response whose body is read piece by piece, within `timeout` seconds each."""

    status: int
    headers: dict[str, str]
    _response: http.client.HTTPResponse
    _socket: socket.socket

    def read(self, timeout: float) -> bytes:
        """The next bytes; none at the end."""
        self._socket.settimeout(timeout)
        try:
            return self._response.read1(PIECE)
        except (OSError, http.client.HTTPException) as error:
            raise StreamBroken(_broken(error)) from error


def _broken(error: Exception) -> Broken:
    timed_out = isinstance(error, (TimeoutError, socket.timeout))
    return Broken(f"{type(error).__name__}: {error}", timed_out)


def _is_stale(connection: http.client.HTTPConnection) -> bool:
    """Whether the server closed it, or said what was not asked for."""
    if connection.sock is None:
        return True
    waiter = select.poll()
    waiter.register(connection.sock, select.POLLIN)
    return bool(waiter.poll(0))


class Connections:
    """Connections to one address, for any number of threads."""

    def __init__(self, address: Address, context: ssl.SSLContext | None = None) -> None:
        self._address = address
        self._context = context
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Closes those that are idle; the others when their call is over."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _new(self, timeout: float) -> http.client.HTTPConnection:
        host, port = self._address.host, self._address.port
        if not self._address.secure:
            return http.client.HTTPConnection(host, port, timeout=timeout)
        if self._context is None:
            self._context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=self._context)

    def _take(self, timeout: float) -> http.client.HTTPConnection:
        if self._process != os.getpid():  # a fork must not share its parent's connections
            self._process, self._idle = os.getpid(), []
        while True:
            with self._lock:
                if not self._idle:
                    return self._new(timeout)
                since, connection = self._idle.pop()
            if time.monotonic() - since < IDLE_SECONDS and not _is_stale(connection):
                connection.sock.settimeout(timeout)
                return connection
            connection.close()

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < MAX_IDLE:
                self._idle.append((time.monotonic(), connection))
                return
        connection.close()

    def _start(self, request: Request, timeout: float) -> tuple[Any, http.client.HTTPResponse]:
        connection = self._take(timeout)
        try:
            target = self._address.path + request.target
            headers = self._address.headers(request)
            connection.request(request.method, target, request.body, headers)
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def exchange(self, request: Request, timeout: float) -> Answer:
        """The reply, or how it failed."""
        end = time.monotonic() + timeout
        try:
            connection, response = self._start(request, timeout)
        except (OSError, http.client.HTTPException) as error:
            return _broken(error)
        try:
            body = _read_all(connection.sock, response, end)
        except BaseException as error:
            connection.close()
            if isinstance(error, (OSError, http.client.HTTPException)):
                return _broken(error)
            raise
        if response.will_close:
            connection.close()
        else:
            self._give_back(connection)
        return Reply(response.status, _headers(response), body)

    @contextmanager
    def stream(self, request: Request, timeout: float) -> Iterator[Stream]:
        """A response to be read piece by piece; StreamBroken when there is none."""
        try:
            connection, response = self._start(request, timeout)
        except (OSError, http.client.HTTPException) as error:
            raise StreamBroken(_broken(error)) from error
        try:
            # http.client lets go of the socket of a response that says "close".
            sock = connection.sock or response.fp.raw._sock  # type: ignore[attr-defined]
            yield Stream(response.status, _headers(response), response, sock)
        finally:
            response.close()
            connection.close()

    def run(self, flow: Flow[T]) -> T:
        """Does what a flow wants until it is done."""
        answer: Answer = None
        while True:
            try:
                effect = flow.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            answer = self._do(effect)

    def _do(self, effect: Effect) -> Answer:
        if isinstance(effect, Send):
            return self.exchange(effect.request, effect.timeout)
        time.sleep(effect.seconds)
        return None


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _read_all(sock: socket.socket | None, response: http.client.HTTPResponse, end: float) -> bytes:
    """The body; a time limit for the whole of it, not for each piece."""
    pieces: list[bytes] = []
    while True:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the body did not arrive in time")
        if sock is not None and sock.fileno() >= 0:
            sock.settimeout(left)
        piece = response.read1(PIECE)
        if not piece:
            break
        pieces.append(piece)
    if response.length:
        raise http.client.IncompleteRead(b"".join(pieces), response.length)
    response.close()  # read1 leaves that to us; the connection stays
    return b"".join(pieces)
