"""What is in the cache answers for nothing else."""

import pytest

from exporter.data.settings.target import Target
from exporter.formats.common.deciding import NOT_IN_ARTIFACTS
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.registry import format_named
from exporter.formats.tflite.settings import TfliteTarget
from tests.exporter.sources.test_digests import PARTS
from tests.exporter.use_cases.conftest import Workspace


class WithNewSetting(TfliteTarget):
    """As a later version may have it."""

    new_setting: int = 0


@pytest.mark.parametrize(
    "target",
    [
        CoremlTarget.model_validate({"name": "t", "format": "coreml", "minimum_os": "iOS 18"}),
        WithNewSetting.model_validate({"name": "t", "format": "tflite", "minimum_os": "Android 12"}),
    ],
)
def test_every_setting_is_in_the_key_unless_it_is_known_not_to_matter(target: Target) -> None:
    """Protects against a setting that somebody adds and forgets: its artifacts would come from the cache."""
    settings = format_named(target.format).decides(target)
    assert set(type(target).model_fields) - NOT_IN_ARTIFACTS <= set(settings)
    assert not NOT_IN_ARTIFACTS & set(settings)


def test_the_generation_of_the_system_is_in_the_key_and_its_name_is_not() -> None:
    def settings(minimum_os: str) -> dict[str, object]:
        target = CoremlTarget(name="t", format="coreml", minimum_os=minimum_os)
        return dict(format_named("coreml").decides(target))

    assert settings("iOS 18") == settings("macOS 15")
    assert settings("iOS 18") != settings("iOS 17")


def test_a_changed_constant_is_converted_anew(workspace: Workspace) -> None:
    """Protects a verdict from being another model's: the tensor is in no state dict."""
    folder = workspace.folder / "constant"
    folder.mkdir(exist_ok=True)
    seen = []
    for changed in ("", "attribute", ""):
        text = PARTS.format(changed=changed, branch_constant="20").replace("torch.jit.script(Inner())", "Inner()")
        (folder / "parts.py").write_text(text)
        moved = workspace._replace(model=f"{folder / 'parts.py'}:net")
        toml = folder / "t.toml"
        toml.write_text('[targets.t]\nformat = "tflite"\nminimum_os = "Android 12"\ntolerances.snr_db = 40\n')
        done = moved.run(
            "--target", "t", "--targets", toml, "--input-shape", "x=1,2000", "--no-measure", output="const"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (target,) = done.record["targets"]
        seen.append((target["artifact"]["sha256"], "conversion" in target["from_cache"]))
    assert seen[0][0] == seen[2][0] != seen[1][0]
    assert [cached for _, cached in seen] == [False, False, True]
