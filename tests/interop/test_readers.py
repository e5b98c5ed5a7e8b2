import hashlib
import json
from pathlib import Path

import pytest

from rixin.errors import CasesError
from rixin.interop.parquet_reader import _tried
from rixin.interop.readers import file_digest, find_format, open_rows
from rixin.interop.writers import write_rows


def save(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def refusal(path: Path, **options: str) -> CasesError:
    with pytest.raises(CasesError) as caught:
        list(open_rows(path, **options))  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    return caught.value


def test_a_missing_file_names_the_nearest_one(tmp_path: Path) -> None:
    save(tmp_path, "messages.csv", "a\n1\n")
    error = refusal(tmp_path / "mesages.csv")
    assert "no such file" in str(error)
    assert error.hint == "did you mean 'messages.csv'?"


def test_a_missing_file_with_no_near_one_lists_the_files(tmp_path: Path) -> None:
    save(tmp_path, "b.jsonl", "{}\n")
    assert refusal(tmp_path / "zzzzzz").hint == "files there: b.jsonl"
    (tmp_path / "b.jsonl").unlink()
    assert "no file of cases" in str(refusal(tmp_path / "zzzzzz").hint)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    assert "no folder" in str(refusal(tmp_path / "nowhere" / "a.csv").hint)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert "is a folder" in str(error)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "the file is empty" in str(refusal(save(tmp_path, "a.csv", "")))


def test_a_file_that_cannot_be_read_is_refused() -> None:
    # The memory of this process exists as a file and cannot be read from its start.
    path = Path("/proc/self/mem")
    if not path.exists():
        pytest.skip("no /proc on this system")
    assert "cannot be read" in str(refusal(path))


@pytest.mark.parametrize(
    ("name", "head", "what"),
    [
        ("a.xls", b"\xd0\xcf\x11\xe0rest", "old or locked Excel"),
        ("a.csv.gz", b"\x1f\x8brest", "gzip"),
        ("a.pdf", b"%PDF-1.7", "PDF"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, name: str, head: bytes, what: str) -> None:
    error = refusal(save(tmp_path, name, head))
    assert what in str(error)
    assert error.hint


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.csv", '{"a": 1}', "csv"),
        ("a.tsv", "a\tb", "csv"),
        ("a.txt", "a,b", "csv"),
        ("a", '  {"a": 1}', "jsonl"),
        ("a.ndjson", '["a"]', "jsonl"),
        ("a.json", ' [{"a": 1}]', "json"),
        ("a.json", '{"a": 1}', "jsonl"),
        ("a", '[{"a": 1}]', "json"),
        ("a.bin", "PAR1", "parquet"),
        ("a.csv", "PK\x03\x04", "xlsx"),
    ],
)
def test_the_format_is_found(tmp_path: Path, name: str, data: str, kind: str) -> None:
    assert find_format(save(tmp_path, name, data)) == kind


def test_the_digest_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    path = save(tmp_path, "a.csv", "a\n1\n")
    assert file_digest(path) == hashlib.sha256(b"a\n1\n").hexdigest()


def test_jsonl_rows_keep_their_line_and_their_values(tmp_path: Path) -> None:
    lines = ['{"text": "a", "n": 1}', "", '{"text": "b", "more": [1]}']
    source = open_rows(save(tmp_path, "a.jsonl", "\n".join(lines)))
    assert source.columns == ["text", "n", "more"]
    assert [(row.number, dict(row.values)) for row in source] == [
        (1, {"text": "a", "n": 1}),
        (3, {"text": "b", "more": [1]}),
    ]
    assert [row.values for row in source.rows(["n"])] == [{"n": 1}, {"n": None}]


def test_a_key_that_comes_late_is_a_column_once_it_is_asked_for(tmp_path: Path) -> None:
    lines = ['{"q": "a"}'] * 1_100 + ['{"q": "b", "w": 2}']
    path = save(tmp_path, "a.jsonl", "\n".join(lines))
    source = open_rows(path)
    assert source.columns == ["q"]
    *_, last = source.rows(["w", "q"])
    assert last.values == {"w": 2, "q": "b"}
    assert source.columns == open_rows(path).find_columns() == ["q", "w"]
    with pytest.raises(CasesError, match="no column 'x'; its columns are 'q', 'w'"):
        source.require(["x"])


def test_all_bad_json_lines_are_counted_and_five_are_shown(tmp_path: Path) -> None:
    bad = ["{bad", "[1]", "3", "null", '"x"', '{"a": "\\ud800"}', "{"]
    path = save(tmp_path, "a.jsonl", "\n".join(['{"a": 1}', *bad, '{"a": 2}']))
    message = str(refusal(path))
    assert message.startswith("7 lines of")
    assert "line 2: " in message
    assert "line 6: expected an object, found a text" in message
    assert "line 7" not in message
    assert "… and 2 more" in message


def test_one_bad_json_line_says_where(tmp_path: Path) -> None:
    message = str(refusal(save(tmp_path, "a.jsonl", '{"a": 1}\n{"a" 2}\n')))
    assert message.startswith("1 line of")
    assert "line 2: Expecting ':' delimiter at character 6" in message


def test_half_a_surrogate_pair_is_refused_and_a_whole_one_is_read(tmp_path: Path) -> None:
    whole = open_rows(save(tmp_path, "a.jsonl", '{"a": "\\ud83d\\ude00"}'))
    assert next(iter(whole)).values["a"] == "😀"
    assert "surrogate" in str(refusal(save(tmp_path, "b.jsonl", '{"a": "\\uD83D"}')))


def test_numbers_and_nesting_out_of_reach_are_bad_lines(tmp_path: Path) -> None:
    values = ["9" * 5000, "[" * 200_000]
    path = save(tmp_path, "a.jsonl", "\n".join(f'{{"a": {value}}}' for value in values))
    assert str(refusal(path)).startswith("2 lines of")


def test_json_lines_without_keys_are_refused(tmp_path: Path) -> None:
    assert "no keys" in str(refusal(save(tmp_path, "a.jsonl", "{}\n")))


def test_a_json_array_is_read(tmp_path: Path) -> None:
    items = [{"text": "a"}, {"text": "b", "n": 2}]
    source = open_rows(save(tmp_path, "a.json", json.dumps(items, indent=1)))
    assert [dict(row.values) for row in source.rows(["n"])] == [{"n": None}, {"n": 2}]
    assert source.where(2).endswith("item 2")


@pytest.mark.parametrize(
    ("data", "reason"), [("[{]", "Expecting"), ("[1]", "item 1"), ("[]", "no items")]
)
def test_a_bad_json_array_is_refused(tmp_path: Path, data: str, reason: str) -> None:
    assert reason in str(refusal(save(tmp_path, "a.json", data)))


def test_a_huge_json_array_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rixin.interop.jsonl_reader.MAX_ARRAY", 10)
    error = refusal(save(tmp_path, "a.json", '[{"text": "a long one"}]'))
    assert "too large" in str(error)
    assert "JSON lines" in str(error.hint)


def test_a_column_that_is_not_there_names_the_nearest_and_all(tmp_path: Path) -> None:
    source = open_rows(save(tmp_path, "a.csv", "text,queue\na,b\n"))
    with pytest.raises(
        CasesError, match="no column 'txt'; its columns are 'text', 'queue'"
    ) as caught:
        next(source.rows(["txt"]))
    assert caught.value.hint == "did you mean 'text'?"


@pytest.mark.parametrize(
    ("trial", "words"),
    [
        ("import os; os.abort()", "reading it ends with SIGABRT: a page of it is damaged"),
        ("raise type('PanicException', (BaseException,), {})", "a part of it is damaged"),
    ],
)
def test_a_parquet_file_that_ends_its_reader_does_not_end_us(tmp_path, monkeypatch, trial, words):
    pytest.importorskip("arro3.io")
    path = tmp_path / "cases.parquet"
    write_rows(path, ["q"], [{"q": "a zebra"}])
    assert [row.values for row in open_rows(path).rows()] == [{"q": "a zebra"}]
    path.touch()
    monkeypatch.setattr("rixin.interop.parquet_reader._TRIAL", trial)
    _tried.cache_clear()
    with pytest.raises(CasesError, match=words):
        open_rows(path)
    _tried.cache_clear()


@pytest.mark.parametrize(("name", "text"), [("a.jsonl", "{}"), ("a.json", "[{}]")])
@pytest.mark.parametrize("row", ['{"a": 1, "a": 2}', '{"a": {"b": "spam", "c": 1, "b": "ham"}}'])
def test_a_key_that_stands_twice_is_refused(tmp_path: Path, name: str, text: str, row: str) -> None:
    message = str(refusal(save(tmp_path, name, text.replace("{}", row))))
    assert "stands twice in an object" in message
