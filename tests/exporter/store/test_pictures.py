"""Pictures beside a record: there as the record means them, or not taken for them."""

import base64
from pathlib import Path

from exporter.data.facts.drawings import keep_picture
from exporter.store.pictures import load_pictures, write_pictures


def kept(*contents: bytes) -> dict[str, str]:
    pictures: dict[str, str] = {}
    for content in contents:
        keep_picture(pictures, content, "png")
    return pictures


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    pictures = kept(b"one", b"two")
    write_pictures(tmp_path, pictures)
    assert load_pictures(tmp_path, pictures) == pictures
    assert {path.read_bytes() for path in (tmp_path / "pictures").iterdir()} == {b"one", b"two"}


def test_an_earlier_run_s_pictures_go_and_a_user_s_own_files_stay(tmp_path: Path) -> None:
    write_pictures(tmp_path, kept(b"one", b"two"))
    write_pictures(tmp_path, kept(b"two", b"three"))
    assert {path.read_bytes() for path in (tmp_path / "pictures").iterdir()} == {b"two", b"three"}
    (tmp_path / "pictures" / "mine.png").write_bytes(b"mine")
    write_pictures(tmp_path, {})
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["mine.png"]


def test_a_run_without_pictures_leaves_no_folder(tmp_path: Path) -> None:
    write_pictures(tmp_path, {})
    assert not (tmp_path / "pictures").exists()
    write_pictures(tmp_path, kept(b"one"))
    write_pictures(tmp_path, {})
    assert not (tmp_path / "pictures").exists()


def test_another_picture_under_the_name_is_not_there(tmp_path: Path) -> None:
    pictures = kept(b"one", b"two")
    write_pictures(tmp_path, pictures)
    first, second = pictures
    (tmp_path / "pictures" / first).write_bytes(b"another")
    assert list(load_pictures(tmp_path, pictures)) == [second]


def test_names_that_are_none_of_pictures_are_not_looked_for(tmp_path: Path) -> None:
    """A run.json from elsewhere must not make this program read any file; nor one that holds pictures itself."""
    (tmp_path / "secret").write_bytes(b"secret")
    assert load_pictures(tmp_path, ["../secret", "", base64.b64encode(b"a picture" * 500).decode()]) == {}
