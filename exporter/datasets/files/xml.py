"""XML as a tree that knows its lines. Document types are refused, so that no entity can grow or reach a file."""

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from exporter.data.errors import UsageProblem
from exporter.store.given import given_text


@dataclass
class Node:
    """An element.

    Attributes:
        line: on which it begins.
        text: inside of it, its children's left out.
    """

    tag: str
    line: int
    text: str = ""
    children: list["Node"] = field(default_factory=list)

    def all(self, tag: str) -> list["Node"]:
        """Its children of a name."""
        return [child for child in self.children if child.tag == tag]

    def find(self, *tags: str) -> "Node | None":
        """The first child of the first name, in it that of the second, and so on."""
        node: Node | None = self
        for tag in tags:
            node = None if node is None else next(iter(node.all(tag)), None)
        return node


def read_xml(path: Path) -> Node:
    """The root.

    Raises:
        UsageProblem: it cannot be read, or a line is wrong.
    """
    text = given_text(path, advice="save it as UTF-8", called=f"data {path}")
    parser = expat.ParserCreate()
    open_nodes = [Node("", 0)]

    def start(tag: str, _: dict[str, str]) -> None:
        open_nodes[-1].children.append(Node(tag, parser.CurrentLineNumber))
        open_nodes.append(open_nodes[-1].children[-1])

    def end(_: str) -> None:
        open_nodes.pop()

    def characters(data: str) -> None:
        open_nodes[-1].text += data

    def refuse(*_: object) -> None:
        raise UsageProblem(f"data {path}, line {parser.CurrentLineNumber}: a document type is not read; remove it.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise UsageProblem(f"data {path}, line {error.lineno}: {expat.ErrorString(error.code)}.") from error
    return open_nodes[0].children[0]
