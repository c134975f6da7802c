"""Certificates for tests, made by openssl."""

import subprocess

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    """Signs certificates; `file` is its own."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.file = folder / f"{name}.crt"
        self.key = folder / f"{name}.key"
        openssl(
            "req", "-x509", *EC, "-keyout", self.key, "-out", self.file,
            "-subj", f"/CN={name}", "-days", 2,
        )  # fmt: skip

    def sign(self, name, host="localhost", days=2):
        """Files of a certificate and its key. days -1: one that has run out."""
        cert, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{host}\n")
        openssl("req", *EC, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        openssl(
            "x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
            "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", cert,
        )  # fmt: skip
        return cert, key
