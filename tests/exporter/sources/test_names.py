"""Names of models that are read from a library's sources are those that the library itself lists."""

from exporter.sources.names import model_names


def test_names_of_torchvision_are_its_own() -> None:
    import torchvision

    names = [name.removeprefix("torchvision:") for name in model_names("torchvision:")]
    assert set(torchvision.models.list_models()) == set(names)


def test_a_kind_without_a_register_has_no_names() -> None:
    assert model_names("transformers:") == []
