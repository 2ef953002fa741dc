#include "litert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "litert_api.h"
#include "system.h"

// Gives options that are `made` to the model's, which own them then, and frees them otherwise.
static bool Added(Litert* litert, void* opaque, bool made, char problem[kProblemSize]) {
  if (made && Worked(litert, litert->AddOpaqueOptions(litert->options, opaque), "LiteRtAddOpaqueOptions", problem)) {
    return true;
  }
  if (litert->DestroyOpaqueOptions != NULL) litert->DestroyOpaqueOptions(opaque);
  return false;
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
         Added(litert, opaque,
               Worked(litert, litert->FindCpuOptions(opaque, &cpu), "LiteRtFindCpuOptions", problem) &&
                   Worked(litert, litert->SetCpuOptionsNumThread(cpu, threads), "LiteRtSetCpuOptionsNumThread", problem),
               problem);
}

static bool SetProfiling(Litert* litert, bool wanted, char problem[kProblemSize]) {
  if (!wanted) return true;
  if (litert->CreateRuntimeOptions == NULL || litert->FindRuntimeOptions == NULL ||
      litert->SetRuntimeOptionsEnableProfiling == NULL || litert->AddOpaqueOptions == NULL ||
      litert->CompiledModelGetProfiler == NULL || litert->StartProfiler == NULL || litert->StopProfiler == NULL ||
      litert->GetProfileSummary == NULL) {
    snprintf(problem, kProblemSize, "this LiteRT does not tell the times of operators; 2.1.2 does");
    return false;
  }
  void *opaque = NULL, *runtime = NULL;
  return Worked(litert, litert->CreateRuntimeOptions(&opaque), "LiteRtCreateRuntimeOptions", problem) &&
         Added(litert, opaque,
               Worked(litert, litert->FindRuntimeOptions(opaque, &runtime), "LiteRtFindRuntimeOptions", problem) &&
                   Worked(litert, litert->SetRuntimeOptionsEnableProfiling(runtime, true),
                          "LiteRtSetRuntimeOptionsEnableProfiling", problem),
               problem);
}

static bool FindSignature(Litert* litert, const char* wanted, void** signature, char problem[kProblemSize]) {
  size_t count = 0;
  if (wanted == NULL) {
    return Worked(litert, litert->GetModelSignature(litert->model, 0, signature), "LiteRtGetModelSignature", problem);
  }
  if (litert->GetNumModelSignatures == NULL || litert->GetSignatureKey == NULL ||
      litert->GetNumModelSignatures(litert->model, &count) != 0) {
    snprintf(problem, kProblemSize, "this LiteRT does not tell the names of signatures");
    return false;
  }
  for (litert->signature = 0; litert->signature < count; ++litert->signature) {
    const char* key = NULL;
    if (litert->GetModelSignature(litert->model, litert->signature, signature) == 0 &&
        litert->GetSignatureKey(*signature, &key) == 0 && key != NULL && strcmp(key, wanted) == 0) {
      return true;
    }
  }
  snprintf(problem, kProblemSize, "the model has no signature %.200s", wanted);
  return false;
}

// Where compiler plug-ins, dispatch libraries and accelerators are looked for; older releases pass over the last tag.
static bool StartEnvironment(Litert* litert, const char* libraries, char problem[kProblemSize]) {
  enum { kCompilerPluginLibraryDir = 0, kDispatchLibraryDir = 1, kRuntimeLibraryDir = 22, kText = 8 };
  const EnvironmentOption options[] = {
      {kCompilerPluginLibraryDir, {kText, libraries}},
      {kDispatchLibraryDir, {kText, libraries}},
      {kRuntimeLibraryDir, {kText, libraries}},
  };
  const int count = libraries != NULL ? (int)(sizeof options / sizeof *options) : 0;
  return Worked(litert, litert->CreateEnvironment(count, count > 0 ? options : NULL, &litert->environment),
                "LiteRtCreateEnvironment", problem);
}

Litert* LitertStart(const Arguments* arguments, char problem[kProblemSize]) {
  Litert* litert = calloc(1, sizeof *litert);
  if (litert == NULL) {
    snprintf(problem, kProblemSize, "no memory");
    return NULL;
  }
  if (LoadLibrary(litert, arguments->library, problem) && StartEnvironment(litert, arguments->libraries, problem)) {
    return litert;
  }
  LitertClose(litert);
  return NULL;
}

static bool Compile(Litert* litert, char problem[kProblemSize]) {
  const int64_t start = Now(CLOCK_MONOTONIC);
  const Status status =
      litert->CreateCompiledModel(litert->environment, litert->model, litert->options, &litert->compiled);
  litert->compile_ns = Now(CLOCK_MONOTONIC) - start;
  return Worked(litert, status, "LiteRtCreateCompiledModel", problem);
}

bool LitertLoad(Litert* litert, const Arguments* arguments, char problem[kProblemSize]) {
  void* signature = NULL;
  return Worked(litert, CreateModel(litert, arguments->model), "LiteRtCreateModelFromFile", problem) &&
         Worked(litert, litert->CreateOptions(&litert->options), "LiteRtCreateOptions", problem) &&
         Worked(litert, litert->SetOptionsHardwareAccelerators(litert->options, (int)arguments->accelerator),
                "LiteRtSetOptionsHardwareAccelerators", problem) &&
         SetThreads(litert, arguments->threads, problem) &&
         SetProfiling(litert, arguments->op_profile, problem) && Compile(litert, problem) &&
         FindSignature(litert, arguments->signature, &signature, problem) &&
         MakeTensors(litert, arguments, signature, problem);
}

int64_t LitertCompileTime(const Litert* litert) { return litert->compile_ns; }

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

bool LitertRun(Litert* litert) {
  return litert->RunCompiledModel(litert->compiled, litert->signature, litert->input_count, litert->input_buffers,
                                  litert->output_count, litert->output_buffers) == 0;
}

bool LitertRunToOutputs(Litert* litert) {
  if (!LitertRun(litert)) return false;
  for (size_t i = 0; i < litert->output_count; ++i) {
    if (LitertMapOutput(litert, i) == NULL) return false;
    LitertUnmapOutput(litert, i);
  }
  return true;
}

bool LitertStartProfiler(Litert* litert) {
  return litert->CompiledModelGetProfiler(litert->compiled, &litert->profiler) == 0 &&
         litert->StartProfiler(litert->profiler) == 0;
}

const char* LitertStopProfiler(Litert* litert) {
  const char* summary = NULL;
  if (litert->StopProfiler(litert->profiler) != 0 ||
      litert->GetProfileSummary(litert->profiler, litert->compiled, &summary) != 0) {
    return NULL;
  }
  return summary;
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
