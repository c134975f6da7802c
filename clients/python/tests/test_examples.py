"""The examples work: each as its text says, with a real server."""

import contextlib
import http.server
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading

import pytest

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
PROTO = pathlib.Path(__file__).parents[3] / "proto"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the path says, and keeps what is posted."""

    def do_GET(self):
        web = self.server.web
        web.asked.append(self.path)
        number = web.asked.count(self.path)
        status, body = 200, b'{"ok": true}'
        if self.path.startswith("/orders/") and number < 4:
            status, body = [429, 500, 503][number - 1], b"not now"
        if self.path == "/orders/13":
            status, body = 422, b"unlucky"
        self.send_response(status)
        if status in (429, 503):
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.server.web.posted.append((self.path, body, self.headers["errand-job-id"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format, *args):
        pass


class Web:
    def __init__(self):
        self.asked, self.posted = [], []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.web = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web():
    made = Web()
    yield made
    made.close()


def load(name, monkeypatch, url):
    monkeypatch.setenv("JOBS_URL", url)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def example_worker(name, **environment):
    command = [sys.executable, "-m", "errand", "worker", f"{name}:worker"]
    process = subprocess.Popen(command, cwd=EXAMPLES, env={**os.environ, **environment})
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_fetch_and_forward(errand_server, web, monkeypatch, run, eventually):
    aiohttp = pytest.importorskip("aiohttp", reason="python3-aiohttp is not installed")
    from aiohttp.test_utils import TestServer

    module = load("fetch_and_forward", monkeypatch, errand_server.url)

    async def live():
        async with TestServer(module.make_app()) as server, aiohttp.ClientSession() as session:
            wanted = {"url": web.url + "/page", "to": web.url + "/inbox"}
            async with session.post(server.make_url("/"), json=wanted) as answer:
                assert answer.status == 202
                id = (await answer.json())["id"]
            async with session.post(server.make_url("/"), json={**wanted, "url": "x"}) as answer:
                assert answer.status == 400
        return id

    id = run(live())
    eventually(lambda: web.posted, "what is posted on")
    assert web.posted == [("/inbox", b'{"ok": true}', id)]


def test_queue_api(errand_server, monkeypatch, run):
    aiohttp = pytest.importorskip("aiohttp", reason="python3-aiohttp is not installed")
    pytest.importorskip("fastapi", reason="python3-fastapi is not installed")
    uvicorn = pytest.importorskip("uvicorn", reason="python3-uvicorn is not installed")
    import asyncio
    import socket

    module = load("queue_api", monkeypatch, errand_server.url)

    async def use(url):
        async with aiohttp.ClientSession() as session:
            async with session.post(url + "/", json={"text": "one two"}) as answer:
                assert answer.status == 202
                id = (await answer.json())["id"]
            while True:
                async with session.get(f"{url}/{id}") as answer:
                    told = await answer.json()
                if told["state"] not in ("READY", "RUNNING"):
                    break
                await asyncio.sleep(0.02)
            assert told == {
                "state": "SUCCEEDED",
                "result": {"words": 2, "letters": 6},
                "error": None,
            }
            async with session.get(f"{url}/no-such-job") as answer:
                assert answer.status == 404

    async def live():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = uvicorn.Server(uvicorn.Config(module.app, log_level="warning"))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            await use(f"http://127.0.0.1:{listener.getsockname()[1]}")
            server.should_exit = True
            await serving

    with example_worker("queue_api", JOBS_URL=errand_server.url):
        run(live())


def test_flaky_api(errand_server, web):
    environment = {"JOBS_URL": errand_server.url, "PARTNER_URL": web.url}

    def order(number):
        return subprocess.run(
            [sys.executable, "flaky_api.py", number],
            cwd=EXAMPLES,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    with example_worker("flaky_api", **environment):
        assert order("4711").stdout.strip() == "{'ok': True}"
        assert web.asked.count("/orders/4711") == 4
        assert "the partner refuses order 13" in order("13").stderr
        assert web.asked.count("/orders/13") == 1


@pytest.mark.parametrize("binding", ["pynng", "ctypes"])
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside-the-package"])
def test_the_rpc_with_nng_and_protobuf_alone(errand_server, tmp_path, binding, beside):
    pytest.importorskip("google.protobuf", reason="python3-protobuf is not installed")
    if shutil.which("protoc") is None:
        pytest.skip("protobuf-compiler is not installed")
    if binding == "pynng":
        pytest.importorskip("pynng", reason="pynng (from PyPI) is not installed")
    files = [str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto")]
    command = ["protoc", f"--proto_path={PROTO}", f"--python_out={tmp_path}", *files]
    subprocess.run(command, check=True)
    paths = [str(tmp_path), *(os.environ["PYTHONPATH"].split(os.pathsep) if beside else [])]
    hide = "import sys; sys.modules['pynng'] = None;" if binding == "ctypes" else "import sys;"
    run = "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    arguments = [str(EXAMPLES / "rpc.py"), errand_server.rpc, errand_server.url + "/healthz"]
    code = f"{hide} sys.argv = {arguments!r}; {run}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    body = json.dumps({"status": "ok"}, separators=(",", ":")).encode()
    assert done.stdout.strip() == f"SUCCEEDED 200 {body!r}", done.stderr
