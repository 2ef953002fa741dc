"""The Kotlin library: a plain Java module with its unit test, and an Android module with its instrumented test."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from exporter.data.facts.handoff import Handoff
from exporter.formats.handoff import AppRuntime
from exporter.handoff.names import identifier
from exporter.handoff.render import rendered, rendered_file

FOLDER = "android"
_CORE = ("Pixels", "Resampling", "Fitting", "Preprocessing")
_ALWAYS = ("Tensor", "ModelFacts", "Model")


def kotlin_files(handoff: Handoff, app: AppRuntime, labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Files of the project, by their place in the hand-off's folder."""
    pictured = is_pictured(handoff)
    package = f"models.{identifier(handoff.name).lower()}"
    facts = {
        "handoff": handoff,
        "app": app,
        "labels": labels,
        "jvm": app.jvm,
        "package": package,
        "pictured": pictured,
        "file": PurePosixPath(handoff.artifact).name,
        "suffix": PurePosixPath(handoff.artifact).suffix.removeprefix("."),
    }
    path = package.replace(".", "/")
    core, test = f"core/src/main/kotlin/{path}", f"core/src/test/kotlin/{path}"
    library, phone = f"library/src/main/kotlin/{path}", f"library/src/androidTest/kotlin/{path}"
    classes = ("Classification",) if handoff.reads == "classification" else ()
    places = {
        "settings.gradle.kts": "settings.gradle.kts",
        "build.gradle.kts": "build.gradle.kts",
        "core/build.gradle.kts": "core.gradle.kts",
        "library/build.gradle.kts": "library.gradle.kts",
        **{f"{core}/{name}.kt": f"{name}.kt" for name in (*_ALWAYS, *(_CORE if pictured else ()), *classes)},
        f"testing/{path}/Golden.kt": "Golden.kt",
        f"{test}/GoldenTest.kt": "GoldenTest.kt",
        f"{library}/Android.kt": "Android.kt",
        f"{phone}/PhoneTest.kt": "PhoneTest.kt",
        **({f"{test}/ModelTest.kt": "ModelTest.kt"} if app.jvm else {}),
    }
    for place, template in places.items():
        yield f"{FOLDER}/{place}", rendered(f"kotlin/{template}.jinja", facts)
    yield f"{FOLDER}/{core if app.jvm else library}/ModelEngine.kt", rendered_file(app.engine, facts)


def is_pictured(handoff: Handoff) -> bool:
    """Whether the one input is a picture, which the code makes of any."""
    return len(handoff.inputs) == 1 and handoff.inputs[0].picture is not None
