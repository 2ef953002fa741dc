"""litert_bench as an app: its JNI in a real JVM, and its runner by the real adb, with an `am` that acts the app out.

No Android runs here: that the Gradle project builds, and that a phone's policy lets the app read what was pushed, is
not shown by these tests.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from device_harness.runners.bench_document import parse_bench_document
from device_harness.runners.build import find_litert_library
from device_harness.runners.platforms import SOURCES
from tests.fakes.adbd import AdbdRig
from tests.integration.profiling import readings_of

PROJECT = SOURCES.parent / "android"
MAIN = """package dev.mobileexport.bench;
public final class Main {
  public static void main(String[] given) {
    System.exit(Bench.run(java.util.Arrays.copyOfRange(given, 2, given.length), given[0], given[1]));
  }
}
"""
# What the app does, told as `am instrument -w` tells it: arguments a line each, a folder, a result.
AM = r"""#!/bin/sh
[ "$1" = instrument ] || exit 0
files=@FOLDER@; mkdir -p $files
printf '%s\n' "$5" | sed "s#^{files}\$#$files#; s#^libLiteRt.so\$#@LIBRARY@#" > $files/arguments
set --; while IFS= read -r one; do set -- "$@" "$one"; done < $files/arguments
if @BENCH@ "$@" > $files/document.json 2> $files/errors.txt; then code=-1; else code=0; fi
printf 'INSTRUMENTATION_RESULT: files=%s\nINSTRUMENTATION_CODE: %s\n' $files $code
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the app's native code in a JVM: two files, then the arguments."""
    if None in (shutil.which("cmake"), shutil.which("cc"), shutil.which("javac")):
        pytest.skip("CMake, a C compiler or a JDK is not installed")
    folder = tmp_path_factory.mktemp("app")
    (folder / "Main.java").write_text(MAIN)
    build = ["cmake", "-S", str(SOURCES), "-B", str(folder / "build"), "-DLITERT_BENCH_APP=ON"]
    made = ["cmake", "--build", str(folder / "build"), "--target", "litert_bench_app"]
    bench = PROJECT / "src/main/java/dev/mobileexport/bench/Bench.java"
    compiled = ["javac", "--release", "8", "-Xlint:-options", "-d", str(folder), str(folder / "Main.java"), str(bench)]
    for command in (build, made, compiled):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return ["java", "-cp", str(folder), f"-Djava.library.path={folder / 'build'}", "dev.mobileexport.bench.Main"]


def test_the_native_code_runs_a_model_inside_a_jvm(app: list[str], model: Path, tmp_path: Path) -> None:
    """What the app prints is the document of litert_bench, in a file and whole."""
    printed, said = tmp_path / "document.json", tmp_path / "errors.txt"
    arguments = ["--model", str(model), "--litert-library", str(find_litert_library()), "--runs", "5", "--digest"]
    done = subprocess.run([*app, str(printed), str(said), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, said.read_text() + done.stderr
    document = parse_bench_document(printed.read_bytes(), "the app")
    assert len(document.latencies_s) >= 5
    assert document.outputs[0].sha256
    assert done.stdout == ""


def test_what_is_wrong_is_written_where_the_shell_can_read_it(app: list[str], tmp_path: Path) -> None:
    printed, said = tmp_path / "document.json", tmp_path / "errors.txt"
    done = subprocess.run([*app, str(printed), str(said), "--model"], capture_output=True, text=True)
    assert done.returncode == 2
    assert said.read_text().startswith("litert_bench: ")
    done = subprocess.run([*app, str(tmp_path / "none" / "x"), str(said)], capture_output=True, text=True)
    assert done.returncode == 255  # -1: no file, no run


@pytest.fixture
def apk(phone: AdbdRig, litert_bench: Path, tmp_path: Path) -> Path:
    """An app that the phone installs, and runs as the stand-in for `am` does."""
    bench = shutil.copy(litert_bench, phone.folder / "replies" / "bench")
    text = AM.replace("@BENCH@", str(bench)).replace("@LIBRARY@", str(find_litert_library()))
    for name, script in {
        "am": text.replace("@FOLDER@", str(phone.folder / "files")),
        "pm": "#!/bin/sh\n[ $1 = install ] && echo Success\n",
    }.items():
        (phone.folder / "replies" / name).write_text(script)
        (phone.folder / "replies" / name).chmod(0o755)
    file = tmp_path / "bench.apk"
    file.write_bytes(b"PK")
    return file


def test_a_profile_by_the_app(phone: AdbdRig, apk: Path, profile: Any) -> None:
    """Installed, run in processes of its own with the screen lit, compared, and removed."""
    phone.reply("dumpsys power", "mWakefulness=Asleep\n")
    code, document, errors = profile("--no-energy", "--benchmark-app", str(apk))
    assert code == 0, errors
    result = document["profiles"][0]["result"]
    assert readings_of(document)["latency"]["source"].startswith("litert_bench")
    assert result["outputs"]["identical"]
    calls = (phone.folder / "calls").read_text().splitlines()
    assert "input keyevent 224" in calls
    assert sum(call.startswith("pm install") for call in calls) == 1
    assert [call for call in calls if call.startswith("pm")][-1] == "pm uninstall dev.mobileexport.bench"
    assert phone.leftovers() == []


def test_an_app_that_crashes_says_what_the_system_said(phone: AdbdRig, apk: Path, profile: Any) -> None:
    (phone.folder / "replies" / "am").write_text(
        "#!/bin/sh\nprintf 'INSTRUMENTATION_RESULT: shortMsg=Process crashed.\\nINSTRUMENTATION_CODE: 0\\n'\n"
    )
    code, _document, errors = profile("--no-energy", "--benchmark-app", str(apk))
    assert code == 3
    assert "litert_bench_app failed on" in errors
    assert "Process crashed." in errors


def test_a_phone_that_refuses_the_app(phone: AdbdRig, apk: Path, profile: Any) -> None:
    (phone.folder / "replies" / "pm").write_text(
        "#!/bin/sh\necho 'Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]'; exit 1\n"
    )
    code, _document, errors = profile("--no-energy", "--benchmark-app", str(apk))
    assert code == 3
    assert "INSTALL_FAILED_INSUFFICIENT_STORAGE" in errors
