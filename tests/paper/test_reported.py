"""The file of printed numbers: complete, in shape, and read by its names."""

import pytest
import yaml

from cadnet.paper import reported
from cadnet.yamlfiles import read_yaml


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """The file with one change."""

    def change(edit):
        tree = yaml.safe_load(reported.FILE.read_text())
        edit(tree)
        (tmp_path / "reported.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True))
        monkeypatch.setattr(reported, "FILE", tmp_path / "reported.yaml")
        reported.reported.cache_clear()
        read_yaml.cache_clear()
        return reported.reported()

    yield change
    reported.reported.cache_clear()


# Rows and columns as the paper prints them (T7 and T13 turned).
SHAPES = {
    "T2": (9, 2), "T3": (5, 6), "T4": (8, 1), "T5": (2, 3), "T6": (7, 2), "T7": (2, 3),
    "T8": (4, 3), "T9": (7, 3), "T10": (3, 3), "T11": (4, 3), "T12": (5, 1), "T13": (4, 1),
    "T14": (3, 1), "T15": (5, 2),
}  # fmt: skip


def test_every_table_is_there_in_its_shape():
    tables = reported.reported().tables
    assert {name: (len(t.rows), len(t.columns)) for name, t in tables.items()} == SHAPES
    assert all(table.source == f"Table {name[1:]}" for name, table in tables.items())
    assert len(reported.reported().expressions.rows) == 6
    spreads = {name for name, table in tables.items() if any(row.stds for row in table.rows)}
    assert spreads == {"T10", "T11", "T13", "T14"}


@pytest.mark.parametrize(
    ("place", "value"),
    [  # spot checks against the printed page
        (("T2", "POPos", "Full"), 3.38),
        (("T3", "OADN", "300W"), 5.78),
        (("T3", "ADODN", "FPS"), 198),
        (("T4", "RHT-R"), 5.88),
        (("T5", "CAD-Net", "Heavy"), 6.94),
        (("T6", "RHT-R", "Full"), 1.99),
        (("T7", "CAD-Net", "300W → AFLW Full"), 1.14),
        (("T8", "AODN", "Category 2"), 4.26),
        (("T9", "CAD-Net", "JAFFE"), 65.1),
        (("T10", "Multi-task w/o DGB/ADB/LLB", "ISED"), 66.1),
        (("T11", "w/o DGB", "CK+"), 84.6),
        (("T12", "ResNet-18 + DGB + LLB"), 5.90),
        (("T13", "r = 64"), 5.61),
        (("T14", "Lightweight spatial attention"), 5.76),
        (("T15", "w/o ADB", "COFW → 300W"), 6.58),
    ],
)
def test_numbers_by_name(place, value):
    assert reported.number(*place) == value


def test_where_there_is_no_one_number():
    for place in (("T2", "POPos", "Common"), ("T2", "ODN"), ("T4", "nobody"), ("T4", "ODN", "x")):
        with pytest.raises(KeyError):
            reported.number(*place)
    assert reported.stated("std_below") == 0.6
    for identifier in ("jitter", "rank_search"):
        with pytest.raises(KeyError, match="no one number"):
            reported.stated(identifier)


def test_quotes_say_where():
    assert reported.quote("T4", "CAD-Net") == "T4 CAD-Net 5.21"
    assert reported.quote("T2", "CAD-Net", "Full") == "T2 CAD-Net Full 2.90"
    assert reported.quote("T13", "r = 8") == "T13 r = 8 5.21 ± 0.18"
    assert reported.quote("T9", "CAD-Net", "CK+") == "T9 CAD-Net CK+ 87.3"
    assert reported.quote("T3", "CAD-Net", "FPS") == "T3 CAD-Net FPS 187"
    assert reported.quote_text("seeds") == "section 5.2: 3 seeds (of each experiment)"
    assert "not printed" in reported.quote_text("jitter")
    assert "8, 16, 32, 64" in reported.quote_text("rank_search")


def test_a_value_for_each_column(edited):
    with pytest.raises(ValueError, match="Table 2, ODN: a value for each column"):
        edited(lambda tree: tree["T2"]["rows"][0]["values"].pop())
    with pytest.raises(ValueError, match=r"Table 10, .*: a value for each column"):
        edited(lambda tree: tree["T10"]["rows"][0]["stds"].pop())
    with pytest.raises(ValueError, match="Table 3: a unit for each column"):
        edited(lambda tree: tree["T3"]["units"].pop())


def test_names_are_unique(edited):
    with pytest.raises(ValueError, match="two rows of one name"):
        edited(lambda tree: tree["T4"]["rows"].append(tree["T4"]["rows"][0]))
    with pytest.raises(ValueError, match="two text numbers of one id"):
        edited(lambda tree: tree["text"].append(tree["text"][0]))
