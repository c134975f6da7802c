"""Verifies signatures as Standard Webhooks says, written from its text."""

import base64
import hashlib
import hmac
import os


def new_secret():
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def is_signed_by(secret, headers, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split(" ")
