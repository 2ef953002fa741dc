#include "measure.h"

#include <stdlib.h>

#include "system.h"

static bool Grow(int64_t** values, size_t capacity) {
  int64_t* grown = realloc(*values, capacity * sizeof **values);
  if (grown == NULL) return false;
  *values = grown;
  return true;
}

static bool Reserve(Samples* samples, size_t capacity) {
  if (capacity <= samples->capacity) return true;
  if (!Grow(&samples->starts, capacity) || !Grow(&samples->latencies, capacity) || !Grow(&samples->cpu, capacity)) {
    return false;
  }
  samples->capacity = capacity;
  return true;
}

bool Measure(Inference inference, void* model, int runs, double min_s, double limit_s, Samples* samples) {
  // Enough for the whole phase in most cases, so that growing does not fall between two inferences.
  if (!Reserve(samples, (size_t)(runs > 4096 ? runs : 4096))) return false;
  const int64_t began = Now(CLOCK_MONOTONIC);
  const int64_t least = (int64_t)(min_s * 1e9), most = (int64_t)(limit_s * 1e9);
  int64_t elapsed = 0;
  while ((samples->count < (size_t)runs || elapsed < least) && elapsed <= most) {
    if (samples->count == samples->capacity && !Reserve(samples, 2 * samples->capacity)) return false;
    const int64_t cpu = Now(CLOCK_PROCESS_CPUTIME_ID);
    const int64_t start = Now(CLOCK_MONOTONIC);
    const bool worked = inference(model);
    const int64_t end = Now(CLOCK_MONOTONIC);
    if (!worked) return false;
    samples->starts[samples->count] = start;
    samples->latencies[samples->count] = end - start;
    samples->cpu[samples->count++] = Now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    elapsed = end - began;
  }
  return true;
}

int64_t SamplesBytes(const Samples* samples) { return (int64_t)(3 * samples->count * sizeof(int64_t)); }

void FreeSamples(Samples* samples) {
  free(samples->starts);
  free(samples->latencies);
  free(samples->cpu);
}
