"""Server-Sent Events, read as an EventSource does."""

import collections
import json

from harness.http_api import HttpApi

Event = collections.namedtuple("Event", "name id data")


class EventStream:
    def __init__(self, url, path, last_id=None, headers=()):
        self.connection = HttpApi(url).connect(60)
        sent = dict(headers)
        if last_id is not None:
            sent["Last-Event-ID"] = str(last_id)
        self.connection.request("GET", path, headers=sent)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.last_id = last_id

    def next(self):
        """The next event; None at the end. Comments are passed over."""
        fields = {}
        while True:
            line = self.response.readline().decode()
            if not line:
                return None
            if line == "\n" and fields:
                self.last_id = fields["id"]
                return Event(fields["event"], fields["id"], json.loads(fields["data"]))
            if line != "\n" and not line.startswith(":"):
                name, value = line.rstrip("\n").split(": ", 1)
                fields[name] = value

    def until(self, wanted):
        """All events up to the first one that is wanted."""
        events = []
        while True:
            event = self.next()
            assert event is not None, events
            events.append(event)
            if wanted(event):
                return events

    def close(self):
        self.connection.close()
