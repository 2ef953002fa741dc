#include "litert.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// LiteRtRankedTensorType (litert/c/litert_model_types.h). In every release the first word of the layout has the rank in
// its lowest seven bits. The reserve keeps a longer structure of a later release from writing past the end.
typedef struct {
  int32_t element_type;
  uint32_t rank_bits;
  int32_t dimensions[kMaxRank];
  unsigned char rest[256];
} TensorType;

enum { kLockRead = 0, kLockWrite = 1 };

typedef int Status;

// Every function of the C API that is used: return type, name, arguments. Optional ones may be missing.
#define REQUIRED_FUNCTIONS(F)                                                                        \
  F(Status, CreateEnvironment, (int, const void*, void**))                                           \
  F(void, DestroyEnvironment, (void*))                                                               \
  F(void, DestroyModel, (void*))                                                                     \
  F(Status, CreateOptions, (void**))                                                                 \
  F(void, DestroyOptions, (void*))                                                                   \
  F(Status, SetOptionsHardwareAccelerators, (void*, int))                                            \
  F(Status, CreateCompiledModel, (void*, void*, void*, void**))                                      \
  F(void, DestroyCompiledModel, (void*))                                                             \
  F(Status, GetModelSignature, (void*, size_t, void**))                                              \
  F(Status, GetNumSignatureInputs, (void*, size_t*))                                                 \
  F(Status, GetNumSignatureOutputs, (void*, size_t*))                                                \
  F(Status, GetSignatureInputTensorByIndex, (void*, size_t, void**))                                 \
  F(Status, GetSignatureOutputTensorByIndex, (void*, size_t, void**))                                \
  F(Status, GetTensorName, (void*, const char**))                                                    \
  F(Status, GetRankedTensorType, (void*, TensorType*))                                               \
  F(Status, GetCompiledModelInputBufferRequirements, (void*, size_t, size_t, void**))                \
  F(Status, GetCompiledModelOutputBufferRequirements, (void*, size_t, size_t, void**))               \
  F(Status, CreateManagedTensorBufferFromRequirements, (void*, const TensorType*, void*, void**))    \
  F(Status, GetTensorBufferPackedSize, (void*, size_t*))                                             \
  F(void, DestroyTensorBuffer, (void*))                                                              \
  F(Status, LockTensorBuffer, (void*, void**, int))                                                  \
  F(Status, UnlockTensorBuffer, (void*))                                                             \
  F(Status, RunCompiledModel, (void*, size_t, size_t, void**, size_t, void**))
#define OPTIONAL_FUNCTIONS(F)                                              \
  F(Status, CreateCpuOptions, (void**))                                    \
  F(Status, FindCpuOptions, (void*, void**))                               \
  F(Status, SetCpuOptionsNumThread, (void*, int))                          \
  F(Status, AddOpaqueOptions, (void*, void*))                              \
  F(Status, CompiledModelIsFullyAccelerated, (void*, bool*))               \
  F(Status, GetNumAccelerators, (void*, size_t*))                          \
  F(Status, GetAccelerator, (void*, size_t, void**))                       \
  F(Status, GetAcceleratorName, (void*, const char**))                     \
  F(const char*, GetStatusString, (int))

struct Litert {
  void* library;
  void* environment;
  void* model;
  void* options;
  void* compiled;
  size_t input_count, output_count;
  Tensor inputs[kMaxTensors], outputs[kMaxTensors];
  void *input_buffers[kMaxTensors], *output_buffers[kMaxTensors];
#define MEMBER(type, name, arguments) type(*name) arguments;
  REQUIRED_FUNCTIONS(MEMBER)
  OPTIONAL_FUNCTIONS(MEMBER)
#undef MEMBER
  void* create_model;  // its arguments depend on the release
  bool model_takes_environment;
};

// POSIX lets a data pointer from dlsym be used as a function pointer; ISO C has no cast for it.
static bool Resolve(void* library, const char* name, void* pointer) {
  char symbol[128];
  snprintf(symbol, sizeof symbol, "LiteRt%s", name);
  void* address = dlsym(library, symbol);
  memcpy(pointer, &address, sizeof address);
  return address != NULL;
}

