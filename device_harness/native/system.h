// Clocks, memory and CPU affinity of this process.
#ifndef LITERT_BENCH_SYSTEM_H_
#define LITERT_BENCH_SYSTEM_H_

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

// Nanoseconds of a clock.
int64_t Now(clockid_t clock);

typedef struct {
  int64_t rss_bytes;   // VmRSS + VmSwap
  int64_t peak_bytes;  // VmHWM
} MemoryStatus;

// From /proc/self/status; zeros where it does not say.
MemoryStatus ReadMemory(void);

// The same from the text of a status file.
MemoryStatus ParseMemory(const char* status);

// Binds the process to these CPUs; false when the system refuses.
bool BindToCpus(const int* cpus, int count);

#endif
