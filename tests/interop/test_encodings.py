from pathlib import Path

import pytest

from rixin.errors import CasesError
from rixin.interop.encodings import decode_error, detect_encoding, first_bad_byte, python_encoding

TEXTS = {
    "utf-8": "很快，好吃 déjà vu نص",
    "utf-16": "很快，好吃，味道足",
    "utf-16-le": "plain words in two bytes each",
    "utf-16-be": "plain words in two bytes each",
    "utf-32": "four bytes each",
    "cp1252": "Le garçon a déjà mangé à l'hôtel, où il dort. Ça va très bien, l'été.",
    "cp1256": "مرحبا بكم في المتجر، الخدمة ممتازة والسعر مناسب",
    "cp1251": "Доставка опоздала на два часа, еда была холодной",
    "gb18030": "很快，好吃，味道足，量大。送餐员态度很好，下次还会再点。",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_encoding_of_a_file_is_detected(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(f"text\n{TEXTS[encoding]}\n".encode(encoding))
    assert detect_encoding(path) == encoding


def test_a_legacy_file_is_detected_by_the_place_that_is_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"only ascii\n" * 20_000 + TEXTS["cp1256"].encode("cp1256") + b"\n")
    assert detect_encoding(path) == "cp1256"


def test_nul_bytes_in_plain_text_do_not_make_it_utf16(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"some\0 text with one\0 or two of them")
    assert detect_encoding(path) == "utf-8"


def test_a_character_cut_at_the_end_is_a_bad_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("ab\ncé".encode()[:-1])
    assert first_bad_byte(path, "utf-8") == (4, 2, 0xC3)


def test_bytes_that_fit_no_better_encoding_ask_for_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"caf\x81\n")
    assert "save the file as UTF-8" in str(decode_error(path, "cp1252").hint)


def test_a_codec_that_is_no_text_encoding_is_refused() -> None:
    with pytest.raises(CasesError, match="unknown encoding 'rot13'"):
        python_encoding("rot13")
