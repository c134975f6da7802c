#!/usr/bin/env python3
"""floors_test - the floors check finds what it is there to find."""

import pathlib
import tempfile
import unittest

import floors


def tree(files):
    """The breaches of a tree with these files: {path: text}."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return floors.breaches(root)


class FloorsTest(unittest.TestCase):
    def test_a_lower_floor_and_the_own_folder_are_fine(self):
        self.assertEqual(tree({
            "src/base/status.h": "",
            "src/store/store.h": '#include "base/status.h"\n#include <sqlite3.h>\n',
            "src/store/x.c": '#include "store/store.h"\n#include "errand/v1/job.pb-c.h"\n',
            "src/errandd.c": '#include "store/store.h"\n',
        }), [])

    def test_a_higher_floor_is_a_breach(self):
        self.assertEqual(tree({
            "src/store/store.h": "",
            "src/job/row.c": '#include "store/store.h"\n',
        }), ["src/job/row.c: includes src/store/store.h, which is not on a lower floor"])

    def test_the_same_floor_is_a_breach(self):
        self.assertEqual(len(tree({
            "src/rpc/wire.h": "",
            "src/job/row.c": '#  include  "../rpc/wire.h"\n',
        })), 1)

    def test_a_client_includes_nothing_of_the_server(self):
        self.assertEqual(tree({
            "src/engine/engine.h": "",
            "gateway/main.c": '#include "engine/engine.h"\n',
        }), ["gateway/main.c: includes src/engine/engine.h, but a client knows only the API"])

    def test_base_includes_no_messages(self):
        self.assertEqual(tree({"src/base/x.c": "#include <errand/v1/job.pb-c.h>\n"}),
                         ["src/base/x.c: includes proto/errand/v1/job.pb-c.h, "
                          "but base stands on libc alone"])

    def test_a_foreign_library_outside_of_its_owner_is_a_breach(self):
        self.assertEqual(tree({"src/engine/x.c": "#include <sqlite3.h>\n"}),
                         ["src/engine/x.c: sqlite3.h is not for this folder"])

    def test_a_library_in_more_files_than_allowed_is_a_breach(self):
        self.assertEqual(len(tree({
            "gateway/a.c": "#include <civetweb.h>\n",
            "gateway/b.c": "#include <civetweb.h>\n",
            "gateway/c.c": "#include <civetweb.h>\n",
        })), 1)

    def test_a_header_that_does_not_exist_is_a_breach(self):
        self.assertEqual(tree({"src/base/x.c": '#include "base/gone.h"\n'}),
                         ['src/base/x.c: "base/gone.h" is not found'])


if __name__ == "__main__":
    unittest.main()
