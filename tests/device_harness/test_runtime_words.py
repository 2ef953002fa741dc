"""What LiteRT says of accelerators, and a GPU that the CPU acts out."""

from device_harness.runners.bench_document import BenchDocument
from device_harness.runners.documents import reasons, runtime_words, with_words
from tests.device_harness.test_bench_document import SMALL

# As litert_bench printed it with LiteRT 2.1.2 and its WebGPU accelerator.
LINES = (
    "INFO: [environment.cc:29] Creating LiteRT environment with options",
    "WARNING: [auto_registration.cc:71] NPU accelerator could not be loaded and registered: kLiteRtStatusError.",
    "INFO: [auto_registration.cc:158] Dynamically loaded GPU accelerator(libLiteRtWebGpuAccelerator.so) registered.",
    "Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file: No such file or directory",
    "I0000 00:00:1795862504.127144    4433 environment.cc:513] Found 0 adapters",
    "E0000 00:00:1795862504.127167    4433 delegate_webgpu.cc:130] Failed to initialize WebGPU environment: "
    "INTERNAL: No adapters found",
)
WITHOUT_GPU = "\n".join(LINES)
SOFTWARE = (
    "I0000 00:00:1795862570.237860    5187 environment.cc:548] Selected adapter: llvmpipe (LLVM 19.1.7, 256 bits), "
    "arch=software, vendor=mesa, backend=Vulkan, adapterType=CPU / Software\n"
)


def on_gpu() -> BenchDocument:
    document = BenchDocument.model_validate(SMALL)
    taken = document.acceleration.model_copy(update={"used": "gpu", "fully_accelerated": True})
    return document.model_copy(update={"acceleration": taken})


def test_why_not_is_told_without_clocks_and_places() -> None:
    found = runtime_words(WITHOUT_GPU)
    assert "Failed to initialize WebGPU environment: INTERNAL: No adapters found" in found
    assert "Creating LiteRT environment with options" not in found
    assert reasons(found)[-1] == "Failed to initialize WebGPU environment: INTERNAL: No adapters found"
    assert not any("registered." in line and "GPU" in line for line in reasons(found))


def test_a_gpu_that_the_cpu_acts_out_is_the_cpu() -> None:
    found = with_words(on_gpu(), runtime_words(SOFTWARE)).acceleration
    assert (found.used, found.fully_accelerated) == ("cpu", False)
    assert found.notes[-1].startswith("Selected adapter: llvmpipe")


def test_a_gpu_is_one() -> None:
    words = runtime_words(SOFTWARE.replace("CPU / Software", "IntegratedGPU"))
    assert with_words(on_gpu(), words).acceleration.used == "gpu"
