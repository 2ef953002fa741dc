#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct option kOptions[] = {
    {"model", required_argument, NULL, 'm'},        {"litert-library", required_argument, NULL, 'l'},
    {"accelerator", required_argument, NULL, 'a'},  {"threads", required_argument, NULL, 't'},
    {"warmup-runs", required_argument, NULL, 'w'},  {"warmup-min-s", required_argument, NULL, 'W'},
    {"runs", required_argument, NULL, 'r'},         {"min-s", required_argument, NULL, 's'},
    {"limit-s", required_argument, NULL, 'L'},      {"cpus", required_argument, NULL, 'c'},
    {"seed", required_argument, NULL, 'S'},         {"digest", no_argument, NULL, 'd'},
    {"output-folder", required_argument, NULL, 'o'}, {"input", required_argument, NULL, 'i'},
    {"turns", required_argument, NULL, 'T'},        {"first", required_argument, NULL, 'f'},
    {"examples", required_argument, NULL, 'e'},
    {"libraries", required_argument, NULL, 'D'},    {"signature", required_argument, NULL, 'g'},
    {"input-shape", required_argument, NULL, 'h'},  {"cold", no_argument, NULL, 'C'},
    {"op-profile", no_argument, NULL, 'p'},         {NULL, 0, NULL, 0},
};

static bool ToInt(const char* text, int least, int most, int* value) {
  char* end = NULL;
  errno = 0;
  const long parsed = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || parsed < least || parsed > most) return false;
  *value = (int)parsed;
  return true;
}

static bool ToSeconds(const char* text, double* value) {
  char* end = NULL;
  errno = 0;
  const double parsed = strtod(text, &end);
  if (errno != 0 || end == text || *end != '\0' || !(parsed >= 0 && parsed <= 1e6)) return false;
  *value = parsed;
  return true;
}

static bool ToSeed(const char* text, uint64_t* value) {
  char* end = NULL;
  errno = 0;
  *value = strtoull(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

static bool ToCpus(const char* text, Arguments* arguments) {
  arguments->cpu_count = 0;
  for (const char* rest = text; arguments->cpu_count < kMaxCpus;) {
    char* end = NULL;
    errno = 0;
    const long cpu = strtol(rest, &end, 10);
    if (errno != 0 || end == rest || cpu < 0 || cpu >= kMaxCpus) return false;
    arguments->cpus[arguments->cpu_count++] = (int)cpu;
    if (*end == '\0') return true;
    if (*end != ',') return false;
    rest = end + 1;
  }
  return false;
}

static bool ToAccelerator(const char* text, Accelerator* accelerator) {
  for (int candidate = kCpu; candidate <= kNpu; candidate *= 2) {
    if (strcmp(text, AcceleratorName((Accelerator)candidate)) == 0) {
      *accelerator = (Accelerator)candidate;
      return true;
    }
  }
  return false;
}

// TENSOR=FILE; tensor names may hold '=', files given by the host never do.
static bool ToInput(char* text, Arguments* arguments) {
  char* separator = strrchr(text, '=');
  if (separator == NULL || separator[1] == '\0' || arguments->input_count == kMaxInputs) return false;
  *separator = '\0';
  arguments->inputs[arguments->input_count++] = (InputFile){text, separator + 1};
  return true;
}

// TENSOR=1,224,224,3
static bool ToShape(char* text, Arguments* arguments) {
  char* separator = strrchr(text, '=');
  if (separator == NULL || arguments->shape_count == kMaxInputs) return false;
  InputShape* shape = &arguments->shapes[arguments->shape_count];
  *separator = '\0';
  *shape = (InputShape){.tensor = text};
  for (const char* rest = separator + 1; shape->rank < kMaxDimensions;) {
    char* end = NULL;
    errno = 0;
    const long size = strtol(rest, &end, 10);
    if (errno != 0 || end == rest || size < 1 || size > INT_MAX) return false;
    shape->dimensions[shape->rank++] = (int)size;
    if (*end == '\0') {
      ++arguments->shape_count;
      return true;
    }
    if (*end != ',') return false;
    rest = end + 1;
  }
  return false;
}

static const char* Apply(int option, char* value, Arguments* arguments) {
  switch (option) {
    case 'm': arguments->model = value; return NULL;
    case 'l': arguments->library = value; return NULL;
    case 'o': arguments->output_folder = value; return NULL;
    case 'd': arguments->digest = true; return NULL;
    case 'C': arguments->cold = true; return NULL;
    case 'p': arguments->op_profile = true; return NULL;
    case 'D': arguments->libraries = value; return NULL;
    case 'g': arguments->signature = value; return NULL;
    case 'h': return ToShape(value, arguments) ? NULL : "--input-shape is TENSOR=1,224,224,3";
    case 'a': return ToAccelerator(value, &arguments->accelerator) ? NULL : "--accelerator is cpu, gpu or npu";
    case 't': return ToInt(value, 0, 1024, &arguments->threads) ? NULL : "--threads is a number from 0 to 1024";
    case 'w': return ToInt(value, 0, INT_MAX, &arguments->warmup_runs) ? NULL : "--warmup-runs is a number";
    case 'r': return ToInt(value, 1, INT_MAX, &arguments->runs) ? NULL : "--runs is a number from 1";
    case 'W': return ToSeconds(value, &arguments->warmup_min_s) ? NULL : "--warmup-min-s is a time in seconds";
    case 's': return ToSeconds(value, &arguments->min_s) ? NULL : "--min-s is a time in seconds";
    case 'L': return ToSeconds(value, &arguments->limit_s) ? NULL : "--limit-s is a time in seconds";
    case 'S': return ToSeed(value, &arguments->seed) ? NULL : "--seed is a number";
    case 'c': return ToCpus(value, arguments) ? NULL : "--cpus is a list of CPU numbers such as 4,5";
    case 'f': return ToInt(value, 0, INT_MAX / 2, &arguments->first) ? NULL : "--first is a number";
    case 'e': return ToInt(value, 0, INT_MAX / 2, &arguments->examples) ? NULL : "--examples is a number";
    case 'T': return ParseTurns(value, &arguments->turns) ? NULL : "--turns is NUMBER,COUNT,SLICE_S,FILE";
    case 'i': return ToInput(value, arguments) ? NULL : "--input is TENSOR=FILE";
    default: return "unknown option, or one without its value";
  }
}

const char* ParseArguments(int argc, char** argv, Arguments* arguments) {
  *arguments = (Arguments){.library = "libLiteRt.so", .accelerator = kCpu, .threads = 1, .warmup_runs = 5,
                           .runs = 50, .limit_s = 600};
  optind = 1;
  opterr = 0;
  for (int option; (option = getopt_long(argc, argv, "", kOptions, NULL)) != -1;) {
    const char* problem = Apply(option, optarg, arguments);
    if (problem != NULL) return problem;
  }
  if (optind != argc) return "an argument that is no option";
  return arguments->model == NULL ? "--model is missing" : NULL;
}

const char* AcceleratorName(Accelerator accelerator) {
  return accelerator == kGpu ? "gpu" : accelerator == kNpu ? "npu" : "cpu";
}
