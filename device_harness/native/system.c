#include "system.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t Now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t Field(const char* status, const char* key) {
  const size_t length = strlen(key);
  for (const char* line = status; line != NULL; line = strchr(line, '\n')) {
    if (*line == '\n') ++line;
    if (strncmp(line, key, length) == 0 && line[length] == ':') {
      const long long kilobytes = strtoll(line + length + 1, NULL, 10);
      return kilobytes > 0 && kilobytes < INT64_MAX / 1024 ? kilobytes * 1024 : 0;
    }
  }
  return 0;
}

MemoryStatus ParseMemory(const char* status) {
  return (MemoryStatus){Field(status, "VmRSS") + Field(status, "VmSwap"), Field(status, "VmHWM")};
}

MemoryStatus ReadMemory(void) {
  char text[8192] = {0};
  FILE* file = fopen("/proc/self/status", "r");
  if (file == NULL) return (MemoryStatus){0, 0};
  const size_t size = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[size] = '\0';
  return ParseMemory(text);
}

bool BindToCpus(const int* cpus, int count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int i = 0; i < count; ++i) CPU_SET((size_t)cpus[i], &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}
