import pytest

from cadnet.credentials import masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://ann:pw@host:5000/x", "http://***@host:5000/x"),
        ("cannot reach 'https://ann:p/w@1@host/api'", "cannot reach 'https://***@host/api'"),
        ("http://token@host", "http://***@host"),
        ("http://:pw@host", "http://***@host"),
        ("http://ann:5000pw@host", "http://***@host"),
        ("postgresql+psycopg2://u:p%40w@db/x and http://b:c@d", None),
        ("https://host/f?download=1&access_token=abc&x=2", "https://host/f?download=1&access_token=***&x=2"),
        ("postgresql://h/db?user=u&password=secret", "postgresql://h/db?user=u&password=***"),
        ("https://host/f?X-Amz-Signature=0f0f", "https://host/f?X-Amz-Signature=***"),
    ],
)  # fmt: skip
def test_what_opens_a_door_is_hidden(text, expected):
    expected = expected or "postgresql+psycopg2://***@db/x and http://***@d"
    assert masked(text) == expected
    assert masked(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:5000",
        "sqlite:////home/ann/it's here/mlruns/mlflow.db",
        "http://host:5000/a@b",
        "sqlite:////home/a:b@c/mlflow.db",
        "write to ann@host: see https://host/@ann?page=2",
        "12:30 NRMSE 5.98 %, key=value",
    ],
)
def test_everything_else_stays(text):
    expected = text
    assert masked(text) == expected
