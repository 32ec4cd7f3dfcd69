"""A PostgreSQL cluster of its own in a folder, from Debian's package.

Only a socket leads to it, in a folder that is its owner's, and only the operating system says who
asks (peer authentication): there is no port, and no password that could show anywhere.
"""

from __future__ import annotations

import getpass
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

ROLE = "mlflow"
_DEBIAN = Path("/usr/lib/postgresql")
_SOCKET = ".s.PGSQL.5432"


class PostgresError(Exception):
    """The cluster cannot be had; the message says why and what to do."""


def programs(version: str | None = None) -> Path | None:
    """The folder of Debian's programs: those of a major version, else the newest; None: none."""
    found = [p.parent for p in _DEBIAN.glob(f"{version or '*'}/bin/initdb")]
    if not found and version is None and (elsewhere := shutil.which("initdb")):
        return Path(elsewhere).resolve().parent
    return max(found, key=lambda p: int(p.parent.name), default=None)


class Cluster:
    """The cluster in a folder; made at its first start, kept by all later ones.

    Called by root, it belongs to ``postgres``, the user that Debian's package made: PostgreSQL
    refuses to run as root.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.owner = "postgres" if os.getuid() == 0 else None
        if len(str(self.folder / _SOCKET).encode()) > 107:
            raise PostgresError(f"{self.folder}: too long for a socket; choose a shorter --folder")

    def url(self, database: str) -> str:
        """What SQLAlchemy connects to; it holds no password, since there is none."""
        return f"postgresql+psycopg2://{ROLE}@/{database}?host={quote(str(self.folder), safe='/')}"

    def _run(self, name: str, *arguments: str, check: bool = True) -> tuple[int, str]:
        """One of the programs, as the cluster's owner → its exit status and what it said."""
        version = self.data / "PG_VERSION"
        wanted = version.read_text().strip() if version.is_file() else None
        folder = programs(wanted)
        if folder is None:
            package = f"postgresql-{wanted}" if wanted else "postgresql"
            raise PostgresError(f"no PostgreSQL {wanted or ''}: apt-get install {package}")
        done = subprocess.run(
            [str(folder / name), *arguments],
            user=self.owner,
            group=self.owner,
            extra_groups=[] if self.owner else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if check and done.returncode:
            raise PostgresError(f"{name}: {done.stdout.strip()} (see also {self.folder}/log)")
        return done.returncode, done.stdout

    def _own_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.owner:
            return
        try:
            shutil.chown(self.folder, self.owner, self.owner)
        except LookupError:
            raise PostgresError(f"no user {self.owner}: apt-get install postgresql") from None
        reach = ["test", "-w", str(self.folder)]
        if subprocess.run(reach, user=self.owner, group=self.owner, extra_groups=[]).returncode:
            raise PostgresError(
                f"{self.folder}: user {self.owner} cannot get there; choose a --folder outside of "
                "folders that only root may enter, or start this as another user"
            )

    def _make(self) -> None:
        """A fresh cluster under a temporary name, then renamed: what was cut off starts anew."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._run("initdb", "--pgdata", str(fresh), "--username", "postgres", "--data-checksums",
                  "--auth", "peer", "--encoding", "UTF8", "--locale", "C.UTF-8")  # fmt: skip
        caller = getpass.getuser()
        owner = self.owner or caller
        names = [(owner, "postgres"), *((user, ROLE) for user in sorted({owner, caller}))]
        mapped = "".join(f'cadnet "{user}" {role}\n' for user, role in names)
        (fresh / "pg_ident.conf").write_text(mapped)
        (fresh / "pg_hba.conf").write_text("local all all peer map=cadnet\n")
        fresh.rename(self.data)

    def start(self, *databases: str) -> None:
        """Start it, where it does not run, with these databases in it."""
        self._own_folder()
        if not self.data.is_dir():
            self._make()
        if self._run("pg_ctl", "status", "--pgdata", str(self.data), check=False)[0]:
            options = f"-c listen_addresses= -k {shlex.quote(str(self.folder))}"
            self._run("pg_ctl", "start", "--wait", "--pgdata", str(self.data),
                      "--log", str(self.folder / "log"), "--options", options)  # fmt: skip
        self._once(f"pg_roles WHERE rolname = '{ROLE}'", f"CREATE ROLE {ROLE} LOGIN")
        for name in databases:
            assert re.fullmatch("[a-z_]+", name)
            self._once(
                f"pg_database WHERE datname = '{name}'", f"CREATE DATABASE {name} OWNER {ROLE}"
            )

    def _once(self, where: str, statement: str) -> None:
        """A statement, unless what it makes is there."""
        psql = ("--host", str(self.folder), "--username", "postgres", "--dbname", "postgres",
                "--no-psqlrc", "--tuples-only", "--command")  # fmt: skip
        known = f"SELECT 1 FROM {where}"  # noqa: S608 (names of ours alone)
        if not self._run("psql", *psql, known)[1].strip():
            self._run("psql", *psql, statement)

    def stop(self) -> None:
        """Stop it: what is committed is on the disk."""
        self._run("pg_ctl", "stop", "--mode", "fast", "--wait", "--pgdata", str(self.data))
