"""Bearer tokens: the configuration that knows them, and clients that have them."""

import hashlib
import secrets

import yaml

from harness.cli import Cli
from harness.http_api import HttpApi
from harness.rpc import RpcClient


def new_token():
    return "errand_" + secrets.token_hex(32)


def hash_of(token):
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


class Tokens:
    """A configuration file whose tokens can be changed."""

    def __init__(self, file):
        self.file = file
        self.rows = {}
        self.texts = {}

    def add(self, name, *scopes, queues=None):
        token = new_token()
        self.texts[name] = token
        self.rows[name] = {"hash": hash_of(token), "scopes": list(scopes)}
        if queues is not None:
            self.rows[name]["queues"] = list(queues)
        self.write()
        return token

    def write(self):
        self.file.write_text(yaml.safe_dump({"tokens": self.rows}))

    @property
    def flags(self):
        return ["--config", str(self.file)]


def bearer(token):
    return {"authorization": f"Bearer {token}"}


class TokenRpc(RpcClient):
    """An RPC client that sends a token with each call."""

    def __init__(self, url, token):
        super().__init__(url)
        self.token = token

    def start_raw(self, method, payload, timeout=60, metadata=None):
        metadata = {**bearer(self.token), **(metadata or {})}
        return super().start_raw(method, payload, timeout, metadata)


class TokenApi(HttpApi):
    """The HTTP API, with a token."""

    def __init__(self, url, token):
        super().__init__(url)
        self.token = token

    def request(self, method, path, body=None, headers=None, timeout=90):
        return super().request(
            method, path, body, {**bearer(self.token), **(headers or {})}, timeout
        )


def cli_with(server, token):
    cli = Cli(server.rpc)
    cli.environment["ERRAND_TOKEN"] = token
    return cli
