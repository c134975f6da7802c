"""HTTP for asyncio, by aiohttp."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from ._address import Address
from ._flow import Answer, Broken, Effect, Flow, Reply, Request, Send, T
from ._http import StreamBroken

FAILURES = (aiohttp.ClientError, asyncio.TimeoutError, OSError)
IDLE_SECONDS = 50.0  # the gateway keeps idle connections for 60 s


def _broken(error: BaseException) -> Broken:
    timed_out = isinstance(error, asyncio.TimeoutError)
    return Broken(f"{type(error).__name__}: {error}", timed_out)


class AsyncStream:
    """A response whose body is read piece by piece."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self._response = response

    async def read(self, timeout: float) -> bytes:
        """The next bytes; none at the end. StreamBroken when none come within `timeout` seconds."""
        try:
            return await asyncio.wait_for(self._response.content.readany(), timeout)
        except FAILURES as error:
            raise StreamBroken(_broken(error)) from error


class AsyncConnections:
    """Connections to one address, within one event loop."""

    def __init__(self, address: Address, context: ssl.SSLContext | None = None) -> None:
        self._address = address
        self._context = context
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Calls that wait hold a connection each, so there is no cap on them.
            connector = aiohttp.TCPConnector(
                limit=0, keepalive_timeout=IDLE_SECONDS, ssl=self._context
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def close(self) -> None:
        """Closes all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _ask(self, request: Request, timeout: aiohttp.ClientTimeout) -> Any:
        return self._open().request(
            request.method,
            URL(self._address.url + request.target, encoded=True),
            data=request.body,
            headers=self._address.headers(request),
            allow_redirects=False,
            timeout=timeout,
        )

    async def exchange(self, request: Request, timeout: float) -> Answer:
        """The reply, or how it failed."""
        try:
            async with self._ask(request, aiohttp.ClientTimeout(total=timeout)) as response:
                body = await response.read()
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status, headers, body)
        except FAILURES as error:
            return _broken(error)

    @asynccontextmanager
    async def stream(self, request: Request, timeout: float) -> AsyncIterator[AsyncStream]:
        """A response to be read piece by piece; StreamBroken when there is none."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=timeout)
        try:
            response = await asyncio.wait_for(self._ask(request, limits).__aenter__(), timeout)
        except FAILURES as error:
            raise StreamBroken(_broken(error)) from error
        try:
            yield AsyncStream(response)
        finally:
            response.close()

    async def run(self, flow: Flow[T]) -> T:
        """Does what a flow wants until it is done."""
        answer: Answer = None
        while True:
            try:
                effect = flow.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            answer = await self._do(effect)

    async def _do(self, effect: Effect) -> Answer:
        if isinstance(effect, Send):
            return await self.exchange(effect.request, effect.timeout)
        await asyncio.sleep(effect.seconds)
        return None
