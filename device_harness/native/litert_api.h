// The functions of LiteRT's C API that this program uses, found in the library at run time.
#ifndef LITERT_BENCH_LITERT_API_H_
#define LITERT_BENCH_LITERT_API_H_

#include "litert.h"

// LiteRtRankedTensorType (litert/c/litert_model_types.h). In every release the first word of the layout has the rank in
// its lowest seven bits. The reserve keeps a longer structure of a later release from writing past the end.
typedef struct {
  int32_t element_type;
  uint32_t rank_bits;
  int32_t dimensions[kMaxRank];
  unsigned char rest[256];
} TensorType;

// LiteRtLayout (litert/c/litert_layout.h), of which LiteRT fills whole arrays.
typedef struct {
  uint32_t rank_bits;
  int32_t dimensions[kMaxRank];
  uint32_t strides[kMaxRank];
} Layout;

// LiteRtEnvOption (litert/c/litert_environment_options.h) with a text.
typedef struct {
  int tag;
  struct {
    int type;
    const char* text;
  } value;
} EnvironmentOption;

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
  F(void, DestroyOpaqueOptions, (void*))                                   \
  F(Status, AddOpaqueOptions, (void*, void*))                              \
  F(Status, CompiledModelIsFullyAccelerated, (void*, bool*))               \
  F(Status, GetNumModelSignatures, (void*, size_t*))                       \
  F(Status, GetSignatureKey, (void*, const char**))                        \
  F(Status, CompiledModelResizeInputTensor, (void*, size_t, size_t, const int*, size_t))          \
  F(Status, CompiledModelResizeInputTensorNonStrict, (void*, size_t, size_t, const int*, size_t)) \
  F(Status, GetCompiledModelInputTensorLayout, (void*, size_t, size_t, Layout*))                  \
  F(Status, GetCompiledModelOutputTensorLayouts, (void*, size_t, size_t, Layout*, bool))          \
  F(Status, CreateRuntimeOptions, (void**))                                \
  F(Status, FindRuntimeOptions, (void*, void**))                           \
  F(Status, SetRuntimeOptionsEnableProfiling, (void*, bool))               \
  F(Status, CompiledModelGetProfiler, (void*, void**))                     \
  F(Status, StartProfiler, (void*))                                        \
  F(Status, StopProfiler, (void*))                                         \
  F(Status, GetProfileSummary, (void*, void*, const char**))               \
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
  void* profiler;
  size_t signature;  // index
  int64_t compile_ns;
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

// Finds every function in the library at `path`; false with the reason.
bool LoadLibrary(Litert* litert, const char* path, char problem[kProblemSize]);

// The status as a truth, with LiteRT's words in `problem` where it is an error.
bool Worked(const Litert* litert, Status status, const char* what, char problem[kProblemSize]);

// Gives the inputs of a signature the shapes that are asked for, and makes a buffer for every input and output.
bool MakeTensors(Litert* litert, const Arguments* arguments, void* signature, char problem[kProblemSize]);

// Reads the model at `path`; the arguments of the function depend on the release.
Status CreateModel(Litert* litert, const char* path);

#endif
