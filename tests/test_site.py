"""The documentation site: it builds without a warning or a network, and has every command and every setting."""

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import click
import pytest

from exporter.cli.main import COMMANDS, main
from tests.messages import texts
from tests.reference import DOCUMENTS_PAGE, PAGE, TASKS_PAGE

DOCS = PAGE.parent
HEADINGS = re.findall(r"^### `(.+)`$", (DOCS / "troubleshooting.md").read_text(encoding="utf-8"), flags=re.M)
OUTSIDE = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=["'](?:https?:)?//[^"']+""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; every warning, a broken link for one, is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", str(DOCS), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_every_command_and_option_is_in_the_reference(site: Path) -> None:
    text = words_of(site / "commands.html")
    context = click.Context(main)
    missing = []
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        for leaf in (command, *inside(command, context)):
            options = [option for one in leaf.params if isinstance(one, click.Option) for option in one.opts]
            missing += [f"{leaf.name} {word}" for word in (f"mobile-export {name}", *options) if word not in text]
    assert missing == []


@pytest.mark.slow
def test_every_setting_is_in_the_reference(site: Path) -> None:
    """Of the pages that are made from the types, so that what is shown is all there is."""
    for page in (PAGE, TASKS_PAGE, DOCUMENTS_PAGE):
        shown = set(
            re.findall(
                r"<td><p><code[^>]*><span class=\"pre\">([\w.]+)</span>", (site / f"{page.stem}.html").read_text()
            )
        )
        written = set(re.findall(r"^\| `([\w.]+)` \|", page.read_text(encoding="utf-8"), flags=re.M))
        assert written
        assert written - shown == set(), page.name


@pytest.mark.slow
def test_every_page_is_there(site: Path) -> None:
    """Sphinx writes pages of its own over some names, such as search."""
    pages = [page for page in DOCS.glob("*.md") if page.stem != "ARCHITECTURE"]
    titles = {
        page.stem: page.read_text(encoding="utf-8").splitlines()[0].strip("# ").replace("`", "") for page in pages
    }
    shown = {name: re.search(r"<h1>(.*?)<a class", (site / f"{name}.html").read_text(), flags=re.S) for name in titles}
    found = {name: match and unescape(re.sub("<[^>]+>", "", match[1])) for name, match in shown.items()}
    assert found == titles


@pytest.mark.slow
def test_pages_need_no_network(site: Path) -> None:
    """No font, script or picture is fetched from elsewhere."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    assert {page.name: found for page in pages if (found := OUTSIDE.findall(page.read_text(encoding="utf-8")))} == {}
    assert [page.name for page in site.rglob("*.css") if re.search(r"url\([\"']?https?:", page.read_text())] == []


@pytest.mark.parametrize("message", HEADINGS)
def test_messages_that_are_explained_exist(message: str) -> None:
    """Somebody searches the page for what the program says."""
    assert message in texts()


def test_enough_messages_are_explained() -> None:
    assert len(HEADINGS) >= 30


def inside(command: click.Command, context: click.Context) -> list[click.Command]:
    if not isinstance(command, click.Group):
        return []
    found = [command.get_command(context, name) for name in command.list_commands(context)]
    return [one for one in found if one is not None]


def words_of(page: Path) -> str:
    return unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))
