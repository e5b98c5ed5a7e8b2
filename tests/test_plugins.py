import sys

import pytest

from rixin.errors import UsageError
from rixin.plugins import load_plugin, local_sources


def write(folder, **modules):
    for name, source in modules.items():
        path = folder / f"{name}.py"
        path.write_text(source, encoding="utf-8")
    return folder


def test_a_function_is_loaded_from_the_folder_and_the_import_path_is_left_clean(tmp_path):
    plugin = load_plugin("own:f", write(tmp_path, own="def f(x): return x + '!'"))
    assert plugin.call("a") == "a!"
    assert str(tmp_path) not in sys.path
    assert not list(tmp_path.glob("__pycache__"))


def test_two_folders_may_have_modules_of_the_same_name(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    sources = [("a", "1"), ("b", "2")]
    loaded = [
        load_plugin(
            "same_own:f",
            write(
                tmp_path / name,
                same_own="from same_help import V\ndef f(x): return V",
                same_help=f"V = {value}",
            ),
        )
        for name, value in sources
    ]
    assert [plugin.call("x") for plugin in loaded] == [1, 2]


def test_an_edited_file_counts_at_once(tmp_path):
    first = load_plugin("edited:f", write(tmp_path, edited="def f(x): return 1"))
    second = load_plugin("edited:f", write(tmp_path, edited="def f(x): return 2"))
    assert (first.call(""), second.call("")) == (1, 2)
    assert first.source_hash != second.source_hash


def test_a_module_of_the_folder_does_not_displace_an_installed_one(tmp_path):
    import json

    plugin = load_plugin("json:f", write(tmp_path, json="def f(x): return 'mine'"))
    assert plugin.call("") == "mine"
    assert sys.modules["json"] is json


def test_the_hash_covers_the_modules_that_the_function_imports(tmp_path):
    folder = write(tmp_path, own1="import helper1\ndef f(x): ...", helper1="A = 1", other="B = 1")
    before = load_plugin("own1:f", folder).source_hash
    write(tmp_path, other="B = 2")
    assert load_plugin("own1:f", folder).source_hash == before
    write(tmp_path, helper1="A = 2")
    assert load_plugin("own1:f", folder).source_hash != before


def test_packages_with_relative_imports_are_followed(tmp_path):
    package = tmp_path / "pack9"
    package.mkdir()
    write(
        package,
        __init__="",
        deep="V = 3",
        mod="from . import deep\nfrom .deep import V\ndef f(x): return V",
    )
    assert load_plugin("pack9.mod:f", tmp_path).call("") == 3
    assert set(local_sources(tmp_path, "pack9.mod")) == {"pack9", "pack9.mod", "pack9.deep"}


def test_an_installed_function_is_found_too(tmp_path):
    plugin = load_plugin("string:capwords", tmp_path)
    assert plugin.call("a b") == "A B"
    assert load_plugin("math:floor", tmp_path).call(1.5) == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("own2", "does not name a function"),
        (":f", "does not name a function"),
        ("own2:g", "has no function 'g'"),
        ("own2:V", "has no function 'V'"),
        ("nowhere2:f", "cannot import 'nowhere2'.*ModuleNotFoundError"),
        ("broken2:f", "SyntaxError"),
        ("raises2:f", "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_loaded_is_named(tmp_path, target, message):
    folder = write(tmp_path, own2="V = 1\ndef f(x): ...", broken2="def f(:", raises2="1 / 0")
    with pytest.raises(UsageError, match=message):
        load_plugin(target, folder)
