"""An authority of the test's own, and the certificates that it signs. Needs openssl."""

import pathlib
import subprocess


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Certificate:
    """Files in PEM: `cert` and `key`."""

    def __init__(self, folder, name):
        self.cert = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"


class Authority:
    def __init__(self, folder, name="authority"):
        self.folder = pathlib.Path(folder)
        self.own = Certificate(self.folder, name)
        # fmt: off
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", self.own.key, "-out", self.own.cert, "-days", "30", "-subj", f"/CN={name}",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )
        # fmt: on

    @property
    def ca(self):
        return self.own.cert

    def sign(self, name, names=(), days=30):
        """A certificate for the names, such as `DNS:localhost` or `IP:127.0.0.1`."""
        made = Certificate(self.folder, name)
        request = self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={','.join(names)}\n" if names else "")
        # fmt: off
        openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", made.key, "-out", request, "-subj", f"/CN={name}",
        )
        openssl(
            "x509", "-req", "-in", request, "-CA", self.own.cert, "-CAkey", self.own.key,
            "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", made.cert,
        )
        # fmt: on
        return made
