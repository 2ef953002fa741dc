"""Why TensorFlow's converter refused a model."""

import re
from typing import Any

from exporter.data.errors import ToolError, first_line
from exporter.formats.common.refusals import layer_of_onnx, refusal


def tflite_refusal(error: Exception, graph: Any) -> ToolError:
    """Why TensorFlow's converter refused a function, of which `graph` is the graph.

    Scopes of its operators are the names of ONNX nodes.
    """
    kinds = re.findall(r"'tf\.(\w+)' op", str(error))
    names = [op.name for kind in kinds for op in graph.get_operations() if op.type == kind]
    node = names[0].rpartition("/")[0] if names else ""
    operator = re.sub(r"_\d+$", "", node.rpartition("/")[2]) or (kinds[0] if kinds else "")
    why = f"TFLite has no {kinds[0]}" if kinds else first_line(error)
    return refusal("TensorFlow's TFLite converter", operator, layer_of_onnx(node) if node else "", why)
