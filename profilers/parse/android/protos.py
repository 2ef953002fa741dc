"""Message types of the protocol buffers that are read, built from a table: their own packages are not needed.

Sources: Perfetto ``trace_packet.proto``, ``power_rails.proto``, ``battery_counters.proto``. Only the fields that are
read are declared; the others are skipped by the wire format.
"""

import functools
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Field = descriptor_pb2.FieldDescriptorProto

# message -> field -> (number, type or message name, repeated)
_MESSAGES: dict[str, dict[str, tuple[int, int | str, bool]]] = {
    "RailDescriptor": {
        "index": (1, Field.TYPE_UINT32, False),
        "rail_name": (2, Field.TYPE_STRING, False),
        "subsys_name": (3, Field.TYPE_STRING, False),
    },
    "EnergyData": {
        "index": (1, Field.TYPE_UINT32, False),
        "timestamp_ms": (2, Field.TYPE_UINT64, False),
        "energy": (3, Field.TYPE_UINT64, False),
    },
    "PowerRails": {
        "rail_descriptor": (1, "RailDescriptor", True),
        "energy_data": (2, "EnergyData", True),
        "session_uuid": (3, Field.TYPE_UINT64, False),
    },
    "BatteryCounters": {
        "charge_counter_uah": (1, Field.TYPE_INT64, False),
        "capacity_percent": (2, Field.TYPE_FLOAT, False),
        "current_ua": (3, Field.TYPE_INT64, False),
        "current_avg_ua": (4, Field.TYPE_INT64, False),
        "name": (5, Field.TYPE_STRING, False),
        "energy_counter_uwh": (6, Field.TYPE_INT64, False),
        "voltage_uv": (7, Field.TYPE_INT64, False),
    },
    "TracePacket": {
        "timestamp": (8, Field.TYPE_UINT64, False),
        "battery": (38, "BatteryCounters", False),
        "power_rails": (40, "PowerRails", False),
    },
    "Trace": {"packet": (1, "TracePacket", True)},
}


@functools.cache
def message_class(name: str) -> Any:
    """The class of one of the messages above."""
    file = descriptor_pb2.FileDescriptorProto(name="mobile_export.proto", package="mobile_export", syntax="proto2")
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for field_name, (number, kind, repeated) in fields.items():
            field = message.field.add(name=field_name, number=number)
            field.label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
            if isinstance(kind, str):
                field.type, field.type_name = Field.TYPE_MESSAGE, f".mobile_export.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"mobile_export.{name}"))
