"""Without a network the hub's cache is looked at and nothing is waited for; with one its client is used as it is."""

import socket
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from exporter.data.errors import ToolError
from exporter.sources.libraries.hub import from_hub, revisions


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "create_connection", refuse)


def missing() -> None:
    raise FileNotFoundError("An error happened while trying to locate the file")


def test_what_is_not_in_the_cache_is_one_error_that_says_what_to_do(no_network: None) -> None:
    with pytest.raises(ToolError) as caught:
        from_hub("timm:x", missing)
    said = str(caught.value)
    assert f"not in the cache {constants.HF_HUB_CACHE}" in said
    assert "huggingface.co cannot be reached (Name or service not known)" in said
    assert "--weights FILE, or --weights none" in said


def test_the_client_is_off_line_only_where_the_hub_cannot_be_reached(no_network: None) -> None:
    assert from_hub("timm:x", lambda: constants.HF_HUB_OFFLINE) is True
    assert constants.HF_HUB_OFFLINE is False


def test_the_client_may_download_where_there_is_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        def close(self) -> None: ...

    asked: list[Any] = []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)

    def connect(place: tuple[str, int], timeout: float) -> Connection:
        asked.append(place)
        return Connection()

    monkeypatch.setattr(socket, "create_connection", connect)
    assert from_hub("timm:x", lambda: constants.HF_HUB_OFFLINE) is False
    assert asked == [("huggingface.co", 443)]
    with pytest.raises(ToolError, match="trying to locate the file"):
        from_hub("timm:x", missing)


def test_a_proxy_is_what_must_be_reached(no_network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    with pytest.raises(ToolError, match=r"proxy\.example cannot be reached"):
        from_hub("timm:x", missing)


def test_the_users_own_wish_to_stay_off_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ToolError, match="HF_HUB_OFFLINE is set"):
        from_hub("timm:x", missing)


def test_revisions_are_those_of_the_named_repositories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for repository in ("timm--resnet50.a1_in1k", "timm--resnet50d.a1_in1k"):
        (tmp_path / f"models--{repository}" / "refs").mkdir(parents=True)
        (tmp_path / f"models--{repository}" / "refs" / "main").write_text(repository)
    assert [path.read_text() for path in revisions("timm/resnet50.*")] == ["timm--resnet50.a1_in1k"]
    assert list(revisions("timm/vit.*")) == []
