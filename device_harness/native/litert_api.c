#include "litert_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

// POSIX lets a data pointer from dlsym be used as a function pointer; ISO C has no cast for it.
static bool Resolve(void* library, const char* name, void* pointer) {
  char symbol[128];
  snprintf(symbol, sizeof symbol, "LiteRt%s", name);
  void* address = dlsym(library, symbol);
  memcpy(pointer, &address, sizeof address);
  return address != NULL;
}

bool LoadLibrary(Litert* litert, const char* path, char problem[kProblemSize]) {
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

bool Worked(const Litert* litert, Status status, const char* what, char problem[kProblemSize]) {
  if (status == 0) return true;
  const char* words = litert->GetStatusString != NULL ? litert->GetStatusString(status) : "";
  snprintf(problem, kProblemSize, "%s failed with status %d %s", what, status, words);
  return false;
}

Status CreateModel(Litert* litert, const char* path) {
  Status (*until_2_1)(const char*, void**);
  Status (*since_2_2)(void*, const char*, void**);
  memcpy(&until_2_1, &litert->create_model, sizeof until_2_1);
  memcpy(&since_2_2, &litert->create_model, sizeof since_2_2);
  return litert->model_takes_environment ? since_2_2(litert->environment, path, &litert->model)
                                         : until_2_1(path, &litert->model);
}
