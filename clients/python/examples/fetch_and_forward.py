"""Fetch and forward: POST / {"url": ..., "to": ...} is answered at once with an id. In the
background the URL is fetched, with retries, and what it answered is posted on.

    python fetch_and_forward.py            # with errandd on this host

What was accepted survives a restart of this service, of errandd, and of the receiver."""

import os
from collections.abc import AsyncIterator

from aiohttp import web

import errand

JOBS_URL = os.environ.get("JOBS_URL", "http://127.0.0.1:6780")


async def forward(request: web.Request) -> web.Response:
    """Takes a URL, and where its content is to go."""
    wanted = await request.json()
    target = errand.Callback(wanted["to"], format="RAW", on=["SUCCEEDED"])
    try:
        job = await request.app["jobs"].fetch(wanted["url"], callback=target)
    except errand.InvalidArgument as error:
        raise web.HTTPBadRequest(text=error.message) from error
    return web.json_response({"id": job.id}, status=202)


async def jobs(app: web.Application) -> AsyncIterator[None]:
    """A client as long as the application runs."""
    async with errand.AsyncClient(JOBS_URL) as app["jobs"]:
        yield


def make_app() -> web.Application:
    """The service."""
    app = web.Application()
    app.cleanup_ctx.append(jobs)
    app.router.add_post("/", forward)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
