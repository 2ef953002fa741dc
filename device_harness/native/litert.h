// A model compiled by LiteRT, whose C API is loaded at run time: no headers and no library are needed to build.
#ifndef LITERT_BENCH_LITERT_H_
#define LITERT_BENCH_LITERT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arguments.h"

enum { kMaxTensors = 256, kMaxRank = 8, kProblemSize = 512, kMaxAccelerators = 8 };

typedef struct {
  const char* name;
  const char* dtype;  // numpy's name
  int rank;
  int32_t dimensions[kMaxRank];
  size_t size;  // bytes of the elements, without padding
  void* buffer;  // LiteRtTensorBuffer
} Tensor;

typedef struct Litert Litert;

// Loads the library and starts LiteRT; returns NULL with the reason in `problem`.
Litert* LitertStart(const Arguments* arguments, char problem[kProblemSize]);

// Loads the model and compiles it; false with the reason. To be called once.
bool LitertLoad(Litert* litert, const Arguments* arguments, char problem[kProblemSize]);

void LitertClose(Litert* litert);

// Fills every input: from its file in `arguments`, or with pseudo-random values. False with the reason.
bool LitertFillInputs(Litert* litert, const Arguments* arguments, int example, char problem[kProblemSize]);

// Nanoseconds that LiteRT took to compile the model for the accelerator, a part of loading.
int64_t LitertCompileTime(const Litert* litert);

// One inference; false when LiteRT reports an error. An accelerator may go on working when it has returned.
bool LitertRun(Litert* litert);

// One inference until its outputs can be read, which waits for an accelerator and copies what lies there.
bool LitertRunToOutputs(Litert* litert);

// Times every operator from here on; false when LiteRT refuses. The model must be loaded with `op_profile`.
bool LitertStartProfiler(Litert* litert);

// Ends that, and returns LiteRT's table of operators, to be freed; NULL when LiteRT refuses.
const char* LitertStopProfiler(Litert* litert);

size_t LitertOutputCount(const Litert* litert);
const Tensor* LitertOutput(const Litert* litert, size_t index);

// Maps the bytes of an output for reading; NULL when LiteRT refuses. To be unmapped after use.
const void* LitertMapOutput(Litert* litert, size_t index);
void LitertUnmapOutput(Litert* litert, size_t index);

// 1, 0, or -1 when the library does not tell.
int LitertFullyAccelerated(const Litert* litert);

// The release of the C API, as far as the library tells.
const char* LitertRuntime(const Litert* litert);

// Names of the accelerators that registered; returns how many.
size_t LitertAccelerators(const Litert* litert, const char* names[kMaxAccelerators]);

#endif
