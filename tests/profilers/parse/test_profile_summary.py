"""LiteRT's table of operators."""

import pytest

from device_harness.errors import UnreadableOutputError
from profilers.parse.litert.profile_summary import parse_profile_summary

# As LiteRT 2.1.2 wrote it of 20 inferences of a network of which XNNPACK took all but two operators.
TABLE = """============================== Run Order ==============================
                   [node type]    [first]   [avg ms]        [%]     [cdf%]   [mem KB] [times called]     [Name]
               AVERAGE_POOL_2D 43383277.186      0.004    78.947%    78.947%      0.000         20 [Unknown]:27
                       SOFTMAX 43383277.193      0.001    21.053%   100.000%      0.000         20 [Unknown]:30

============================== Top by Computation Time ==============================
                   [node type]    [first]   [avg ms]        [%]     [cdf%]   [mem KB] [times called]     [Name]
               AVERAGE_POOL_2D 43383277.186      0.004    78.947%    78.947%      0.000         20 [Unknown]:27

Delegate Statistics:
Op Name                                                           Count    Avg(us)    Min(us)    Max(us)  Total(us)
Delegate/Convolution (NHWC, QC8) DWConv                             260      11.97          1        424       3111
Delegate/Fully Connected (NC, QS8) GEMM                              20       1.95          0          3         39
"""


def test_operators_of_the_delegate_and_of_litert_itself() -> None:
    found = parse_profile_summary(TABLE, 20)
    assert [(op.type, op.calls) for op in found] == [
        ("AVERAGE_POOL_2D", 1),
        ("SOFTMAX", 1),
        ("Convolution (NHWC, QC8) DWConv", 13),
        ("Fully Connected (NC, QS8) GEMM", 1),
    ]
    assert found[0].name == "LiteRT's own kernel:27"
    assert [op.mean_s for op in found] == pytest.approx([4e-6, 1e-6, 155.55e-6, 1.95e-6])
    assert sum(op.share for op in found) == pytest.approx(1)
    assert all(op.first_s is None for op in found)


def test_a_table_without_operators_is_an_error() -> None:
    with pytest.raises(UnreadableOutputError, match="no operators"):
        parse_profile_summary("Top by Computation Time\n", 20)
