"""The client for asyncio with a real server. What it has in common with the blocking one is tested
there: both are driven by the same flows."""

import asyncio
import inspect

import pytest

import errand


def test_it_has_the_calls_of_the_blocking_client():
    def calls(kind):
        return {
            name: [p.name for p in inspect.signature(call).parameters.values()]
            for name, call in inspect.getmembers(kind, callable)
            if not name.startswith("_")
        }

    assert calls(errand.AsyncClient) == calls(errand.Client)
    assert calls(errand.AsyncJob) == calls(errand.Job)
    for name in calls(errand.Client):
        call = getattr(errand.AsyncClient, name)
        awaited = inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)
        assert awaited or name == "job", name


def test_the_life_of_jobs(errand_server, run):
    async def live():
        async with errand.AsyncClient(errand_server.url) as client:
            page = await client.fetch(errand_server.url + "/healthz")
            events = [event async for event in page.watch(30)]
            assert events[-1].job.state is errand.State.SUCCEEDED
            assert (await page.result(30)).status == 200
            assert await page.output(30) == b'{"status":"ok"}'
            assert [event async for event in page.watch(30)]
            job = await client.submit("k", {"x": 1})
            assert (await job.get(full=True)).args == {"x": 1}
            assert (await job.explain()).state is errand.State.READY
            assert (await job.cancel()).state is errand.State.CANCELLED
            assert (await job.retry()).state is errand.State.READY
            with pytest.raises(TimeoutError):
                await job.result(0.1)
            with pytest.raises(errand.DeadlineExceeded):
                [event async for event in job.watch(0.2)]
            await job.delete()
            with pytest.raises(errand.NotFound):
                await job.get()
            with pytest.raises(errand.NotFound):
                [event async for event in job.watch()]

    run(live())


def test_many_jobs_queues_and_the_server(errand_server, run):
    async def live():
        async with errand.AsyncClient(errand_server.url) as client:
            specs = [errand.job("k", n, queue="q") for n in range(50)]
            jobs = await client.submit_many(specs, chunk=20, progress=False)
            assert [info.id async for info in client.list(queue="q", page_size=20)] == [
                job.id for job in reversed(jobs)
            ]
            assert await client.cancel_many(queue="q") == 50
            assert await client.retry_many(queue="q") == 50
            assert (await client.update_queue("q", max_running=2)).max_running == 2
            assert (await client.pause_queue("q")).paused
            assert not (await client.resume_queue("q")).paused
            assert await client.purge_queue("q") == 50
            assert [queue.name for queue in await client.queues()] == ["q"]
            assert (await client.stats()).jobs == {}
            assert len(await client.workers()) <= 1
            assert (await client.server_info()).health == "serving"
            with pytest.raises(errand.BatchError):
                await client.submit_many([errand.job("k", queue="bad name")])

    run(live())


def test_a_hundred_wait_at_once(errand_server, run):
    async def live():
        async with errand.AsyncClient(errand_server.url) as client:
            url = errand_server.url + "/healthz"
            jobs = await asyncio.gather(*[client.fetch(url, delay=0.5) for _ in range(100)])
            pages = await asyncio.gather(*[job.result(60) for job in jobs])
            assert {page.status for page in pages} == {200}

    run(live())


def test_a_queue_is_watched(run, errand_server):
    async def live():
        async with errand.AsyncClient(errand_server.url) as client:
            await client.submit("k", queue="mail")
            with pytest.raises(errand.DeadlineExceeded):
                async for event in client.watch_queue("mail", timeout=1.5):
                    assert isinstance(event, errand.QueueChange) and event.queue.name == "mail"

    run(live())


def test_no_server_is_unavailable_within_the_deadline(run):
    async def live():
        async with errand.AsyncClient("http://127.0.0.1:9", timeout=0.3) as client:
            with pytest.raises(errand.Unavailable):
                await client.stats()
            with pytest.raises(errand.DeadlineExceeded):
                [event async for event in client.watch("x", timeout=0.3)]

    run(live())
