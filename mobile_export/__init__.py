"""`mobile-export` in notebooks and scripts: the commands as functions with types, and `Model`, which chains them.

    import mobile_export as mx

    model = mx.Model("torchvision:mobilenet_v2", settings={"mean": 0.5, "std": 0.5})
    result = model.run("pixel-8", "iphone-15", calibration="images/")
    result              # in Jupyter: the page that the command writes
    result.verdicts     # anywhere

Results are frozen and hold what `run.json` holds; conversions come from the command's cache and go to it. Importing
this loads neither torch nor a converter.
"""

from exporter import __version__, api
from exporter.api import *  # noqa: F403 - the same, under the name of the program

__all__ = ["__version__"]
__all__ += api.__all__
