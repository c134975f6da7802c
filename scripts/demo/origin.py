#!/usr/bin/env python3
"""origin - a small web server for the demo: a page to fetch, and a place to deliver to.

Prints `listening URL` once it serves. With a signing secret in ORIGIN_SECRET it verifies the
signature of what is delivered to /events, as Standard Webhooks says.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import threading
import time
import urllib.parse

PAGE = b"Hello from the origin. This page was fetched by a worker of Errand.\n"
TOLERANCE_SECONDS = 300
WAIT_SECONDS = 30


class Deliveries:
    """What was delivered, by path; a reader waits until there is something."""

    def __init__(self):
        self.changed = threading.Condition()
        self.by_path = {}

    def add(self, path, text):
        with self.changed:
            self.by_path.setdefault(path, []).append(text)
            self.changed.notify_all()

    def wait(self, path, count):
        with self.changed:
            self.changed.wait_for(lambda: len(self.by_path.get(path, [])) >= count, WAIT_SECONDS)
            return list(self.by_path.get(path, []))


def signature_verdict(secret, headers, body):
    """Says whether one of the signatures is that of the body, and recent."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    moment = headers.get("webhook-timestamp", "")
    signed = b".".join([headers.get("webhook-id", "").encode(), moment.encode(), body])
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    found = headers.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(expected, one) for one in found):
        return "WRONG SIGNATURE"
    if abs(time.time() - int(moment)) > TOLERANCE_SECONDS:
        return "TOO OLD"
    return "signature verified"


def describe_event(secret, headers, body):
    event = json.loads(body)
    job = event["data"]["job"]
    verdict = signature_verdict(secret, headers, body) if secret else "not signed"
    return f"{event['type']} for job {job['id']} ({verdict})"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/page":
            return self.answer(200, PAGE)
        if url.path == "/delivered":
            query = dict(urllib.parse.parse_qsl(url.query))
            found = self.server.deliveries.wait(query["to"], int(query.get("count", "1")))
            return self.answer(200 if found else 504, "\n".join(found).encode())
        return self.answer(404, b"no such page\n")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path == "/events":
            text = describe_event(self.server.secret, self.headers, body)
        else:
            text = f"{self.headers.get('content-type')}: {body.decode(errors='replace')}"
        self.server.deliveries.add(self.path, text)
        self.answer(200, b"thank you\n")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.deliveries = Deliveries()
    server.secret = os.environ.get("ORIGIN_SECRET")
    print(f"listening http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
