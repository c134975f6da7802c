#!/usr/bin/python3
"""A fetch-and-forward program as one writes it in an afternoon, to compare with: POST a URL, it is
fetched in a pool of threads, what came is put into a deque, and a task in the background posts it on.
Nothing is kept, nothing is tried again.

    forward_peer.py THREADS SINK-URL"""

import asyncio
import collections
import concurrent.futures
import signal
import sys
import urllib.request

from aiohttp import ClientSession, web

EMPTY_PAUSE = 0.01  # seconds


def fetch(url):
    """The bytes behind a URL."""
    with urllib.request.urlopen(url) as answer:
        return answer.read()


async def forward(fetched, sink):
    """Posts on what is there, one after the other."""
    async with ClientSession() as session:
        while True:
            if not fetched:
                await asyncio.sleep(EMPTY_PAUSE)
                continue
            async with session.post(sink, data=fetched.popleft()) as answer:
                await answer.read()


async def serve(threads, sink):
    """Runs until SIGTERM."""
    loop = asyncio.get_running_loop()
    pool = concurrent.futures.ThreadPoolExecutor(threads)
    fetched, running = collections.deque(), set()

    async def run(url):
        fetched.append(await loop.run_in_executor(pool, fetch, url))

    async def take(request):
        task = asyncio.create_task(run((await request.json())["url"]))
        running.add(task)
        task.add_done_callback(running.discard)
        return web.Response(status=202, text="{}")

    app = web.Application()
    app.router.add_post("/jobs", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    forwarding = asyncio.create_task(forward(fetched, sink))
    print(f"listening http http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}", flush=True)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    forwarding.cancel()
    await runner.cleanup()
    pool.shutdown(wait=False, cancel_futures=True)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
