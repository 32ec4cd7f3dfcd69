"""The parts of the tracking server that need no PostgreSQL."""

import socket
import stat
from pathlib import Path

import pytest

from cadnet.tracking.postgres import Cluster, PostgresError
from cadnet.tracking.serve import main, make_credentials, read_credentials


def test_credentials_are_what_mlflow_reads_and_nobody_elses(tmp_path, monkeypatch):
    from mlflow.utils.credentials import read_mlflow_creds

    path = tmp_path / ".mlflow" / "credentials"
    name, password = make_credentials(path)
    assert read_credentials(path) == (name, password)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(variable, raising=False)
    read = read_mlflow_creds()
    assert (read.username, read.password) == (name, password)
    assert make_credentials(path)[1] != password


def test_a_path_too_long_for_a_socket_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(PostgresError, match="shorter --folder"):
        Cluster(tmp_path / ("x" * 100))


def test_a_database_is_reached_without_a_password_and_without_a_port():
    assert Cluster(Path("/srv/a b")).url("tracking") == (
        "postgresql+psycopg2://mlflow@/tracking?host=/srv/a%20b"
    )


def test_a_port_that_is_taken_is_named(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--folder", str(tmp_path), "--port", str(port)]) == 1
    assert f"port {port} is taken" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] in ([], ["lock"])


@pytest.mark.parametrize("name", ["../admin", "", "a b", ".x"])
def test_an_account_has_a_plain_name(tmp_path, name, capsys):
    assert main(["--folder", str(tmp_path), f"--account={name}"]) == 1
    assert "a name has letters" in capsys.readouterr().err
    assert not (tmp_path / "accounts").exists()
