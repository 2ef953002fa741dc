"""Files that a targets file names lie beside it, from wherever the program is called."""

from pathlib import Path

from exporter.config.model import model_settings


def test_files_of_the_model_lie_beside_the_targets_file(tmp_path: Path) -> None:
    path = tmp_path / "targets.toml"
    path.write_text('[model]\nlabels = "names.txt"\ntokenizer = "t/tokenizer.json"\nfront_end = "mel.py:log_mel"\n')
    found = model_settings(path, {})
    assert found.labels == tmp_path / "names.txt"
    assert found.tokenizer == tmp_path / "t" / "tokenizer.json"
    assert found.front_end == f"{tmp_path / 'mel.py'}:log_mel"
    path.write_text('[model]\nfront_end = "package.mel:log_mel"\n')
    assert model_settings(path, {}).front_end == "package.mel:log_mel"
