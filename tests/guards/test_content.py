import pytest

from rixin.errors import UsageError
from rixin.guards.content import ContentGuard, Forbidden, read_rules, rule_mistakes


def found(text, *rules):
    guard = ContentGuard(rules)
    return [(one.kind, text[one.start : one.end]) for one in guard.find(text)]


@pytest.mark.parametrize(
    ("text", "word", "place"),
    [
        ("A GUARANTEED profit!", "guaranteed profit", "GUARANTEED profit"),
        ("这是保本收益产品", "保本收益", "保本收益"),
        ("وعدونا بالأرباح المضمونة", "الأرباح المضمونة", "بالأرباح المضمونة"),
        ("هذا رِبْحٌ أكيد", "ربح", "رِبْحٌ"),
    ],
)
def test_words_are_found_as_readers_read_them(text, word, place):
    assert found(text, Forbidden("promise", words=(word,))) == [("content:promise", place)]


@pytest.mark.parametrize(
    ("text", "word"), [("a cabinet", "net"), ("مربحة", "ربح"), ("no profit is guaranteed", "x")]
)
def test_parts_of_words_pass(text, word):
    assert found(text, Forbidden("promise", words=(word,))) == []


def test_a_regex_reads_the_text_as_written():
    rule = Forbidden("code", regex=r"\bPX-\d{4}\b")
    assert found("PX-1234 px-1234", rule) == [("content:code", "PX-1234")]


def test_a_language_keeps_a_rule_to_its_texts():
    rule = Forbidden("code", regex=r"\d{4}", languages=("zh",))
    assert found("code 1234", rule) == []
    assert found("代码1234", rule) == [("content:code", "1234")]


def test_rules_come_from_a_file(tmp_path):
    (tmp_path / "rules.yaml").write_text("- {name: promise, words: 保本}\n", encoding="utf-8")
    assert read_rules("rules.yaml", tmp_path) == [Forbidden("promise", words=("保本",))]


def test_a_file_that_is_not_there_or_no_list_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot read the rules"):
        read_rules("none.yaml", tmp_path)
    (tmp_path / "rules.yaml").write_text("a: 1", encoding="utf-8")
    with pytest.raises(UsageError, match="needs a list"):
        read_rules("rules.yaml", tmp_path)


def test_all_mistakes_of_all_rules_are_told():
    given = [
        {"name": "a", "word": ["x"]},
        {"words": ["x"]},
        {"name": "b", "regex": "(", "languages": ["cn", "en"]},
        "c",
        {"name": "d", "words": ["x", " "]},
    ]
    said = [f"{error} | {error.hint}" for error in rule_mistakes(given)]
    assert len(said) == 7
    assert "did you mean 'words'?" in said[0]
    assert "neither words nor a regex" in said[1]
    assert "rule 2" in said[2]
    assert "'cn'" in said[3]
    assert "not a regular expression" in said[4]
    assert "rule 4" in said[5]
    assert "empty word" in said[6]
