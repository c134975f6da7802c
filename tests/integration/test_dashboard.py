"""The dashboard: one page of our own, shown by a real browser where there is one."""

import re
import shutil
import subprocess

import pytest

from harness.tokens import Tokens

CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed (Debian: chromium)")
MARKUP = '<img src=x onerror="document.title=1">'


def test_the_page_and_all_it_loads_come_from_the_gateway(shared_api):
    page = shared_api.get("/")
    assert page.status == 200 and page.content_type == "text/html", page
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    text = page.body.decode()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert sorted(loaded) == ["dashboard.css", "dashboard.js", "data:,"]
    assert "<script>" not in text and "style=" not in text and " on" + "click" not in text
    for name, kind in (("dashboard.js", "text/javascript"), ("dashboard.css", "text/css")):
        part = shared_api.get("/" + name)
        assert part.status == 200 and part.content_type == kind, part
        assert b"://" not in part.body and b"innerHTML" not in part.body


def browse(url, folder):
    """The page as it is after some seconds of its own time, and what the browser had to say."""
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
         "--disable-background-networking", f"--user-data-dir={folder}", "--enable-logging=stderr",
         "--virtual-time-budget=6000", "--dump-dom", url],
        capture_output=True, text=True, timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@NEEDS_CHROMIUM
def test_a_browser_shows_queues_workers_and_jobs(api, origin, tmp_path):
    job = api.submit({"queue": "mail", "http": {"url": origin.url + "/ok"}})
    api.result(job["id"])
    waiting = api.submit({"queue": "later", "kind": "task", "delay": "3600s", "args": {"markup": MARKUP}})
    page, said = browse(f"http://{api.address}/", tmp_path / "profile")
    assert job["id"] in page and waiting["id"] in page, page
    assert re.search(r"<td>mail</td>", page) and re.search(r"<td>later</td>", page), page
    assert '<td class="SUCCEEDED">SUCCEEDED</td>' in page and '<td class="SCHEDULED">SCHEDULED</td>' in page
    assert re.search(r'id="server">[^<]+ · serving<', page), page
    assert "Content Security Policy" not in said and "Uncaught" not in said, said


@NEEDS_CHROMIUM
def test_without_a_token_where_one_is_needed_the_browser_says_so(start_server, tmp_path):
    tokens = Tokens(tmp_path / "tokens")
    tokens.add("look", "read")
    server = start_server(*tokens.flags)
    page, _ = browse(f"{server.http}/", tmp_path / "profile")
    alert = re.search(r'<p id="trouble" role="alert"( hidden="")?>([^<]*)</p>', page)
    assert alert and not alert[1] and "token" in alert[2], page
