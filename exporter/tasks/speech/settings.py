"""How the outputs of a speech recognizer are read."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from exporter.data.settings.task import TaskSettings


class Speech(TaskSettings):
    """What is said.

    Attributes:
        output: name of the scores (N, time, tokens), or of ids (N, length); the first output where it is empty.
        decoding: ``ctc`` takes the likeliest token of each step, and leaves out repetitions and blanks; ``ids`` are the
            tokens themselves.
        vocabulary: text file with one token a line, or a JSON file of tokens and their ids.
        tokenizer: file of the ``tokenizers`` library instead, most often tokenizer.json.
        blank: id of the blank, for ``ctc``.
        space: token that stands between words in a vocabulary.
        left_out: tokens of a vocabulary that are no text.
        lowercase: whether the case of letters does not count.
    """

    kind: Literal["speech"] = "speech"
    output: str = ""
    decoding: Literal["ctc", "ids"] = "ctc"
    vocabulary: Path | None = None
    tokenizer: Path | None = None
    blank: Annotated[int, Field(ge=0)] = 0
    space: str = "|"
    left_out: tuple[str, ...] = ("<pad>", "<s>", "</s>", "<unk>")
    lowercase: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The vocabulary or the tokenizer."""
        return tuple(str(path) for path in (self.vocabulary, self.tokenizer) if path is not None)


SETTINGS = Speech
