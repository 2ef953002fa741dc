"""What licenses ask is said where an app may be unable to keep it, and nowhere else."""

from pathlib import Path

import pytest

from exporter.sources.libraries.cards import license_of
from exporter.sources.libraries.licenses import license_notes


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("AGPL-3.0", "offer its own source"),
        ("AGPL-3.0 License (https://ultralytics.com/license)", "offer its own source"),
        ("GNU Affero General Public License v3", "offer its own source"),
        ("gpl-3.0", "passed on under the same terms"),
        ("cc-by-sa-4.0", "passed on under the same terms"),
        ("cc-by-nc-4.0", "no commercial use"),
        ("cc-by-nc-sa-4.0", "no commercial use"),
        ("CC-BY-NC-ND 4.0", "no commercial use"),
        ("other", "terms of its own"),
        ("creativeml-openrail-m", "terms of its own"),
    ],
)
def test_terms_that_an_app_may_not_keep_are_told(name: str, says: str) -> None:
    (note,) = license_notes("timm:x", name)
    assert note.startswith(f"the license of timm:x is {name}, ")
    assert says in note


@pytest.mark.parametrize("name", ["", "apache-2.0", "mit", "BSD-3-Clause", "lgpl-2.1", "cc-by-4.0", "cc0-1.0"])
def test_others_are_only_named(name: str) -> None:
    assert license_notes("timm:x", name) == ()


@pytest.mark.parametrize(
    ("card", "license_"),
    [
        ("---\nlanguage: en\nlicense: apache-2.0\ntags:\n- x\n---\n# A model\n", "apache-2.0"),
        ("---\nlicense: 'cc-by-nc-4.0'\n---\n", "cc-by-nc-4.0"),
        ("---\ntags: [x]\n---\nlicense: mit\n", ""),
        ("# A model\nlicense: mit\n", ""),
        ("", ""),
    ],
)
def test_a_model_card_says_its_license_in_its_front_matter(card: str, license_: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(card)
    assert license_of(tmp_path) == license_


def test_no_card_says_nothing(tmp_path: Path) -> None:
    assert (license_of(tmp_path), license_of(None)) == ("", "")
