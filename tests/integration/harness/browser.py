"""A real browser with a page of ours that tells what its event streams tell it."""

import http.server
import json
import os
import shutil
import signal
import subprocess
import threading

CHROMIUM = shutil.which("chromium")

PAGE = """<!doctype html><title>events</title><script>
const streams = %s;
let last = Promise.resolve();
function tell(what) {
  last = last.then(() => fetch("/seen", {method: "POST", body: JSON.stringify(what)}));
}
for (const [stream, url, names] of streams) {
  const source = new EventSource(url);
  source.onopen = () => tell({stream, name: "open"});
  source.onerror = () => tell({stream, name: "error", closed: source.readyState === EventSource.CLOSED});
  for (const name of names) {
    source.addEventListener(name, (event) =>
      tell({stream, name, id: event.lastEventId, data: JSON.parse(event.data)}));
  }
}
</script>"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(self.server.page.encode(), "text/html")

    def do_POST(self):
        what = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.seen.append(what)
        self.answer(b"{}", "application/json")

    def log_message(self, *_):
        pass


class Browser:
    """Its page is at `origin`, and opens the streams given: (name, url, names of events)."""

    def __init__(self, folder):
        self.folder = folder
        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.web.lock, self.web.seen, self.web.page = threading.Lock(), [], ""
        self.origin = f"http://127.0.0.1:{self.web.server_address[1]}"
        self.process = None
        threading.Thread(target=self.web.serve_forever, daemon=True).start()

    def show(self, streams):
        self.web.page = PAGE % json.dumps(streams)
        self.process = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
             "--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={self.folder}",
             self.origin + "/"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )

    def seen(self, stream, *names):
        """What a stream has told so far, in order."""
        with self.web.lock:
            return [one for one in self.web.seen if one["stream"] == stream and one["name"] in names]

    def close(self):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.web.shutdown()
        self.web.server_close()
