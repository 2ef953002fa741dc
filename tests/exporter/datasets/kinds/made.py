"""Small data of every kind, written for a test: other contents and other truths for other seeds."""

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exporter.data.facts.source import ImageSpec, InputSpec
from exporter.data.settings.model import ModelSettings
from exporter.datasets.dataset import Dataset
from exporter.datasets.open import open_dataset
from tests.contracts.dataset import Case

WIDTH, HEIGHT, COUNT, RATE = 24, 18, 3, 8000


def image_spec(height: int = 16, width: int = 16, color: Any = "RGB") -> InputSpec:
    channels = 1 if color == "GRAY" else 3
    image = ImageSpec(mean=(0.0,) * channels, std=(1.0,) * channels, color=color)
    return InputSpec(name="image", shape=(1, channels, height, width), image=image)


def opened(given: object, truth: Any, inputs: tuple[InputSpec, ...] = (image_spec(),), **more: Any) -> Dataset:
    settings = ModelSettings.model_validate(more.pop("settings", {}))
    names = more.pop("names", ())
    return open_dataset(
        str(given), inputs, more.pop("resize", "stretch"), names, truths=(truth,) if truth else (), settings=settings
    )


def pixels(seed: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_images(folder: Path, content: int = 0, count: int = COUNT, suffix: str = ".png") -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{index}{suffix}" for index in range(count)]
    for index, name in enumerate(names):
        Image.fromarray(pixels(10 * content + index)).save(folder / name)
    return names


def coco(folder: Path, content: int = 0, said: int = 0, **change: Any) -> str:
    """Two objects on the first image, one on the second, nothing on the third."""
    names = write_images(folder, content)
    outline = [[2.0, 2.0, 10.0 + said, 2.0, 10.0 + said, 8.0, 2.0, 8.0]]
    code = {"size": [HEIGHT, WIDTH], "counts": [5, 3, HEIGHT * WIDTH - 8]}
    points = [3, 3, 2, 5, 5, 1, 0, 0, 0]

    def item(number: int, image: int, category: int, segmentation: Any) -> dict[str, Any]:
        box = [2.0, 2.0, 8.0 + said, 6.0]
        made = {"id": number, "image_id": image, "category_id": category, "bbox": box, "segmentation": segmentation}
        return {**made, "area": 40.0, "iscrowd": int(number == 2), "keypoints": points}

    tables: dict[str, Any] = {
        "images": [
            {"id": 7 + place, "file_name": name, "width": WIDTH, "height": HEIGHT} for place, name in enumerate(names)
        ],
        "annotations": [item(1, 7, 9, outline), item(2, 7, 4, code), item(3, 8, 9, outline)],
        "categories": [{"id": 9, "name": "dog", "keypoints": ["a", "b", "c"]}, {"id": 4, "name": "cat"}],
    }
    tables |= change
    (folder / "instances.json").write_text(json.dumps(tables))
    return str(folder / "instances.json")


def yolo_lines(folder: Path, lines: tuple[str, ...], content: int = 0, yaml: str = "names: [cat, dog]\n") -> str:
    names = write_images(folder / "images" / "val", content)
    labels = folder / "labels" / "val"
    labels.mkdir(parents=True, exist_ok=True)
    for name, text in zip(names, lines, strict=False):
        (labels / name).with_suffix(".txt").write_text(text)
    (folder / "data.yaml").write_text(f"path: .\nval: images/val\n{yaml}")
    return str(folder / "data.yaml")


def yolo(folder: Path, content: int = 0, said: int = 0) -> str:
    return yolo_lines(folder, (f"0 0.5 0.5 0.{2 + said} 0.25\n1 0.25 0.25 0.5 0.5\n", "1 0.5 0.5 1 1\n"), content)


def yolo_outlines(folder: Path, content: int = 0, said: int = 0) -> str:
    return yolo_lines(folder, (f"0 0.25 0.25 0.75 0.25 0.75 0.{5 + said}\n", "1 0 0 1 0 1 1 0 1\n"), content)


def yolo_points(folder: Path, content: int = 0, said: int = 0) -> str:
    lines = (f"0 0.5 0.5 0.5 0.5 0.{4 + said} 0.5 2 0 0 0\n",)
    return yolo_lines(folder, lines, content, "names: {0: person}\nkpt_shape: [2, 3]\n")


VOC = """<annotation>
  <filename>{name}</filename>
  <size><width>24</width><height>18</height><depth>3</depth></size>
  <object>
    <name>{cat}</name>
    <difficult>{difficult}</difficult>
    <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{right}</xmax><ymax>9</ymax></bndbox>
  </object>
</annotation>
"""


def voc(folder: Path, content: int = 0, said: int = 0) -> str:
    names = write_images(folder / "JPEGImages", content)
    (folder / "Annotations").mkdir(exist_ok=True)
    for index, name in enumerate(names):
        text = VOC.format(name=name, cat=("cat", "dog")[index % 2], difficult=int(index == 2), right=12 + said)
        (folder / "Annotations" / name).with_suffix(".xml").write_text(text)
    return str(folder)


def masks(folder: Path, content: int = 0, said: int = 0) -> str:
    names = write_images(folder / "images", content)
    (folder / "masks").mkdir(exist_ok=True)
    for name in names:
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[:, WIDTH // 2 :] = 1 + said
        Image.fromarray(mask).save(folder / "masks" / name)
    return str(folder)


def depth(folder: Path, content: int = 0, said: int = 0) -> str:
    names = write_images(folder / "images", content)
    (folder / "depth").mkdir(exist_ok=True)
    steps = np.full((HEIGHT, WIDTH), 1500 + said, np.uint16)
    steps[0, 0] = 0
    for name in names[1:]:
        Image.fromarray(steps).save(folder / "depth" / name)
    np.save(folder / "depth" / "0.npy", np.full((HEIGHT, WIDTH), 2.5, np.float32))
    return str(folder)


def pairs(folder: Path, content: int = 0, said: int = 0) -> str:
    names = write_images(folder / "inputs", content)
    (folder / "targets").mkdir(exist_ok=True)
    for index, name in enumerate(names):
        large = Image.fromarray(pixels(10 * content + index)).resize((2 * WIDTH, 2 * HEIGHT), Image.Resampling.NEAREST)
        large.putpixel((0, 0), (said, 0, 0))
        large.save(folder / "targets" / name)
    return str(folder)


def write_wav(path: Path, samples: NDArray[np.int16], rate: int = RATE, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(channels)
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes(samples.astype("<i2").tobytes())


def tone(seed: int, length: int = 100) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-20000, 20000, length).astype(np.int16)


def audio(folder: Path, content: int = 0, said: int = 0) -> str:
    for file in folder.rglob("*.wav"):
        file.unlink()
    for index in range(4):
        name = ("no", "yes")[(index + (said if index == 0 else 0)) % 2]
        write_wav(folder / name / f"{index}.wav", tone(10 * content + index))
    return str(folder)


def speech(folder: Path, content: int = 0, said: int = 0) -> str:
    for index in range(COUNT):
        write_wav(folder / f"clip-{index}.wav", tone(10 * content + index))
    lines = [f"clip-{index} words of {index + said}" for index in range(COUNT)]
    (folder / "transcripts.txt").write_text("\n".join(lines) + "\n")
    return str(folder)


def write_tokenizer(folder: Path, words: tuple[str, ...] = ("good", "bad", "film", "a")) -> Path:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing

    vocabulary = {word: place for place, word in enumerate(("[PAD]", "[CLS]", "[SEP]", "[UNK]", *words))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


IDS = tuple(
    InputSpec(name=name, shape=(1, 6), dtype=dtype)
    for name, dtype in (("input_ids", "int64"), ("attention_mask", "int64"), ("token_type_ids", "int32"))
)


def text(folder: Path, content: int = 0, said: int = 0) -> str:
    write_tokenizer(folder)
    words = ("film", "a film")[content]
    (folder / "data.csv").write_text(
        f"text,label\ngood {words},{('pos', 'neg')[said]}\nbad {words},neg\na good {words},pos\n"
    )
    return str(folder / "data.csv")


def json_lines(folder: Path, content: int = 0, said: int = 0) -> str:
    write_tokenizer(folder)
    rows = [{"text": f"good {'a ' * index}{'film' * content}", "tokens": [said, index]} for index in range(COUNT)]
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return str(folder / "data.jsonl")


def _table(folder: Path, content: int, said: int) -> Any:
    import pyarrow

    write_images(folder, content)
    cells = [{"bytes": (folder / f"{index}.png").read_bytes(), "path": None} for index in range(COUNT)]
    table = pyarrow.table({"image": cells, "label": [0, 1, said]})
    features = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    return table.replace_schema_metadata({b"huggingface": json.dumps({"info": {"features": features}}).encode()})


def arrow(folder: Path, content: int = 0, said: int = 0) -> str:
    """As `Dataset.save_to_disk` writes it, in two files."""
    import pyarrow

    table = _table(folder, content, said)
    saved = folder / "saved"
    saved.mkdir(exist_ok=True)
    names = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
    for name, part in zip(names, (table.slice(0, 2), table.slice(2)), strict=True):
        with pyarrow.OSFile(str(saved / name), "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(part)
    (saved / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (saved / "dataset_info.json").write_text("{}")
    return str(saved)


def parquet(folder: Path, content: int = 0, said: int = 0) -> str:
    import pyarrow.parquet

    pyarrow.parquet.write_table(_table(folder, content, said), folder / "data.parquet", row_group_size=2)
    return str(folder / "data.parquet")


def arrays(folder: Path, content: int = 0, said: int = 0) -> str:
    values = np.random.default_rng(content).normal(size=(COUNT, 4)).astype(np.float32)
    np.savez(folder / "data.npz", x=values, y=np.full((COUNT, 2), 0.5 + said, np.float32))
    return str(folder / "data.npz")


def factory(folder: Path, content: int = 0, said: int = 0) -> str:
    code = (
        "import numpy as np\nfrom exporter.datasets.truths import Boxes\n\n\ndef data():\n"
        f"    for index in range(3):\n        values = np.full(4, index + {content}, np.float32)\n"
        f"        yield values, Boxes.of([[0, 0, 1 + {said}, 1]], [0])\n"
    )
    name = f"made_{content}_{said}.py"
    (folder / name).write_text(code)
    return f"{folder / name}:data"


def manifest(folder: Path, content: int = 0, said: int = 0) -> str:
    names = write_images(folder, content)
    lines = [f"{name},{index + said}" for index, name in enumerate(names)]
    (folder / "labels.csv").write_text("path,label\n" + "\n".join(lines) + "\n")
    return str(folder / "labels.csv")


def image_folder(folder: Path, content: int = 0, said: int = 0) -> str:
    root = folder / f"said-{said}"
    for index in range(4):
        path = root / ("cat" if index < 2 + said else "dog") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(10 * content + index)).save(path)
    return str(root)


VECTOR = (InputSpec(name="x", shape=(1, 4)),)
SAMPLES = (InputSpec(name="samples", shape=(1, 1, 120)),)


def with_tokenizer(folder: Path) -> dict[str, Any]:
    return {"tokenizer": folder / "tokenizer.json"}


_IMAGE = (image_spec(),)
CASES = {
    "coco": Case(coco, _IMAGE, "boxes", True),
    "coco instances": Case(coco, _IMAGE, "instances", True),
    "coco poses": Case(coco, _IMAGE, "poses", True),
    "yolo": Case(yolo, _IMAGE, "boxes", True),
    "yolo outlines": Case(yolo_outlines, _IMAGE, "instances", True),
    "yolo points": Case(yolo_points, _IMAGE, "poses", True),
    "voc": Case(voc, _IMAGE, "boxes", True),
    "masks": Case(masks, _IMAGE, "classes_map", True),
    "depth": Case(depth, _IMAGE, "depth", True),
    "pairs": Case(pairs, _IMAGE, "image", True),
    "folder": Case(image_folder, _IMAGE, "class", True),
    "manifest": Case(manifest, _IMAGE, "class", True),
    "arrow": Case(arrow, _IMAGE, "class", True),
    "parquet": Case(parquet, _IMAGE, "class", True),
    "audio": Case(audio, SAMPLES, "class"),
    "speech": Case(speech, SAMPLES, "text"),
    "text": Case(text, IDS, "class", settings=with_tokenizer),
    "json lines": Case(json_lines, IDS, "tokens", settings=with_tokenizer),
    "arrays": Case(arrays, VECTOR, "values"),
    "factory": Case(factory, VECTOR, "boxes"),
}
