"""The queue API that one would write with aiohttp: an asyncio.Queue and a dict, all in memory.

POST /v1/jobs takes a job and answers with its id, GET /v1/jobs/{id}/result with what became of it.
"""

import asyncio
import contextlib
import signal
import uuid

from aiohttp import web

results: dict[str, dict] = {}
queue: asyncio.Queue = asyncio.Queue()


async def submit(request: web.Request) -> web.Response:
    job = await request.json()
    if not isinstance(job, dict) or "kind" not in job:
        raise web.HTTPBadRequest(text="a job has a kind")
    job_id = str(uuid.uuid4())
    await queue.put((job_id, job))
    answer = {"id": job_id, "state": "READY"}
    return web.json_response(answer, status=201, headers={"Location": f"/v1/jobs/{job_id}"})


async def result(request: web.Request) -> web.Response:
    found = results.get(request.match_info["id"])
    if found is None:
        raise web.HTTPNotFound(text="no such job")
    return web.json_response(found)


async def main() -> None:
    app = web.Application()
    app.add_routes([web.post("/v1/jobs", submit), web.get("/v1/jobs/{id}/result", result)])
    results["done"] = {"id": "done", "state": "SUCCEEDED", "result": {"value": {"ok": True}}}
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"listening http http://{host}:{port}", flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