static bool LoadLibrary(Litert* litert, const char* path, char problem[kProblemSize]) {
  litert->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (litert->library == NULL) {
    snprintf(problem, kProblemSize, "%s", dlerror());
    return false;
  }
  const char* missing = NULL;
#define LOAD(type, name, arguments) \
  if (!Resolve(litert->library, #name, &litert->name)) missing = #name;
  OPTIONAL_FUNCTIONS(LOAD)
  missing = NULL;
  REQUIRED_FUNCTIONS(LOAD)
#undef LOAD
  if (!Resolve(litert->library, "CreateModelFromFile", &litert->create_model)) missing = "CreateModelFromFile";
  void* since_2_2 = NULL;
  litert->model_takes_environment = Resolve(litert->library, "RunCompiledModelWithOptions", &since_2_2);
  if (missing != NULL) snprintf(problem, kProblemSize, "%s has no LiteRt%s; LiteRT 2.1 or newer is needed", path, missing);
  return missing == NULL;
}

static bool Worked(const Litert* litert, Status status, const char* what, char problem[kProblemSize]) {
  if (status == 0) return true;
  const char* words = litert->GetStatusString != NULL ? litert->GetStatusString(status) : "";
  snprintf(problem, kProblemSize, "%s failed with status %d %s", what, status, words);
  return false;
}

static Status CreateModel(Litert* litert, const char* path) {
  Status (*until_2_1)(const char*, void**);
  Status (*since_2_2)(void*, const char*, void**);
  memcpy(&until_2_1, &litert->create_model, sizeof until_2_1);
  memcpy(&since_2_2, &litert->create_model, sizeof since_2_2);
  return litert->model_takes_environment ? since_2_2(litert->environment, path, &litert->model)
                                         : until_2_1(path, &litert->model);
}

static bool SetThreads(Litert* litert, int threads, char problem[kProblemSize]) {
  if (threads == 0) return true;
  if (litert->CreateCpuOptions == NULL || litert->FindCpuOptions == NULL || litert->SetCpuOptionsNumThread == NULL ||
      litert->AddOpaqueOptions == NULL) {
    if (threads == 1) return true;  // the default of every release
    snprintf(problem, kProblemSize, "this LiteRT cannot be told how many threads to use");
    return false;
  }
  void *opaque = NULL, *cpu = NULL;
  return Worked(litert, litert->CreateCpuOptions(&opaque), "LiteRtCreateCpuOptions", problem) &&
         Worked(litert, litert->FindCpuOptions(opaque, &cpu), "LiteRtFindCpuOptions", problem) &&
         Worked(litert, litert->SetCpuOptionsNumThread(cpu, threads), "LiteRtSetCpuOptionsNumThread", problem) &&
         Worked(litert, litert->AddOpaqueOptions(litert->options, opaque), "LiteRtAddOpaqueOptions", problem);
}

static const char* DtypeName(int element_type) {
  switch (element_type) {
    case 1: return "float32";
    case 2: return "int32";
    case 3: return "uint8";
    case 4: return "int64";
    case 6: return "bool";
    case 7: return "int16";
    case 9: return "int8";
    case 10: return "float16";
    case 11: return "float64";
    case 13: return "uint64";
    case 16: return "uint32";
    case 17: return "uint16";
    default: return NULL;
  }
}

static bool MakeTensor(Litert* litert, void* handle, void* requirements, Tensor* tensor, char problem[kProblemSize]) {
  TensorType type;
  memset(&type, 0, sizeof type);
  if (!Worked(litert, litert->GetTensorName(handle, &tensor->name), "LiteRtGetTensorName", problem) ||
      !Worked(litert, litert->GetRankedTensorType(handle, &type), "LiteRtGetRankedTensorType", problem)) {
    return false;
  }
  tensor->dtype = DtypeName(type.element_type);
  tensor->rank = (int)(type.rank_bits & 0x7F);
  if (tensor->dtype == NULL || tensor->rank > kMaxRank) {
    snprintf(problem, kProblemSize, "tensor %.200s has type %d and rank %d, which cannot be handled", tensor->name,
             type.element_type, tensor->rank);
    return false;
  }
  memcpy(tensor->dimensions, type.dimensions, sizeof tensor->dimensions);
  return Worked(litert,
                litert->CreateManagedTensorBufferFromRequirements(litert->environment, &type, requirements,
                                                                  &tensor->buffer),
                "LiteRtCreateManagedTensorBufferFromRequirements", problem) &&
         Worked(litert, litert->GetTensorBufferPackedSize(tensor->buffer, &tensor->size),
                "LiteRtGetTensorBufferPackedSize", problem);
}

static bool MakeTensors(Litert* litert, char problem[kProblemSize]) {
  void* signature = NULL;
  size_t inputs = 0, outputs = 0;
  if (!Worked(litert, litert->GetModelSignature(litert->model, 0, &signature), "LiteRtGetModelSignature", problem) ||
      !Worked(litert, litert->GetNumSignatureInputs(signature, &inputs), "LiteRtGetNumSignatureInputs", problem) ||
      !Worked(litert, litert->GetNumSignatureOutputs(signature, &outputs), "LiteRtGetNumSignatureOutputs", problem)) {
    return false;
  }
  if (inputs > kMaxTensors || outputs > kMaxTensors) {
    snprintf(problem, kProblemSize, "the model has %zu inputs and %zu outputs; at most %d of each can be handled", inputs,
             outputs, kMaxTensors);
    return false;
  }
  for (; litert->input_count < inputs; ++litert->input_count) {
    const size_t i = litert->input_count;
    void *handle = NULL, *requirements = NULL;
    if (!Worked(litert, litert->GetSignatureInputTensorByIndex(signature, i, &handle), "LiteRt input tensor", problem) ||
        !Worked(litert, litert->GetCompiledModelInputBufferRequirements(litert->compiled, 0, i, &requirements),
                "LiteRt input buffer requirements", problem) ||
        !MakeTensor(litert, handle, requirements, &litert->inputs[i], problem)) {
      return false;
    }
    litert->input_buffers[i] = litert->inputs[i].buffer;
  }
  for (; litert->output_count < outputs; ++litert->output_count) {
    const size_t i = litert->output_count;
    void *handle = NULL, *requirements = NULL;
    if (!Worked(litert, litert->GetSignatureOutputTensorByIndex(signature, i, &handle), "LiteRt output tensor", problem) ||
        !Worked(litert, litert->GetCompiledModelOutputBufferRequirements(litert->compiled, 0, i, &requirements),
                "LiteRt output buffer requirements", problem) ||
        !MakeTensor(litert, handle, requirements, &litert->outputs[i], problem)) {
      return false;
    }
    litert->output_buffers[i] = litert->outputs[i].buffer;
  }
  return true;
}

Litert* LitertStart(const Arguments* arguments, char problem[kProblemSize]) {
  Litert* litert = calloc(1, sizeof *litert);
  if (litert == NULL) {
    snprintf(problem, kProblemSize, "no memory");
    return NULL;
  }
  if (LoadLibrary(litert, arguments->library, problem) &&
      Worked(litert, litert->CreateEnvironment(0, NULL, &litert->environment), "LiteRtCreateEnvironment", problem)) {
    return litert;
  }
  LitertClose(litert);
  return NULL;
}

bool LitertLoad(Litert* litert, const Arguments* arguments, char problem[kProblemSize]) {
  return Worked(litert, CreateModel(litert, arguments->model), "LiteRtCreateModelFromFile", problem) &&
         Worked(litert, litert->CreateOptions(&litert->options), "LiteRtCreateOptions", problem) &&
         Worked(litert, litert->SetOptionsHardwareAccelerators(litert->options, (int)arguments->accelerator),
                "LiteRtSetOptionsHardwareAccelerators", problem) &&
         SetThreads(litert, arguments->threads, problem) &&
         Worked(litert,
                litert->CreateCompiledModel(litert->environment, litert->model, litert->options, &litert->compiled),
                "LiteRtCreateCompiledModel", problem) &&
         MakeTensors(litert, problem);
}

void LitertClose(Litert* litert) {
  for (size_t i = 0; i < kMaxTensors; ++i) {
    if (litert->inputs[i].buffer != NULL) litert->DestroyTensorBuffer(litert->inputs[i].buffer);
    if (litert->outputs[i].buffer != NULL) litert->DestroyTensorBuffer(litert->outputs[i].buffer);
  }
  if (litert->compiled != NULL) litert->DestroyCompiledModel(litert->compiled);
  if (litert->options != NULL) litert->DestroyOptions(litert->options);
  if (litert->model != NULL) litert->DestroyModel(litert->model);
  if (litert->environment != NULL) litert->DestroyEnvironment(litert->environment);
  // The library stays loaded: accelerators may have threads that still run its code.
  free(litert);
}

static uint64_t NextRandom(uint64_t* state) {  // splitmix64
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Whole range of 8 and 16-bit integers, [-1, 1) for floats, 0 or 1 for booleans and wide integers, which are indices.
static bool FillRandom(const Tensor* tensor, void* data, uint64_t* state) {
  if (strcmp(tensor->dtype, "float32") == 0) {
    float* values = data;
    for (size_t i = 0; i < tensor->size / sizeof *values; ++i) {
      values[i] = (float)(NextRandom(state) >> 40) / (float)(1 << 23) - 1.0f;
    }
  } else if (strcmp(tensor->dtype, "bool") == 0) {
    for (size_t i = 0; i < tensor->size; ++i) ((unsigned char*)data)[i] = NextRandom(state) & 1;
  } else if (strstr(tensor->dtype, "int8") != NULL || strstr(tensor->dtype, "int16") != NULL) {
    for (size_t i = 0; i < tensor->size; ++i) ((unsigned char*)data)[i] = (unsigned char)NextRandom(state);
  } else if (strstr(tensor->dtype, "int32") != NULL) {
    for (size_t i = 0; i < tensor->size / 4; ++i) ((uint32_t*)data)[i] = NextRandom(state) & 1;
  } else if (strstr(tensor->dtype, "int64") != NULL) {
    for (size_t i = 0; i < tensor->size / 8; ++i) ((uint64_t*)data)[i] = NextRandom(state) & 1;
  } else {
    return false;
  }
  return true;
}

// Of a file with several examples, the one at `example`; with `only`, the file holds no other.
static bool FillFromFile(const Tensor* tensor, const char* path, int example, bool only, void* data,
                         char problem[kProblemSize]) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) {
    snprintf(problem, kProblemSize, "%.300s cannot be opened", path);
    return false;
  }
  const bool found = fseeko(file, (off_t)tensor->size * example, SEEK_SET) == 0;
  const size_t count = found ? fread(data, 1, tensor->size, file) : 0;
  const bool exact = count == tensor->size && (!only || fgetc(file) == EOF);
  fclose(file);
  if (!exact) snprintf(problem, kProblemSize, "%.200s does not have the %zu bytes of tensor %.200s", path, tensor->size, tensor->name);
  return exact;
}

static const char* FileOf(const Arguments* arguments, const char* tensor) {
  for (int i = 0; i < arguments->input_count; ++i) {
    if (strcmp(arguments->inputs[i].tensor, tensor) == 0) return arguments->inputs[i].path;
  }
  return NULL;
}

bool LitertFillInputs(Litert* litert, const Arguments* arguments, int example, char problem[kProblemSize]) {
  uint64_t state = arguments->seed;
  int from_files = 0;
  for (size_t i = 0; i < litert->input_count; ++i) {
    const Tensor* tensor = &litert->inputs[i];
    const char* path = FileOf(arguments, tensor->name);
    void* data = NULL;
    if (!Worked(litert, litert->LockTensorBuffer(tensor->buffer, &data, kLockWrite), "LiteRtLockTensorBuffer", problem)) return false;
    bool filled = false;
    if (path != NULL) {
      filled = FillFromFile(tensor, path, example, arguments->examples == 0, data, problem);
      ++from_files;
    } else {
      filled = FillRandom(tensor, data, &state);
      if (!filled) snprintf(problem, kProblemSize, "input %.200s of type %s needs a file: --input", tensor->name, tensor->dtype);
    }
    litert->UnlockTensorBuffer(tensor->buffer);
    if (!filled) return false;
  }
  if (from_files == arguments->input_count) return true;
  snprintf(problem, kProblemSize, "--input names a tensor that is no input of the model, or one twice");
  return false;
}

bool LitertRun(Litert* litert) {
  return litert->RunCompiledModel(litert->compiled, 0, litert->input_count, litert->input_buffers, litert->output_count,
                                  litert->output_buffers) == 0;
}

size_t LitertOutputCount(const Litert* litert) { return litert->output_count; }

const Tensor* LitertOutput(const Litert* litert, size_t index) { return &litert->outputs[index]; }

const void* LitertMapOutput(Litert* litert, size_t index) {
  void* data = NULL;
  return litert->LockTensorBuffer(litert->outputs[index].buffer, &data, kLockRead) == 0 ? data : NULL;
}

void LitertUnmapOutput(Litert* litert, size_t index) { litert->UnlockTensorBuffer(litert->outputs[index].buffer); }

int LitertFullyAccelerated(const Litert* litert) {
  bool fully = false;
  if (litert->CompiledModelIsFullyAccelerated == NULL) return -1;
  return litert->CompiledModelIsFullyAccelerated(litert->compiled, &fully) == 0 ? fully : -1;
}

const char* LitertRuntime(const Litert* litert) {
  return litert->model_takes_environment ? "LiteRT C API 2.2 or newer" : "LiteRT C API 2.1";
}

size_t LitertAccelerators(const Litert* litert, const char* names[kMaxAccelerators]) {
  size_t count = 0, found = 0;
  if (litert->GetNumAccelerators == NULL || litert->GetAccelerator == NULL || litert->GetAcceleratorName == NULL ||
      litert->GetNumAccelerators(litert->environment, &count) != 0) {
    return 0;
  }
  for (size_t i = 0; i < count && found < kMaxAccelerators; ++i) {
    void* accelerator = NULL;
    const char* name = NULL;
    if (litert->GetAccelerator(litert->environment, i, &accelerator) == 0 &&
        litert->GetAcceleratorName(accelerator, &name) == 0 && name != NULL) {
      names[found++] = name;
    }
  }
  return found;
}
