// Runs inferences and keeps every time.
#ifndef LITERT_BENCH_MEASURE_H_
#define LITERT_BENCH_MEASURE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Nanoseconds of every inference of a phase: when it began (CLOCK_MONOTONIC), how long it took, and the processor time
// of all threads of the process meanwhile.
typedef struct {
  int64_t* starts;
  int64_t* latencies;
  int64_t* cpu;
  size_t count;
  size_t capacity;
} Samples;

typedef bool (*Inference)(void* model);

// Runs `inference` until `runs` and `min_s` are both reached, or `limit_s`. False when an inference or memory failed.
bool Measure(Inference inference, void* model, int runs, double min_s, double limit_s, Samples* samples);

// Memory that the kept times take; it is not the model's.
int64_t SamplesBytes(const Samples* samples);

void FreeSamples(Samples* samples);

#endif
