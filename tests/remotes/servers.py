"""Real servers for remotes, on this machine: S3 (moto's) and OpenSSH's."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.remotes.repository import DVC

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin:/usr/local/sbin")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _process(command: list[str], port: int, log: Path) -> Iterator[None]:
    """A server from when it answers until the end of the test."""
    with log.open("w") as written:
        server = subprocess.Popen(command, stdout=written, stderr=written)
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text()
            with socket.socket() as tried:
                if not tried.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.1)
        else:
            raise AssertionError(f"no answer on port {port}: {log.read_text()}")
        yield
    finally:
        server.terminate()
        server.wait(30)


@dataclass(frozen=True)
class S3:
    """An S3 server with one bucket."""

    url: str
    bucket: str
    key: str
    secret: str


_BUCKET = """
import boto3, sys
url, bucket, key, secret = sys.argv[1:]
boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=key,
             aws_secret_access_key=secret).create_bucket(Bucket=bucket)
"""


@contextmanager
def s3(folder: Path) -> Iterator[S3]:
    """moto's server: it speaks S3 over HTTP, and keeps what it holds in memory."""
    port = free_port()
    made = S3(f"http://127.0.0.1:{port}", "cadnet", "a-key-of-the-test", "a-secret-of-the-test")
    command = [str(DVC.with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with _process(command, port, folder / "moto.log"):
        python = str(DVC.with_name("python"))
        create = [python, "-c", _BUCKET, made.url, made.bucket, made.key, made.secret]
        subprocess.run(create, check=True)
        yield made


@dataclass(frozen=True)
class SSH:
    """An SSH server that lets in who has one key."""

    port: int
    user: str
    keyfile: Path


@contextmanager
def ssh(folder: Path) -> Iterator[SSH]:
    """OpenSSH's server with a host key and an authorised key of its own, SFTP and nothing else."""
    assert SSHD, "no sshd here: apt-get install openssh-server"
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    port, user = free_port(), getpass.getuser()
    if user == "root":
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd wants it, its service makes it
    settings = folder / "sshd_config"
    settings.write_text(f"""\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
ForceCommand internal-sftp
""")
    with _process([SSHD, "-D", "-e", "-f", str(settings)], port, folder / "sshd.log"):
        yield SSH(port, user, folder / "user")
