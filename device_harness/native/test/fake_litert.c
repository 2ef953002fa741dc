// A stand-in for libLiteRt.so: one input and one output of four floats, output = input; two signatures. FAKE_LITERT
// tells how to misbehave: the name of the function that fails, "slow", or "late": like an accelerator, it returns from
// an inference before that is over, and whoever reads an output waits.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  int32_t element_type;
  uint32_t rank;
  int32_t dimensions[8];
  uint32_t strides[8];
} Type;

static int Told(const char* name) {
  const char* fault = getenv("FAKE_LITERT");
  return fault != NULL && strcmp(fault, name) == 0;
}

static int Make(const char* name, size_t size, void** made) {
  if (Told(name)) return 500;
  *made = calloc(1, size);
  return 0;
}

#define EXPORT __attribute__((visibility("default")))
#define MAKE(name) EXPORT int LiteRt##name(void** made); EXPORT int LiteRt##name(void** made) { return Make(#name, 1, made); }
#define FREE(name) EXPORT void LiteRt##name(void* made); EXPORT void LiteRt##name(void* made) { free(made); }
#define DEFINE(type, name, arguments) EXPORT type LiteRt##name arguments; EXPORT type LiteRt##name arguments

MAKE(CreateOptions)
FREE(DestroyEnvironment)
FREE(DestroyModel)
FREE(DestroyOptions)
FREE(DestroyOpaqueOptions)
FREE(DestroyCompiledModel)
FREE(DestroyTensorBuffer)

typedef struct {
  uint32_t rank;
  int32_t dimensions[8];
  uint32_t strides[8];
} Layout;

static int handle, signatures[2], late;
static int32_t rows = 1;

static void Work(void) { nanosleep(&(struct timespec){0, 5000000}, NULL); }

DEFINE(int, CreateEnvironment, (int count, const void* options, void** made)) {
  (void)count, (void)options;
  return Make("CreateEnvironment", 1, made);
}
DEFINE(int, CreateModelFromFile, (const char* path, void** made)) {
  (void)path;
  return Make("CreateModelFromFile", 1, made);
}
DEFINE(int, SetOptionsHardwareAccelerators, (void* options, int set)) { (void)options, (void)set; return Told("SetOptionsHardwareAccelerators"); }
DEFINE(int, CreateCompiledModel, (void* environment, void* model, void* options, void** made)) {
  (void)environment, (void)model, (void)options;
  return Make("CreateCompiledModel", 1, made);
}
DEFINE(int, GetModelSignature, (void* model, size_t index, void** signature)) { (void)model; *signature = &signatures[index]; return Told("GetModelSignature"); }
DEFINE(int, GetNumModelSignatures, (void* model, size_t* count)) { (void)model; *count = 2; return 0; }
DEFINE(int, GetSignatureKey, (void* signature, const char** key)) { *key = signature == &signatures[1] ? "other" : "first"; return 0; }
DEFINE(int, CompiledModelResizeInputTensor, (void* compiled, size_t signature, size_t index, const int* dimensions, size_t rank)) {
  (void)compiled, (void)signature, (void)index;
  if (rank != 2 || Told("CompiledModelResizeInputTensor")) return 500;
  rows = dimensions[0];
  return 0;
}
DEFINE(int, GetCompiledModelInputTensorLayout, (void* compiled, size_t signature, size_t index, Layout* layout)) {
  (void)compiled, (void)signature, (void)index;
  *layout = (Layout){2 | 1u << 7, {rows, 4}, {0}};
  return 0;
}
DEFINE(int, GetCompiledModelOutputTensorLayouts, (void* compiled, size_t signature, size_t count, Layout* layouts, bool update)) {
  (void)compiled, (void)update;
  for (size_t i = 0; i < count; ++i) layouts[i] = (Layout){2 | 1u << 7, {rows, 4 + (int32_t)signature}, {0}};
  return 0;
}
MAKE(CreateRuntimeOptions)
DEFINE(int, FindRuntimeOptions, (void* opaque, void** found)) { *found = opaque; return 0; }
DEFINE(int, SetRuntimeOptionsEnableProfiling, (void* options, bool on)) { (void)options; return on ? Told("SetRuntimeOptionsEnableProfiling") : 500; }
DEFINE(int, AddOpaqueOptions, (void* options, void* opaque)) { (void)options; free(opaque); return 0; }
DEFINE(int, CompiledModelGetProfiler, (void* compiled, void** profiler)) { (void)compiled; *profiler = &handle; return Told("CompiledModelGetProfiler"); }
DEFINE(int, StartProfiler, (void* profiler)) { (void)profiler; return 0; }
DEFINE(int, StopProfiler, (void* profiler)) { (void)profiler; return 0; }
DEFINE(int, GetProfileSummary, (void* profiler, void* compiled, const char** summary)) {
  (void)profiler, (void)compiled;
  if (Told("GetProfileSummary")) return 500;
  *summary = strdup("Top by Computation Time\nDelegate/Copy   2   1.00   1   1   2\n");
  return 0;
}
DEFINE(int, GetNumSignatureInputs, (void* signature, size_t* count)) { (void)signature; *count = Told("many") ? 1000 : 1; return 0; }
DEFINE(int, GetNumSignatureOutputs, (void* signature, size_t* count)) { (void)signature; *count = 1; return 0; }
DEFINE(int, GetSignatureInputTensorByIndex, (void* signature, size_t index, void** tensor)) { (void)signature, (void)index; *tensor = &handle; return 0; }
DEFINE(int, GetSignatureOutputTensorByIndex, (void* signature, size_t index, void** tensor)) { (void)signature, (void)index; *tensor = &handle; return Told("GetSignatureOutputTensorByIndex"); }
DEFINE(int, GetTensorName, (void* tensor, const char** name)) { (void)tensor; *name = "x \"\xff"; return 0; }
DEFINE(int, GetRankedTensorType, (void* tensor, Type* type)) {
  (void)tensor;
  *type = (Type){Told("string") ? 5 : 1, 2 | 1u << 7, {1, 4}, {0}};
  return 0;
}
DEFINE(int, GetCompiledModelInputBufferRequirements, (void* compiled, size_t signature, size_t index, void** requirements)) {
  (void)compiled, (void)signature, (void)index;
  *requirements = &handle;
  return 0;
}
DEFINE(int, GetCompiledModelOutputBufferRequirements, (void* compiled, size_t signature, size_t index, void** requirements)) {
  (void)compiled, (void)signature, (void)index;
  *requirements = &handle;
  return 0;
}
DEFINE(int, CreateManagedTensorBufferFromRequirements, (void* environment, const Type* type, void* requirements, void** made)) {
  (void)environment, (void)requirements;
  return Make("CreateManagedTensorBufferFromRequirements", 4 * (size_t)(type->dimensions[0] * type->dimensions[1]), made);
}
DEFINE(int, GetTensorBufferPackedSize, (void* buffer, size_t* size)) { (void)buffer; *size = 16 * (size_t)rows; return 0; }
DEFINE(int, LockTensorBuffer, (void* buffer, void** data, int mode)) {
  if (mode == 0 && late) Work();
  *data = buffer;
  return Told("LockTensorBuffer");
}
DEFINE(int, UnlockTensorBuffer, (void* buffer)) { (void)buffer; return 0; }
DEFINE(int, RunCompiledModel, (void* compiled, size_t signature, size_t inputs, void** in, size_t outputs, void** out)) {
  (void)compiled, (void)signature, (void)inputs, (void)outputs;
  if (Told("slow")) Work();
  late = Told("late");
  memcpy(out[0], in[0], 16);
  return Told("RunCompiledModel");
}
