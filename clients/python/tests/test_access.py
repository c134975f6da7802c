"""Tokens."""

import hashlib

import pytest

import errand

SCOPES = {"shop": "submit,read", "worker": "work", "look": "read", "boss": "submit,read,work,admin"}


def token_of(name):
    return f"errand_{hashlib.sha256(name.encode()).hexdigest()[:40]}"


@pytest.fixture
def errand_server_flags(errand_server_flags, tmp_path):
    lines = ["tokens:"]
    for name, scopes in SCOPES.items():
        digest = hashlib.sha256(token_of(name).encode()).hexdigest()
        lines.append(f"  {name}: {{hash: 'sha256:{digest}', scopes: [{scopes}]}}")
    file = tmp_path / "errandd.yaml"
    file.write_text("\n".join(lines) + "\n")
    return [*errand_server_flags, f"--config={file}"]


def test_a_call_needs_a_token_with_its_scope(errand_server, monkeypatch, run):
    with pytest.raises(errand.Unauthenticated):
        errand_server.client().submit("k")
    with pytest.raises(errand.Unauthenticated):
        errand_server.client("wrong").submit("k")
    with pytest.raises(errand.PermissionDenied):
        errand_server.client(token_of("look")).submit("k")
    job = errand_server.client(token_of("shop")).submit("k")
    assert errand_server.client(token_of("look")).get(job).kind == "k"
    monkeypatch.setenv("ERRAND_TOKEN", token_of("shop"))
    assert errand_server.client().submit("k").get().kind == "k"

    async def live():
        async with errand.AsyncClient(errand_server.url, token=token_of("boss")) as client:
            assert await client.cancel_many(kind="k") == 2
            events = [event async for event in client.watch(job)]
            assert events[-1].job.state is errand.State.CANCELLED

    run(live())


@pytest.mark.parametrize("bad", ["secret\n", "two words", "s\u00e9cret", "a\0b"])
def test_a_token_that_is_none_is_refused_and_not_shown(bad):
    for maker in (errand.Client, errand.AsyncClient, errand.Worker):
        with pytest.raises(ValueError, match="visible characters") as caught:
            maker(token=bad)
        assert bad not in str(caught.value)


def test_a_worker_needs_one_that_may_work(errand_server):
    def worker_with(token):
        worker = errand.Worker(errand_server.url, token=token)
        worker.task(name="double")(lambda n: 2 * n)
        return worker

    for name, error in (("look", errand.PermissionDenied), ("nobody", errand.Unauthenticated)):
        worker = worker_with(token_of(name))
        worker.start()
        with pytest.raises(error):
            worker.wait_until_ready(30)
        with pytest.raises(error):
            worker.run()
        worker.stop()
    shop = errand_server.client(token_of("shop"))
    with worker_with(token_of("worker")):
        assert shop.submit("double", 21).result(30) == 42


def test_a_worker_that_is_refused_beside_an_application_says_so(errand_server, caplog):
    worker = errand.Worker(errand_server.url, token=token_of("look"))
    worker.task(name="k")(lambda: None)
    with worker, pytest.raises(errand.PermissionDenied):
        worker.wait_until_ready()
    assert "the server refuses this worker" in caplog.text
