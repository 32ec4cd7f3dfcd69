from pathlib import Path

import pytest
import yaml

from cadnet.params import ParameterError, load, merge

FILE = Path(__file__).resolve().parent.parent / "params.yaml"


@pytest.mark.parametrize("preset", ["smoke", "demo", "paper"])
def test_presets_are_valid(preset):
    params = load(FILE, {"preset": preset})
    assert params.preset == preset
    assert {"resnet18", "cadnet", "adb_llb", "dgb_llb", "dgb_adb"} <= set(params.experiments)


def test_paper_preset_is_the_papers_schedule():
    cadnet = load(FILE, {"preset": "paper"}).experiments["cadnet"]
    train = cadnet.train
    assert (train.learning_rate, train.momentum, train.weight_decay) == (1e-3, 0.9, 5e-4)
    assert (train.schedule, train.step_epochs) == ("step", 30)
    assert cadnet.model.dgb and cadnet.model.dgb.iterations == 2
    assert cadnet.model.llb and cadnet.model.llb.rank == 8
    assert cadnet.model.backbone.weights == "imagenet"


def test_overrides_win_over_the_preset_and_experiments_over_both():
    params = load(
        FILE,
        {
            "preset": "smoke",
            "train": {"epochs": 7},
            "experiments": {"cadnet": {"train": {"epochs": 9}}},
        },
    )
    assert params.experiments["resnet18"].train.epochs == 7
    assert params.experiments["cadnet"].train.epochs == 9


def test_an_experiments_model_is_its_architectures_with_its_own_changes():
    params = load(
        FILE,
        {
            "preset": "smoke",
            "model": {"pool": 2},
            "experiments": {"dgb_llb": {"model": {"llb": {"rank": 3}}}},
        },
    )
    model = params.experiments["dgb_llb"].model
    assert model.adb is None and model.dgb and model.llb and model.llb.rank == 3
    assert model.pool == 2 and params.models["dgb_llb"].llb.rank == 8


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"preset": "demos"}, "preset: unknown preset 'demos'; there are smoke, demo, paper"),
        ({"trian": {}}, "trian: unknown key"),
        ({"train": {"epoch": 3}}, "train.epoch: unknown key"),
        ({"train": {"epochs": "3"}}, "train.epochs: Input should be a valid integer (is '3')"),
        ({"train": {"epochs": 0}}, "train.epochs: "),
        ({"train": {"learning_rate": float("nan")}}, "train.learning_rate: "),
        ({"train": {"augment": {"scale": [1.2, 0.9]}}}, "train.augment: scale must be [low, high]"),
        ({"model": {"llb": {"rank": 0}}}, "model.llb.rank: "),
        ({"data": {"builtin": {"300w": {"afww": 3}}}}, "data.builtin.300w.afww: unknown key"),
        ({"data": {"fetch": ["300w"]}}, "data.fetch.0: Input should be 'cofw' or 'cofw68' (is "),
        ({"data": {"size": 60}}, "data.size: 60 px is no multiple"),
        ({"data": {"occlusion": {"mild": 0.5}}}, "mild must be below moderate"),
        ({"only": ["cadnett"]}, "only: unknown experiment cadnett; there are resnet18, "),
        ({"seeds": []}, "seeds: "),
        (
            {"experiments": {"cadnet": {"architecture": "cadnett"}}},
            "experiments.cadnet.architecture: unknown 'cadnett'; there are cadnet, resnet18",
        ),
        ({"models": {"cadnet": {"llb": {"rnk": 1}}}}, "models.cadnet.llb.rnk: unknown key"),
        ({"model": {"landmarks": False}}, "a model without landmarks needs fer"),
        ({"seeds": [1, 1]}, "seeds: each seed once"),
        ({"experiments": {"new": {"title": "x"}}}, "experiments.new.train_on: Field required"),
        ({"experiments": {"a/b": {}}}, "experiments.a/b"),
        (
            {"experiments": {"cadnet": {"train_on": "300ww"}}},
            "experiments.cadnet.train_on: Input should be '300w', 'menpo',",
        ),
        ({"model": {"backbone": {"weights": "imagenet"}}}, "width 1.0 alone"),
    ],
)
def test_mistakes_are_refused_with_the_keys_path(overrides, expected):
    with pytest.raises(ParameterError) as caught:
        load(FILE, overrides)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".x",
        "-x",
        " x",
        "x ",
        "a/b",
        "a\\b",
        "a\nb",
        "a\0b",
        "{x}",
        "\u202ex",
        "é" * 76,
    ]
    + ["search", "tables"],
)
@pytest.mark.parametrize("group", ["experiments", "grids"])
def test_names_that_are_no_safe_folders_are_refused(name, group):
    experiment = {"title": "x", "architecture": "resnet18", "train_on": "300w", "test_on": ["300w"]}
    grid = {"experiment": "cadnet", "parameter": "train.loss.lambda_u", "values": [0.1, 0.2]}
    overrides = {"experiments": {"experiments": {name: experiment}},
                 "grids": {"search": {"grids": {name: grid}}}}[group]  # fmt: skip
    with pytest.raises(ParameterError, match="names a folder, so it must not"):
        load(FILE, overrides)


