"""HTTP as bytes: what a well-behaved library would never send."""

import socket
import urllib.parse

SECONDS = 60


class RawHttp:
    """One connection."""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self.host = address.netloc
        self.socket = socket.create_connection((address.hostname, address.port), SECONDS)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)
        return self

    def request(self, line, headers=(), body=b""):
        """A request with its Host and the header lines given."""
        lines = [line, f"Host: {self.host}", *headers]
        return self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        self.buffer += piece
        return bool(piece)

    def read_head(self):
        """Status and header fields of the next answer, names in lower case; None: closed."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                assert not self.buffer, self.buffer
                return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1.1 "), first
        fields = [line.split(": ", 1) for line in lines]
        return int(first.split()[1]), {name.lower(): value for name, value in fields}

    def read_answer(self):
        """Status, header fields and body of an answer with a Content-Length; None: closed."""
        head = self.read_head()
        if head is None:
            return None
        size = int(head[1].get("content-length", 0))
        while len(self.buffer) < size:
            assert self.more(), "the answer is cut off"
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        return *head, body

    def is_closed(self):
        """Reads to the end: nothing more may come, and the connection goes."""
        while self.more():
            pass
        return not self.buffer

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
