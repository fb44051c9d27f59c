import pytest

from r3mes_ray.errors import ConfigError
from r3mes_ray.serving.retrieval.documents import Document, DocumentLimits, Refused, read_documents


def test_read_documents_texts_are_read_in_order_of_name(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.md").write_text("# two")
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone")
    (tmp_path / "image.png").write_bytes(b"\x89PNG")
    read = read_documents(tmp_path)
    assert read.accepted == (Document("a.txt", "one"), Document("b/two.md", "# two"))
    assert read.refused == ()


def test_read_documents_bad_files_are_named_and_others_read(tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"ab\xff")
    (tmp_path / "big.txt").write_text("x" * 11)
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "good.txt").write_text("good")
    (tmp_path / "nul.txt").write_bytes(b"a\0b")
    read = read_documents(tmp_path, DocumentLimits(max_file_bytes=10))
    assert [document.name for document in read.accepted] == ["good.txt"]
    assert read.refused == (
        Refused("bad.txt", "not UTF-8 at byte 2"),
        Refused("big.txt", "larger than 10 bytes"),
        Refused("empty.txt", "empty"),
        Refused("nul.txt", "has NUL bytes, so it is no text"),
    )


def test_read_documents_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "dangling.txt").symlink_to(folder / "gone.txt")
    read = read_documents(folder)
    assert read.accepted == ()
    assert [refused.name for refused in read.refused] == ["dangling.txt", "link.txt"]
    assert "leads out" in read.refused[1].reason


def test_read_documents_limits_of_the_folder_hold(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text("xxxx")
    assert len(read_documents(tmp_path, DocumentLimits(max_files=2)).accepted) == 2
    few = read_documents(tmp_path, DocumentLimits(max_total_bytes=8))
    assert [document.name for document in few.accepted] == ["a.txt", "b.txt"]
    assert few.refused == (Refused("c.txt", "the folder exceeds 8 bytes"),)


def test_read_documents_missing_folder_names_the_setting(tmp_path):
    with pytest.raises(ConfigError, match=r"serving\.retrieval\.documents.*is not a folder"):
        read_documents(tmp_path / "none")
