"""A dataset's description without its files: Croissant 1.1, which search engines and loaders read.

What is described is the aligned store, the form in which models meet a dataset.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadnet.data.access import access
from cadnet.faces import EXPRESSIONS, SCHEMES
from cadnet.provenance import write_json
from cadnet.records.facts import Dataset, citation

if TYPE_CHECKING:
    import mlcroissant as mlc

STORE = "store"
VERSION = "http://mlcommons.org/croissant/1.1"


def fields(scheme: str, size: int) -> list[tuple[str, str, str, tuple[int, ...]]]:
    """The columns of a store (``cadnet.data.store``): name, type, meaning, shape of a value."""
    points = SCHEMES[scheme].points
    labels = ", ".join(f"{i} {name}" for i, name in enumerate(EXPRESSIONS))
    return [
        ("key", "TEXT", "name of the face in its dataset", ()),
        ("split", "TEXT", "train, validation or test", ()),
        ("subset", "TEXT", "part of the split that is scored apart", ()),
        ("image", "UINT8", "the crop, RGB", (size, size, 3)),
        ("landmarks", "FLOAT32", f"{scheme}, x and y in px of the crop", (points, 2)),
        ("occluded", "BOOL", "whether each landmark is hidden", (points,)),
        ("box", "FLOAT64", "x, y, width, height of the face in px of the crop", (4,)),
        ("region", "FLOAT64", "left, top, side of the crop in px of the original", (3,)),
        ("expression", "INT8", labels, ()),
        ("subject", "TEXT", "whose face it is, where the dataset says", ()),
        ("video", "TEXT", "which video the frame is of", ()),
    ]


def _files(described: Dataset) -> list[mlc.FileObject]:
    """The store, and the archives where anybody may download the dataset."""
    import mlcroissant as mlc

    files = [
        mlc.FileObject(
            id=STORE,
            name=f"{described.name}.arrow",
            description="Made by the pipeline; not passed on with this description.",
            content_url=f"data/aligned/{described.name}.arrow",
            content_size=f"{described.size} B",
            encoding_formats=["application/vnd.apache.arrow.file"],
            sha256=described.store,
        )
    ]
    archives = [] if described.built_in else access()[described.name].archives
    for number, archive in enumerate(archives):
        if archive.sha256:  # a description without a digest is no use, and is not valid
            files.append(
                mlc.FileObject(
                    id=f"archive{number}",
                    name=archive.url.rsplit("/", 1)[-1].split("?")[0],
                    description="Where anybody may download the owners' files.",
                    content_url=archive.url,
                    encoding_formats=["application/zip"],
                    sha256=archive.sha256,
                )
            )
    return files


def _record_set(described: Dataset) -> mlc.RecordSet:
    import mlcroissant as mlc

    return mlc.RecordSet(
        id="faces",
        name="faces",
        description=f"{described.faces} faces, one a record.",
        key="faces/key",
        fields=[
            mlc.Field(
                id=f"faces/{name}",
                name=name,
                description=meaning,
                data_types=[getattr(mlc.DataType, kind)],
                is_array=bool(shape) or None,
                array_shape=",".join(map(str, shape)) or None,
                source=mlc.Source(file_object=STORE, extract=mlc.Extract(column=name)),
            )
            for name, kind, meaning, shape in fields(
                described.about["scheme"], described.about["size"]
            )
        ],
    )


def metadata(described: Dataset, date: str) -> mlc.Metadata:
    """The description, of the day ``date`` (ISO 8601)."""
    import mlcroissant as mlc

    about = citation()
    return mlc.Metadata(
        ctx=mlc.Context(conforms_to=VERSION),
        name=described.name,
        description=described.description,
        license=[described.licence],
        date_published=datetime.fromisoformat(date),
        cite_as=f"{about['title']}, {about['version']}",
        version=str(about["version"]),
        url=f"data/aligned/{described.name}.json",
        distribution=_files(described),
        record_sets=[_record_set(described)],
    )


def write(folder: Path, described: Dataset, date: str) -> Path:
    """Write ``<folder>/<dataset>.json``.

    Raises:
        ValueError: the description is not valid; says why.
    """
    import mlcroissant as mlc

    tree: dict[str, Any] = metadata(described, date).to_json()
    try:
        mlc.Dataset(jsonld=tree)  # only what is read back is checked in full
    except mlc.ValidationError as error:
        raise ValueError(f"{described.name}: {error}") from error
    path = folder / f"{described.name}.json"
    write_json(path, tree)
    return path
