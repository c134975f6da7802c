"""A TCP forwarder whose connections can be cut."""

import socket
import threading
import urllib.parse


class Forwarder:
    def __init__(self, url):
        target = urllib.parse.urlsplit(url)
        self.target = (target.hostname, target.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock = threading.Lock()
        self.pairs = []
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
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def heads(self, part):
        """The first requests of connections that have this in them."""
        with self.lock:
            return [head for head in self.sent if part in head]

    def cut(self):
        """Every connection breaks off."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.listener.close()
        self.cut()
