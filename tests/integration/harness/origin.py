"""A web server that behaves as a test asks it to, and remembers what it got.

/ok /echo /status/N /slow/SECONDS /hang /close /big/BYTES /loop /redirect?to=URL
/stall/...    hangs for the addresses in `stalled`, until they are let go
/flaky/N/...  fails N times with 503 (?retry-after=S), then answers
/deliver/...  answers 200; /refuse/N/... answers with status N
"""

import http.server
import json
import threading
import time
import urllib.parse

from harness.waiting import DEADLINE_SECONDS


class Received:
    """One request."""

    def __init__(self, peer, method, path, headers, body):
        self.peer = peer  # address of who asked
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.time = time.time()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        count = self.server.origin.remember(self.received(url.path, body))
        name, *words = url.path.strip("/").split("/")
        action = getattr(self, "do_" + name, None)
        if action is None:
            return self.answer(404, b"no such page")
        return action(words, body, count)

    def received(self, path, body):
        return Received(self.client_address[0], self.command, path, self.headers, body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = handle_any

    def answer(self, status, body, headers=(), content_type="text/plain"):
        self.send_response_only(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_ok(self, words, body, count):
        self.answer(200, self.query.get("body", "ok").encode(), content_type="text/x-ok")

    def do_echo(self, words, body, count):
        seen = {
            "method": self.command,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("latin-1"),
        }
        self.answer(200, json.dumps(seen).encode(), content_type="application/json")

    def do_status(self, words, body, count):
        self.answer(int(words[0]), b"as you asked")

    do_refuse = do_status

    def do_deliver(self, words, body, count):
        self.answer(200, b"")

    def do_slow(self, words, body, count):
        self.server.origin.released.wait(float(words[0]))
        self.answer(200, b"slow but sure")

    def do_hang(self, words, body, count):
        self.server.origin.released.wait(DEADLINE_SECONDS)
        self.close_connection = True

    def do_stall(self, words, body, count):
        self.server.origin.wait_while_stalled(self.client_address[0])
        self.answer(200, b"done")

    def do_close(self, words, body, count):
        self.close_connection = True

    def do_big(self, words, body, count):
        left = int(words[0])
        self.send_response_only(200)
        self.send_header("content-length", str(left))
        self.end_headers()
        block = b"x" * 65536
        try:
            while left > 0:
                self.wfile.write(block[:left])
                left -= len(block)
        except OSError:
            self.close_connection = True

    def do_half(self, words, body, count):
        """Sends half of so many bytes, and the rest when the test lets go."""
        half = int(words[0]) // 2
        self.send_response_only(200)
        self.send_header("content-length", str(2 * half))
        self.end_headers()
        self.wfile.write(b"x" * half)
        self.server.origin.released.wait(DEADLINE_SECONDS)
        self.wfile.write(b"x" * half)

    def do_loop(self, words, body, count):
        self.answer(302, b"", [("location", "/loop")])

    def do_redirect(self, words, body, count):
        self.answer(302, b"", [("location", self.query["to"])])

    def do_flaky(self, words, body, count):
        if count > int(words[0]):
            return self.answer(200, b"at last")
        after = self.query.get("retry-after")
        return self.answer(503, b"not yet", [("retry-after", after)] if after else [])

    def log_message(self, format, *args):
        pass


class WebServer(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """Clients that are killed close their connections; nothing to tell."""


class Origin:
    def __init__(self, host="127.0.0.1"):
        self.changed = threading.Condition()
        self.received = {}
        self.released = threading.Event()
        self.stalled = set()
        self.server = WebServer((host, 0), Handler)
        self.server.origin = self
        self.url = f"http://{host}:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def remember(self, request):
        with self.changed:
            requests = self.received.setdefault(request.path, [])
            requests.append(request)
            self.changed.notify_all()
            return len(requests)

    def wait_while_stalled(self, peer):
        with self.changed:
            self.changed.wait_for(lambda: peer not in self.stalled, 3 * DEADLINE_SECONDS)

    def let_go(self, but=()):
        with self.changed:
            self.stalled = set(but)
            self.changed.notify_all()

    def count_by_peer(self):
        with self.changed:
            seen = [request.peer for requests in self.received.values() for request in requests]
        return {peer: seen.count(peer) for peer in seen}

    def requests(self, path):
        with self.changed:
            return list(self.received.get(path, []))

    def wait_for(self, path, count=1, seconds=DEADLINE_SECONDS):
        """The requests to a path, once there are so many."""
        with self.changed:
            there = self.changed.wait_for(lambda: len(self.received.get(path, [])) >= count, seconds)
            found = list(self.received.get(path, []))
        assert there, f"{path}: {len(found)} of {count} requests after {seconds} s"
        return found

    def close(self):
        self.released.set()
        self.let_go()
        self.server.shutdown()
        self.server.server_close()
