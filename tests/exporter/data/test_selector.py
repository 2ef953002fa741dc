"""Conditions of `--device`: what they mean, and what is said of those that mean nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness.facts import DeviceInfo
from exporter.data.errors import UsageProblem
from exporter.data.selector import KEYS, SYSTEMS, Selector, is_selector, plain, read_selector, version_of

PIXEL = DeviceInfo(
    serial="R5CT1", also=("10.0.0.9:5555",), kind="adb", model="Pixel 8", soc="Tensor G3", os="Android 14"
)
NUMBERS = st.lists(st.integers(0, 10**9 - 1), min_size=1, max_size=4)
NAMES = st.text(min_size=1).filter(lambda text: plain(text) and not set(text) & set(",=<>!*"))


def version(numbers: list[int]) -> str:
    return ".".join(map(str, numbers))


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ("soc=tensor-g3", True),
        ("soc=Tensor G3,android>=14", True),
        (" model = pixel* , android > 13.9", True),
        ("android<14", False),
        ("android!=14", False),
        ("android=14.0", True),
        ("ios>=17", False),
        ("linux!=1", False),
        ("serial=10.0.0.9:5555", True),
        ("model=pixel", False),
        ("model!=pixel-9", True),
        ("architecture!=arm64", False),  # it is not known
        ("label=desk,host=lab-1", True),
        ("label!=desk", False),
        ("label!=shelf", True),
        ("all,kind=adb", True),
    ],
)
def test_what_conditions_mean(text: str, meets: bool) -> None:
    selector = read_selector(text)
    assert selector.meets(PIXEL, ("Desk", "nightly"), "lab 1") is meets
    assert selector.every is text.startswith("all")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("scoc=x", r"'scoc' is nothing that is known of devices; did you mean 'soc'\?"),
        ("zzzzzz=x", r"'zzzzzz' is nothing that is known of devices; There are serial, model"),
        ("soc>=tensor", r"soc has no order, so that >= says nothing: write soc=tensor\."),
        ("soc=", r"soc= is followed by no name"),
        ("android>=fourteen", r"'fourteen' is no version of android: write it as in android>=14\."),
        ("soc=a,,android>=14", r"'' is no condition\. Write KEY=VALUE, joined by commas"),
        ("soc=a,pixel", r"'pixel' is no condition"),
        ("=x", r"'' is nothing that is known of devices"),
    ],
)
def test_what_means_nothing_is_refused_by_its_place(text: str, reason: str) -> None:
    with pytest.raises(UsageProblem, match=reason):
        read_selector(text)


@given(NUMBERS, NUMBERS)
def test_versions_are_ordered_by_their_numbers(there: list[int], asked: list[int]) -> None:
    """Exactly one of <, = and > holds, and the others follow from it; 14 is 14.0."""
    info = DeviceInfo(serial="s", kind="adb", os=f"Android {version(there)}")
    holds = {order: read_selector(f"android{order}{version(asked)}").meets(info) for order in ("<", "=", ">")}
    assert sum(holds.values()) == 1
    padded = [numbers + [0] * (4 - len(numbers)) for numbers in (there, asked)]
    assert holds["<"] is (padded[0] < padded[1])
    for order, expected in ((">=", not holds["<"]), ("<=", not holds[">"]), ("!=", not holds["="])):
        assert read_selector(f"android{order}{version(asked)}").meets(info) is expected


@given(NAMES, st.sampled_from(["model", "soc", "label", "host"]))
def test_a_device_is_meant_by_its_own_names_however_they_are_written(name: str, key: str) -> None:
    """Also with other marks between the words; and `!=` says the opposite."""
    info = DeviceInfo(serial="s", kind="adb", **{key: name} if key in ("model", "soc") else {})
    known = {"labels": (name,) if key == "label" else (), "host": name if key == "host" else None}
    for written in (name, plain(name), f"{plain(name)[:1]}*"):
        assert read_selector(f"{key}={written}").meets(info, **known)  # type: ignore[arg-type]
        assert not read_selector(f"{key}!={written}").meets(info, **known)  # type: ignore[arg-type]


@given(st.text())
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    """And what was read is written down as what means the same."""
    try:
        selector = read_selector(text)
    except UsageProblem:
        return  # its words are above
    again = read_selector(str(selector))
    assert again.every is selector.every
    for info in (PIXEL, DeviceInfo(serial="local", kind="local", os="Linux 6.1")):
        assert again.meets(info) is selector.meets(info)


@given(st.sampled_from(KEYS), st.sampled_from(["=", "!=", ">=", "<=", "<", ">"]), st.sampled_from(["14", "x", "17.4"]))
def test_every_key_is_read(key: str, order: str, value: str) -> None:
    """A system takes any order of a version, anything else a name and none."""
    fits = version_of(value) is not None if key in SYSTEMS else order in ("=", "!=")
    assert is_selector(f"{key}{order}{value}")
    if fits:
        assert str(read_selector(f"{key}{order}{value}")) == f"{key}{order}{value}"
    else:
        with pytest.raises(UsageProblem):
            read_selector(f"{key}{order}{value}")


def test_no_condition_is_no_selector() -> None:
    assert not is_selector("R5CT1")
    assert not is_selector("adb-1234._adb-tls-connect._tcp")
    assert Selector(conditions=()).meets(PIXEL)
