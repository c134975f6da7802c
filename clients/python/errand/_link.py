"""The calls of a worker: each is made once, for the engine decides what to do when one fails."""

from __future__ import annotations

import asyncio
from typing import Any

from ._aiohttp import AsyncConnections
from ._flow import Broken, Request, error_of
from .errors import Code, Status, Unavailable


class Link:
    """Calls over these connections. `parked` are the Leases that wait for their answer."""

    def __init__(self, connections: AsyncConnections) -> None:
        self.parked: set[asyncio.Task[Any]] = set()
        self._connections = connections

    async def close(self) -> None:
        """Closes the connections."""
        await self._connections.close()

    async def post(self, verb: str, body: bytes, timeout: float) -> Any:
        """The answer to POST /v1/work:VERB. CallError when it fails, or takes longer."""
        headers = {"Content-Type": "application/json"}
        wanted = Request("POST", f"/v1/work:{verb}", body, headers)
        answer = await self._connections.exchange(wanted, timeout)
        if isinstance(answer, Broken):
            raise Unavailable(Status(Code.UNAVAILABLE, answer.reason))
        assert answer is not None
        if answer.status >= 400:
            raise error_of(answer)
        return answer.json()

    async def park(self, body: bytes, timeout: float) -> Any:
        """The answer to a Lease that waits. CallError too when `renew` is called meanwhile."""
        parked = asyncio.get_running_loop().create_task(self.post("lease", body, timeout))
        self.parked.add(parked)
        try:
            await asyncio.wait({parked})
        finally:
            self.parked.discard(parked)
            parked.cancel()
        if parked.cancelled():
            raise Unavailable(Status(Code.UNAVAILABLE, "the connection was lost meanwhile"))
        return parked.result()

    def renew(self) -> None:
        """Gives up the Leases that wait, for their connections may be dead."""
        for parked in self.parked:
            parked.cancel()
