"""The HTTP API: one connection for each request."""

import http.client
import json
import urllib.parse

from harness import described


class Response:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def content_type(self):
        return self.headers.get("content-type", "").split(";")[0]

    def __repr__(self):
        return f"{self.status} {self.headers.get('content-type')} {self.body[:2000]!r}"


class HttpApi:
    def __init__(self, url):
        self.address = urllib.parse.urlsplit(url).netloc

    def connect(self, timeout=90):
        return http.client.HTTPConnection(self.address, timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=90):
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = Response(connection.getresponse())
        finally:
            connection.close()
        described.check(method, path, answer)
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, content, headers=None, **options):
        """Posts JSON, or bytes as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.request(
            "POST", path, body, {"content-type": "application/json", **(headers or {})}, **options
        )

    def submit(self, job, **options):
        """Submits a job that has to be accepted; gives the answer's Job."""
        answer = self.post("/v1/jobs", job, **options)
        assert answer.status in (200, 201), answer
        return answer.json()

    def result(self, job_id, wait=60):
        """Waits for the end of a job; gives GetResult's answer."""
        while True:
            answer = self.get(f"/v1/jobs/{job_id}/result?wait={min(wait, 55)}s")
            assert answer.status in (200, 202), answer
            if answer.status == 200:
                return answer.json()
            wait -= 55
            assert wait > 0, answer
