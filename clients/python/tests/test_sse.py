"""Server-Sent Events, and following a job over streams that break."""

import json

import pytest

import errand
from errand import errors
from errand._flow import Broken, Deadline, Reply
from errand._sse import Following, FollowingQueue, Parser

RUNNING = {"id": "x", "state": "RUNNING", "revision": "2"}
ENDED = {"id": "x", "state": "SUCCEEDED", "revision": "4"}
STREAM = (
    ": waiting\n\n"
    f"event: state\nid: 2\ndata: {json.dumps(RUNNING)}\n\n"
    'event: progress\r\nid: 3\r\ndata: {"done":"1"}\r\n\r\n'
    f"event: news\nid: 9\ndata: {{}}\n\nevent: state\nid: 4\ndata: {json.dumps(ENDED)}\n\n"
).encode()


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_are_the_same_however_they_are_cut(size):
    parser = Parser()
    pieces = [STREAM[n : n + size] for n in range(0, len(STREAM), size)]
    events = [event for piece in pieces for event in parser.feed(piece)]
    assert [(event.name, event.id) for event in events] == [
        ("state", "2"), ("progress", "3"), ("news", "9"), ("state", "4"),
    ]  # fmt: skip


def test_data_of_several_lines_is_one():
    (event,) = Parser().feed(b"data: a\ndata:b\n\n")
    assert (event.name, event.data) == ("message", "a\nb")


def test_a_job_is_followed_to_its_end_and_unknown_events_are_passed_over():
    following = Following("x", Deadline(60))
    assert following.opened(200)
    assert [event.revision for event in following.feed(STREAM)] == [2, 3, 4]
    assert following.ended


def test_a_broken_stream_is_taken_up_where_it_was():
    following = Following("x", Deadline(60))
    assert "Last-Event-ID" not in following.request().headers
    list(following.feed(STREAM[: STREAM.index(b"event: progress") + 20]))
    assert not following.ended
    assert 0 < following.broken(Broken("reset")) < 1
    assert following.request().headers["Last-Event-ID"] == "2"
    (event,) = following.feed(b'event: progress\nid: 3\ndata: {"done": "5"}\n\n')
    assert event.progress.done == 5


def test_204_means_that_there_is_no_more():
    following = Following("x", Deadline(60))
    assert not following.opened(204)
    assert following.ended


def test_refusals_are_raised_unless_trying_again_helps():
    following = Following("x", Deadline(60))
    busy = Reply(503, {"retry-after": "5"}, b'{"code": "UNAVAILABLE"}')
    assert following.refused(busy) == 5
    with pytest.raises(errors.NotFound):
        following.refused(Reply(404, {}, b'{"code": "NOT_FOUND"}'))
    with pytest.raises(errors.DeadlineExceeded):
        Following("x", Deadline(1)).refused(busy)
    with pytest.raises(errors.DeadlineExceeded):
        Following("x", Deadline(0)).timeout()


QUEUE_STREAM = (
    b": waiting\n\n"
    b'event: queue\nid: a-1-1\ndata: {"name": "mail", "depth": {"READY": "2"}}\n\n'
    b'event: job\nid: a-2-1\ndata: {"id": "x", "kind": "k", "state": "RUNNING", "attempt": 1, '
    b'"revision": "2", "time": "2026-01-02T03:04:05Z"}\n\n'
    b"event: news\nid: a-3-1\ndata: {}\n\n"
    b'event: reset\nid: b-1-0\ndata: {"reason": "restarted"}\n\n'
)


def test_a_queue_is_followed_without_an_end():
    following = FollowingQueue("mail", Deadline(60))
    assert following.request().target == "/v1/queues/mail/events"
    assert following.opened(200)
    queue, job, missing = following.feed(QUEUE_STREAM)
    assert queue.queue.name == "mail" and queue.queue.depth == {errand.State.READY: 2}
    assert (job.id, job.kind, job.state) == ("x", "k", errand.State.RUNNING)
    assert (job.attempt, job.revision, job.time.year, job.deleted) == (1, 2, 2026, False)
    assert missing.reason == "restarted"
    assert not following.ended
    assert following.request().headers["Last-Event-ID"] == "b-1-0"
