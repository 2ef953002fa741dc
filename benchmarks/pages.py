"""Compares the check for 16 KB pages with `readelf -lW` and `zipalign`, library by library.

    python benchmarks/pages.py FOLDER...

Every ELF library under the folders is read by both, alone and inside the .apk, .aab, .aar and .jar files there;
every APK is given to zipalign. Of the libraries of each .aar, APKs are made besides (as zip writes them, aligned to
4 KiB pages and to 16 KiB by zipalign) and an app bundle. Needs binutils and zipalign. Registries have Android
packages, for example:

    npm pack jsc-android hermes-engine @devicefarmer/minicap-prebuilt appium-uiautomator2-server io.appium.settings
"""

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from exporter.data.facts.sizes import Facet
from exporter.sizes.elf import read_elf
from exporter.sizes.measure import measure
from exporter.sizes.native import PAGE, is_library
from exporter.sizes.packaging import Options

PACKAGES = (".apk", ".aab", ".aar", ".jar")
BATCH = 100
_LINE = re.compile(r"^\s*[0-9]+ (.+\.so) \((OK|BAD)(.*)\)$", re.M)


class Seen(NamedTuple):
    """One library as this program and a tool see it."""

    name: str
    ours: int | None
    theirs: int | None

    @property
    def agrees(self) -> bool:
        """Exactly, not only on which side of 16 KiB."""
        return self.ours == self.theirs


def main(folders: list[str]) -> int:
    """Print the tables; 1 where anything differs."""
    files = [path for folder in folders for path in sorted(Path(folder).rglob("*")) if path.is_file()]
    packages = [path for path in files if path.suffix in PACKAGES and zipfile.is_zipfile(path)]
    with tempfile.TemporaryDirectory() as scratch:
        inside = list(_unpacked(packages, Path(scratch) / "inside"))
        alone = [path for path in files if is_library(path.name) and not path.is_symlink()]
        libraries = list(_libraries([*alone, *inside]))
        made = list(_made([path for path in packages if path.suffix == ".aar"], Path(scratch) / "made"))
        differ = _elf_table(libraries, len(alone))
        differ += _package_table([path for path in [*packages, *made] if path.suffix in (".apk", ".aab")])
    return int(differ > 0)


def _unpacked(packages: Iterable[Path], folder: Path) -> Iterator[Path]:
    for number, package in enumerate(packages):
        with zipfile.ZipFile(package) as archive:
            for name in filter(is_library, archive.namelist()):
                yield Path(archive.extract(name, folder / str(number)))


def _libraries(paths: list[Path]) -> Iterator[Seen]:
    """What both say of the least alignment of LOAD segments; None where there is no such segment, or no ELF file."""
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        theirs = _readelf(batch)
        for path in batch:
            yield Seen(str(path), _ours(path), theirs.get(str(path)))


def _ours(path: Path) -> int | None:
    with path.open("rb") as stream:
        found = read_elf(stream)
    return None if found is None else found.alignment


def _readelf(paths: list[Path]) -> dict[str, int]:
    """The last column of its LOAD lines, the least of each file."""
    names = [*map(str, paths), "/dev/null"]  # a second file, so that each has its name printed
    told = subprocess.run(["readelf", "-lW", *names], capture_output=True, text=True, check=False).stdout
    found: dict[str, int] = {}
    current = ""
    for line in told.splitlines():
        if line.startswith("File: "):
            current = line.removeprefix("File: ")
        elif line.split()[:1] == ["LOAD"]:
            found[current] = min(found.get(current, 1 << 62), int(line.split()[-1], 16))
    return found


def _made(archives: Iterable[Path], folder: Path) -> Iterator[Path]:
    """APKs and a bundle of each archive's libraries, aligned by zipalign itself."""
    folder.mkdir()
    for number, archive in enumerate(archives):
        stem = f"{number}-{archive.stem}"
        plain = _packed(archive, folder / f"{stem}-unaligned.apk", "AndroidManifest.xml", "lib/")
        yield plain
        yield _packed(archive, folder / f"{stem}.aab", "base/manifest/AndroidManifest.xml", "base/lib/")
        for title, arguments in (("4k", ["-p", "4"]), ("16k", [str(PAGE)])):
            aligned = folder / f"{stem}-{title}.apk"
            subprocess.run(["zipalign", *arguments, plain, aligned], check=True, capture_output=True)
            yield aligned


def _packed(archive: Path, package: Path, manifest: str, place: str) -> Path:
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(package, "w") as target:
        target.writestr(manifest, b"")
        for name in filter(is_library, source.namelist()):
            target.writestr(place + name.removeprefix("jni/"), source.read(name))
    return package


def _zipalign(path: Path) -> dict[str, bool]:
    """Whether each uncompressed library of an APK begins at a multiple of 16 KiB.

    Before Android 15's, zipalign has no -P; with an alignment of 16 KiB for all files it says the same of libraries.
    """
    usage = subprocess.run(["zipalign"], capture_output=True, text=True, check=False)
    newer = "-P" in usage.stdout + usage.stderr
    arguments = ["-P", "16", "-v", "4"] if newer else ["-v", str(PAGE)]
    told = subprocess.run(["zipalign", "-c", *arguments, path], capture_output=True, text=True, check=False).stdout
    return {name: word == "OK" for name, word, rest in _LINE.findall(told) if "compressed" not in rest}


def _elf_table(libraries: list[Seen], alone: int) -> int:
    elf = [one for one in libraries if one.ours is not None or one.theirs is not None]
    wrong = [one for one in libraries if not one.agrees]
    sizes = Counter(one.ours for one in elf)
    print(f"{len(libraries)} files named like libraries, {alone} of them alone; {len(elf)} with LOAD segments")
    print("least alignment:", ", ".join(f"{size}: {count}" for size, count in sorted(sizes.items(), key=str)))
    print(f"readelf says the same of {len(libraries) - len(wrong)}, another thing of {len(wrong)}\n")
    for one in wrong:
        print(f"DIFFERS  {one.name}: {one.ours} here, {one.theirs} by readelf")
    return len(wrong)


def _package_table(packages: Iterable[Path]) -> int:
    print(f"{'package':52} {'64-bit':>6} {'< 16 KiB':>8} {'stored':>6} {'aligned':>7} {'zipalign':>8}")
    differ = 0
    for path in packages:
        facets = measure(path, Options())[0].facets
        pages, packed = _of(facets, "library-64"), _of(facets, "library-in-apk")
        theirs = _zipalign(path) if path.suffix == ".apk" else {}
        ours = {name: size >= PAGE for name, size in packed.items()}
        differ += ours != theirs
        small = sum(size < PAGE for size in pages.values())
        row = (len(pages), small, len(ours), sum(ours.values()), sum(theirs.values()))
        same = "" if ours == theirs else "  DIFFERS"
        print(f"{path.name[-52:]:52} {row[0]:6} {row[1]:8} {row[2]:6} {row[3]:7} {row[4]:8}{same}")
    print(f"\nzipalign says otherwise of {differ} packages")
    return differ


def _of(facets: Iterable[Facet], scope: str) -> dict[str, int]:
    return {facet.name: facet.size.value for facet in facets if facet.scope == scope}


if __name__ == "__main__":
    missing = [tool for tool in ("readelf", "zipalign") if shutil.which(tool) is None]
    sys.exit(f"not installed: {', '.join(missing)}" if missing else main(sys.argv[1:]))
