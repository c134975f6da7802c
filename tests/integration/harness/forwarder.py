"""A TCP forwarder whose connections can be cut."""

import contextlib
import socket
import threading
import urllib.parse


def end_all(*sockets):
    """Ends them also for those that wait for them, which closing does not."""
    for one in sockets:
        with contextlib.suppress(OSError):  # it has ended already
            one.shutdown(socket.SHUT_RDWR)


class Forwarder:
    def __init__(self, url):
        target = urllib.parse.urlsplit(url)
        self.target = (target.hostname, target.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{target.scheme}://127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock = threading.Lock()
        self.pairs = []
        self.bytes = 0  # passed on, both ways
        self.sent = []  # what came from clients first, for each connection
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
            except OSError:
                return
            with self.lock:
                self.pairs.append((client, server))
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source, target, is_client):
        first = is_client
        try:
            while piece := source.recv(65536):
                if first:
                    first = False
                    with self.lock:
                        self.sent.append(piece.decode("latin-1"))
                target.sendall(piece)
                with self.lock:
                    self.bytes += len(piece)
        except OSError:
            pass
        end_all(source, target)

    def heads(self, part):
        """The first requests of connections that have this in them."""
        with self.lock:
            return [head for head in self.sent if part in head]

    def cut(self):
        """Every connection breaks off."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            end_all(*pair)

    def close(self):
        """New connections are refused, too."""
        end_all(self.listener)
        self.listener.close()
        self.cut()