@pytest.mark.parametrize("raw", ["", "-x", "a\0b"])
def test_a_data_folder_that_a_command_cannot_take_is_refused(raw):
    with pytest.raises(ParameterError, match=r"data\.raw: "):
        load(FILE, {"data": {"raw": raw}})


def test_a_mistake_beside_a_password_does_not_show_it():
    with pytest.raises(ParameterError) as caught:
        load(FILE, {"tracking": {"uri": ["http://ann:s3cret-pw@host"]}})
    assert "http://***@host" in str(caught.value) and "s3cret" not in str(caught.value)


def test_one_mistake_is_one_line():
    with pytest.raises(ParameterError) as caught:
        load(FILE, {"train": {"epochs": -1}})
    assert len(str(caught.value).splitlines()) == 1


def test_broken_files_name_themselves(tmp_path):
    broken = tmp_path / "params.yaml"
    with pytest.raises(ParameterError, match="cannot be read"):
        load(broken)
    for text in ("a: [", "- 1"):
        broken.write_text(text)
        with pytest.raises(ParameterError, match=str(broken)):
            load(broken)


def test_merge_replaces_leaves_and_keeps_its_inputs():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": None}
    before = yaml.safe_dump(base)
    assert merge(base, {"a": {"c": [3]}, "d": {"e": 1}}) == {"a": {"b": 1, "c": [3]}, "d": {"e": 1}}
    assert merge(base, {"a": None})["a"] is None
    assert yaml.safe_dump(base) == before


SMALLER = {"method": "channels", "keep": 0.5}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"experiments": {"cadnet": {"compress": SMALLER}}}, "say which by start_from"),
        (
            {"experiments": {"cadnet_half": {"compress": {"keep": 1.0}}}},
            "experiments.cadnet_half.compress.keep",
        ),
        (
            {"experiments": {"cadnet_longer": {"start_from": "cadnet_half"}}},
            "cadnet_half is compressed; start from what it starts from",
        ),
        ({"int8": {"experiments": ["cadent"]}}, "int8.experiments: unknown experiment 'cadent'"),
        ({"int8": {"experiments": ["cadnet_300vw"]}}, "cadnet_300vw is of clips"),
    ],
)
def test_what_cannot_be_made_smaller_is_said(overrides, expected):
    with pytest.raises(ParameterError, match=expected):
        load(FILE, overrides)


def test_models_in_8_bits_are_those_of_selected_experiments():
    assert load(FILE, {}).quantised() == {
        "cadnet_int8": "cadnet", "cadnet_half_int8": "cadnet_half"
    }  # fmt: skip
    assert load(FILE, {"only": ["cadnet"]}).quantised() == {"cadnet_int8": "cadnet"}
    taken = {"experiments": {"cadnet_int8": {"title": "x", "architecture": "cadnet",
                                             "train_on": "300w", "test_on": ["300w"]}}}  # fmt: skip
    with pytest.raises(ParameterError, match=r"experiments\.cadnet_int8: is what int8 calls"):
        load(FILE, taken)
