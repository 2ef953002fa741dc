// A stand-in for libLiteRt.so: one input and one output of four floats, output = input. FAKE_LITERT tells how to
// misbehave: the name of the function that fails, or "slow".
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
FREE(DestroyCompiledModel)
FREE(DestroyTensorBuffer)

static int handle;

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
DEFINE(int, GetModelSignature, (void* model, size_t index, void** signature)) { (void)model, (void)index; *signature = &handle; return Told("GetModelSignature"); }
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
  (void)environment, (void)type, (void)requirements;
  return Make("CreateManagedTensorBufferFromRequirements", 16, made);
}
DEFINE(int, GetTensorBufferPackedSize, (void* buffer, size_t* size)) { (void)buffer; *size = 16; return 0; }
DEFINE(int, LockTensorBuffer, (void* buffer, void** data, int mode)) { (void)mode; *data = buffer; return Told("LockTensorBuffer"); }
DEFINE(int, UnlockTensorBuffer, (void* buffer)) { (void)buffer; return 0; }
DEFINE(int, RunCompiledModel, (void* compiled, size_t signature, size_t inputs, void** in, size_t outputs, void** out)) {
  (void)compiled, (void)signature, (void)inputs, (void)outputs;
  if (Told("slow")) nanosleep(&(struct timespec){0, 5000000}, NULL);
  memcpy(out[0], in[0], 16);
  return Told("RunCompiledModel");
}
