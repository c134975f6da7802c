"""Where the server is, and what every request says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from ._flow import Request
from ._version import __version__

DEFAULT_URL = "http://127.0.0.1:6780"
USER_AGENT = f"errand-python/{__version__}"


class Address:
    """The gateway at `url`. The token, by default that of ERRAND_TOKEN, is never shown."""

    def __init__(
        self, url: str, token: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError(f"{url!r} is no http or https URL of an Errand gateway")
        self.url = url.rstrip("/")
        self.secure = parts.scheme == "https"
        self.host = parts.hostname
        self.port = parts.port or (443 if self.secure else 80)
        self.path = parts.path.rstrip("/")
        self._headers = {"User-Agent": USER_AGENT, **(headers or {})}
        token = token or os.environ.get("ERRAND_TOKEN")
        if token:
            if any(not "!" <= letter <= "~" for letter in token):  # such as the newline of a file
                raise ValueError(
                    "a token has visible characters of ASCII only; this one has others"
                )
            self._headers["Authorization"] = f"Bearer {token}"

    def headers(self, request: Request) -> dict[str, str]:
        """Everything that goes with a request."""
        return {**self._headers, **request.headers}

    def __repr__(self) -> str:
        return f"<{self.url}>"
