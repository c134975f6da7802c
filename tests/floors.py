#!/usr/bin/env python3
"""floors - do folders include only what lies on lower floors, and foreign libraries only their owner?

Reads the #include lines of a source tree: floors.py [ROOT]. Prints every breach and exits 1 when
there is one.
"""

import pathlib
import re
import sys

# Longest match wins. Tests may include anything.
FLOORS = {
    "proto": 0,
    "src/base": 1,
    "src/rpc": 2,
    "src/json": 2,
    "src/job": 2,
    "src/store": 3,
    "src/engine": 4,
    "src/service": 5,
    "clients/c": 5,
    "src/worker": 6,
    "gateway": 6,
    "clients/cli": 6,
    "src": 7,
    "gateway/main.c": 7,
    "clients/cli/main.c": 7,
    "bench": 7,
}

# Clients reach the server by its API alone, so that they run on any host. The server's own code is
# as foreign to them as to anybody else, although it lies on lower floors.
CLIENTS = ("clients/c", "src/worker", "gateway", "clients/cli", "bench")
SERVER = ("src/store", "src/engine", "src/service")

# Header prefix, where it may be included, and in how many files at most (None: any number).
OWNERS = [
    ("nng/", ["src/rpc"], None),
    ("nng/", ["src/service"], 1),
    ("nng/", ["clients/c"], 1),
    ("nng/", ["bench"], None),
    ("sqlite3.h", ["src/store"], None),
    ("libpq-fe.h", ["bench"], 1),
    ("curl/", ["src/worker"], None),
    ("civetweb.h", ["gateway"], 2),
    ("civetweb.h", ["bench"], 1),
    ("zlib.h", ["gateway"], 1),
    ("jansson.h", ["src/json"], None),
    ("uv.h", ["clients/c", "src/worker", "clients/cli", "bench"], None),
    ("yaml.h", ["src/base"], 1),
    ("openssl/", ["src/base"], 1),
    ("openssl/", ["gateway"], 3),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def sources(root):
    """Every C file outside of tests, by its path from the root."""
    for folder in ("src", "gateway", "clients", "bench"):
        for path in sorted((root / folder).rglob("*.[ch]")):
            yield path.relative_to(root).as_posix()


def folder_of(path):
    """The entry of FLOORS that a path belongs to."""
    matches = [name for name in FLOORS if path == name or path.startswith(name + "/")]
    return max(matches, key=len, default=None)


def resolve(root, including, header):
    """The file that an include line means, by its path from the root; None: not one of ours."""
    if re.match(r"(errand|google)/.*\.pb-c\.h$", header):
        return "proto/" + header
    here = pathlib.PurePosixPath(including).parent
    for candidate in (here / header, "src/" + header, header, "clients/c/" + header):
        if (root / candidate).is_file():
            resolved = (root / candidate).resolve()
            return resolved.relative_to(root.resolve()).as_posix()
    return None


def floor_breach(including, included):
    """Why a file of ours must not include another one; None when it may."""
    upper, lower = folder_of(including), folder_of(included)
    if upper is None or lower is None:
        return f"{including}: {included} is on no floor (tests/floors.py lists them)"
    if upper == lower:
        return None
    if FLOORS[lower] >= FLOORS[upper]:
        return f"{including}: includes {included}, which is not on a lower floor"
    if including.startswith(tuple(f + "/" for f in CLIENTS)) and lower in SERVER:
        return f"{including}: includes {included}, but a client knows only the API"
    if upper == "src/base":
        return f"{including}: includes {included}, but base stands on libc alone"
    return None


def owner_breaches(uses):
    """Breaches of the rule that each foreign library has one owner; uses: (file, header) pairs."""
    for prefix in dict.fromkeys(prefix for prefix, _, _ in OWNERS):
        users = sorted({path for path, header in uses if header.startswith(prefix)})
        owned = set()
        for _, folders, cap in (row for row in OWNERS if row[0] == prefix):
            mine = [p for p in users if any(p.startswith(f + "/") for f in folders)]
            owned.update(mine)
            if cap is not None and len(mine) > cap:
                yield f"{', '.join(mine)}: {prefix} belongs to {cap} file(s) of {folders[0]}"
        for path in users:
            if path not in owned:
                yield f"{path}: {prefix} is not for this folder"


def breaches(root):
    """Everything that is wrong in a tree."""
    found, foreign = [], []
    for path in sources(root):
        text = (root / path).read_text(encoding="utf-8")
        for mark, header in INCLUDE.findall(text):
            included = resolve(root, path, header)
            if included:
                breach = floor_breach(path, included)
                if breach:
                    found.append(breach)
            elif mark == '"':
                found.append(f'{path}: "{header}" is not found')
            else:
                foreign.append((path, header))
    return found + list(owner_breaches(foreign))


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    found = breaches(root)
    for breach in found:
        print(breach)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
