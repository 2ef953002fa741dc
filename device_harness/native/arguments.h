// Command line of litert_bench.
#ifndef LITERT_BENCH_ARGUMENTS_H_
#define LITERT_BENCH_ARGUMENTS_H_

#include <stdbool.h>
#include <stdint.h>

#include "turns.h"

enum { kMaxCpus = 1024, kMaxInputs = 64, kMaxDimensions = 8 };

typedef enum { kCpu = 1, kGpu = 2, kNpu = 4 } Accelerator;  // LiteRtHwAccelerators

typedef struct {
  const char* tensor;  // name of the input tensor
  const char* path;    // raw bytes, little endian, row-major
} InputFile;

typedef struct {
  const char* tensor;
  int rank;
  int dimensions[kMaxDimensions];
} InputShape;

typedef struct {
  const char* model;
  const char* library;  // libLiteRt.so
  const char* libraries;  // folder of accelerators, compiler plug-ins and dispatch libraries; NULL: none
  const char* signature;  // NULL: the first
  Accelerator accelerator;
  int threads;  // 0 leaves it to the runtime
  int warmup_runs;
  double warmup_min_s;
  int runs;
  double min_s;
  double limit_s;  // no phase goes on longer
  int cpus[kMaxCpus];
  int cpu_count;
  uint64_t seed;
  bool cold;                 // put the model's file out of the page cache before it is loaded
  bool op_profile;           // time every operator
  bool digest;               // print the SHA-256 of the outputs
  const char* output_folder;  // write the outputs there; NULL: do not
  Turns turns;
  int first;     // of the examples that the input files hold one after the other
  int examples;  // runs each of so many once, and writes the outputs of all; 0: the files hold one
  InputFile inputs[kMaxInputs];
  int input_count;
  InputShape shapes[kMaxInputs];
  int shape_count;
} Arguments;

// Fills `arguments` from the command line; strings point into argv, where '=' of --input is overwritten.
// Returns NULL, or what is wrong.
const char* ParseArguments(int argc, char** argv, Arguments* arguments);

const char* AcceleratorName(Accelerator accelerator);

#endif
