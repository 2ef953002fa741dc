#include <stdio.h>
#include <string.h>

#include "litert_api.h"

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
