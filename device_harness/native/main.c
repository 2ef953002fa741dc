// litert_bench: loads a model, runs it, prints one JSON document (bench_document.schema.json).
// Exit codes: 0 done, 2 wrong arguments, 3 LiteRT or the model failed; the reason is on standard error.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "arguments.h"
#include "json.h"
#include "litert.h"
#include "measure.h"
#include "page_cache.h"
#include "sha256.h"
#include "system.h"
#include "turns.h"

typedef struct {
  int64_t load_start, load_end, warmup_start, measure_start, measure_end, boottime_offset;
  int64_t process_cpu, thread_cpu;
  int64_t before_load, after_load, peak;
  double in_page_cache;  // the part of the model's file, before it was loaded; -1 when not told
  const char* operators;  // LiteRT's table
  Samples warmup, measured;
  int* turns;  // inferences of each
  size_t turn_count;
} Run;

static int64_t Larger(int64_t a, int64_t b) { return a > b ? a : b; }

// Without the kept times: they grow with the length of the run, and would make a fast model look large.
static void NotePeak(Run* run) {
  const MemoryStatus memory = ReadMemory();
  const int64_t kept = SamplesBytes(&run->warmup) + SamplesBytes(&run->measured);
  run->peak = Larger(run->peak, Larger(memory.peak_bytes, memory.rss_bytes) - kept);
}

static bool Infer(void* model) { return LitertRun(model); }
static bool InferToOutputs(void* model) { return LitertRunToOutputs(model); }

// The library's own memory and time are not the model's: they are over before the model is loaded.
static bool Load(Litert* litert, const Arguments* arguments, Run* run, char problem[kProblemSize]) {
  if (arguments->cold) DropFromPageCache(arguments->model);
  run->in_page_cache = ShareInPageCache(arguments->model);
  run->before_load = ReadMemory().rss_bytes;
  run->load_start = Now(CLOCK_MONOTONIC);
  const bool loaded = LitertLoad(litert, arguments, problem);
  run->load_end = Now(CLOCK_MONOTONIC);
  run->after_load = ReadMemory().rss_bytes;
  NotePeak(run);
  return loaded;
}

static bool TakeTurn(Litert* litert, const Arguments* arguments, Inference infer, Run* run, int64_t* took) {
  int* grown = realloc(run->turns, (run->turn_count + 1) * sizeof *grown);
  if (grown == NULL) return false;
  run->turns = grown;
  const size_t before = run->measured.count;
  if (!Measure(infer, litert, 0, arguments->turns.slice_s, arguments->limit_s, &run->measured)) return false;
  run->turns[run->turn_count++] = (int)(run->measured.count - before);
  for (size_t i = before; i < run->measured.count; ++i) *took += run->measured.latencies[i];
  return true;
}

static bool WriteFile(const char* path, const char* mode, const void* data, size_t size) {
  FILE* file = fopen(path, mode);
  if (file == NULL) return false;
  const bool written = fwrite(data, 1, size, file) == size;
  return fclose(file) == 0 && written;
}

static void OutputPath(const Arguments* arguments, size_t index, char path[4096]) {
  snprintf(path, 4096, "%s/output_%zu.bin", arguments->output_folder, index);
}

static bool WriteOutputs(Litert* litert, const Arguments* arguments, const char* mode) {
  bool written = arguments->output_folder != NULL;
  for (size_t i = 0; written && i < LitertOutputCount(litert); ++i) {
    char path[4096];
    OutputPath(arguments, i, path);
    const void* data = LitertMapOutput(litert, i);
    written = data != NULL && WriteFile(path, mode, data, LitertOutput(litert, i)->size);
    if (data != NULL) LitertUnmapOutput(litert, i);
  }
  return written;
}

// Each example once, the outputs of all of them one after the other in the files.
static bool RunExamples(Litert* litert, const Arguments* arguments, Run* run) {
  char problem[kProblemSize] = "";
  for (int i = 0; i < arguments->examples; ++i) {
    if (!LitertFillInputs(litert, arguments, arguments->first + i, problem) ||
        !Measure(Infer, litert, i + 1, 0, arguments->limit_s, &run->measured) ||
        !WriteOutputs(litert, arguments, i == 0 ? "wb" : "ab")) {
      fprintf(stderr, "litert_bench: example %d: %s\n", arguments->first + i,
              problem[0] != '\0' ? problem : "an inference failed, or its outputs could not be written");
      return false;
    }
  }
  return true;
}

// The whole phase at once, or turn by turn; the turn in which the model was loaded is over with the first one's begin.
static bool MeasurePhase(Litert* litert, const Arguments* arguments, Inference infer, Shared* shared, Run* run) {
  if (arguments->examples > 0) return RunExamples(litert, arguments, run);
  if (arguments->turns.file == NULL) {
    return Measure(infer, litert, arguments->runs, arguments->min_s, arguments->limit_s, &run->measured);
  }
  const int64_t least = (int64_t)(arguments->min_s * 1e9), most = (int64_t)(arguments->limit_s * 1e9);
  for (int64_t took = 0; (run->measured.count < (size_t)arguments->runs || took < least) && took <= most;) {
    PassTurn(shared);
    if (!AwaitTurn(shared) || !TakeTurn(litert, arguments, infer, run, &took)) return false;
  }
  return LeaveTurns(shared);
}

static bool Execute(Litert* litert, const Arguments* arguments, Shared* shared, Run* run) {
  // On the CPU an inference is over when it returns; reading its outputs then costs nothing, and is no part of it.
  const Inference infer = arguments->accelerator == kCpu ? Infer : InferToOutputs;
  run->warmup_start = Now(CLOCK_MONOTONIC);
  // The first inference may take more than the later ones, before times are kept that would hide it.
  if (arguments->warmup_runs > 0 && !Measure(infer, litert, 1, 0, arguments->limit_s, &run->warmup)) return false;
  NotePeak(run);
  if (!Measure(infer, litert, arguments->warmup_runs, arguments->warmup_min_s, arguments->limit_s, &run->warmup)) {
    return false;
  }
  NotePeak(run);
  if (arguments->op_profile && !LitertStartProfiler(litert)) return false;
  const int64_t process = Now(CLOCK_PROCESS_CPUTIME_ID), thread = Now(CLOCK_THREAD_CPUTIME_ID);
  run->measure_start = Now(CLOCK_MONOTONIC);
  const bool worked = MeasurePhase(litert, arguments, infer, shared, run);
  run->measure_end = Now(CLOCK_MONOTONIC);
  run->thread_cpu = Now(CLOCK_THREAD_CPUTIME_ID) - thread;
  run->process_cpu = Now(CLOCK_PROCESS_CPUTIME_ID) - process;
  run->boottime_offset = Now(CLOCK_BOOTTIME) - Now(CLOCK_MONOTONIC);
  NotePeak(run);
  if (arguments->op_profile) run->operators = LitertStopProfiler(litert);
  return worked && run->measured.count > 0 && (!arguments->op_profile || run->operators != NULL);
}

static void PrintTensorHead(const Tensor* tensor) {
  fputs("{\"name\":", stdout);
  JsonString(stdout, tensor->name);
  printf(",\"dtype\":\"%s\",\"shape\":[", tensor->dtype);
  for (int i = 0; i < tensor->rank; ++i) printf("%s%" PRId32, i > 0 ? "," : "", tensor->dimensions[i]);
}

static void PrintSettings(const Arguments* arguments) {
  printf(",\"settings\":{\"accelerator\":\"%s\",\"threads\":%d,\"warmup_runs\":%d,\"runs\":%d,\"min_s\":%.9f,\"cpus\":[",
         AcceleratorName(arguments->accelerator), arguments->threads, arguments->warmup_runs, arguments->runs,
         arguments->min_s);
  for (int i = 0; i < arguments->cpu_count; ++i) printf("%s%d", i > 0 ? "," : "", arguments->cpus[i]);
  printf("],\"input\":\"%s\",\"seed\":%" PRIu64 "}", arguments->input_count > 0 ? "file" : "random", arguments->seed);
}

static void PrintTimes(const Run* run) {
  const struct { const char* key; int64_t value; } clock[] = {
      {",\"clock\":{\"name\":\"CLOCK_MONOTONIC\",\"load_start_s\":", run->load_start},
      {",\"warmup_start_s\":", run->warmup_start},
      {",\"measure_start_s\":", run->measure_start},
      {",\"measure_end_s\":", run->measure_end},
      {",\"boottime_offset_s\":", run->boottime_offset},
      {"},\"load_s\":", run->load_end - run->load_start},
  };
  for (size_t i = 0; i < sizeof clock / sizeof *clock; ++i) {
    fputs(clock[i].key, stdout);
    JsonSeconds(stdout, clock[i].value);
  }
  fputs(",\"warmup_latencies_s\":", stdout);
  JsonSecondsArray(stdout, run->warmup.latencies, run->warmup.count);
  fputs(",\"latencies_s\":", stdout);
  JsonSecondsArray(stdout, run->measured.latencies, run->measured.count);
  fputs(",\"starts_s\":", stdout);
  JsonSecondsArray(stdout, run->measured.starts, run->measured.count);
  fputs(",\"turns\":[", stdout);
  for (size_t i = 0; i < run->turn_count; ++i) printf("%s%d", i > 0 ? "," : "", run->turns[i]);
  fputs("],\"cpu_time\":{\"process_s\":", stdout);
  JsonSeconds(stdout, run->process_cpu);
  fputs(",\"thread_s\":", stdout);
  JsonSeconds(stdout, run->thread_cpu);
  fputs(",\"per_inference_s\":", stdout);
  JsonSecondsArray(stdout, run->measured.cpu, run->measured.count);
  printf("},\"memory\":{\"before_load_bytes\":%" PRId64 ",\"after_load_bytes\":%" PRId64 ",\"peak_bytes\":%" PRId64
         ",\"method\":\"max(VmHWM, max(VmRSS + VmSwap)) less kept times\"}",
         run->before_load, run->after_load, run->peak);
}

static void PrintLoads(const Litert* litert, const Run* run) {
  fputs(",\"loads\":{\"compile_s\":", stdout);
  JsonSeconds(stdout, LitertCompileTime(litert));
  const bool cold = run->in_page_cache == 0, warm = run->in_page_cache >= 1;
  if (cold || warm) fputs(cold ? ",\"cold_s\":" : ",\"warm_s\":", stdout);
  if (cold || warm) JsonSeconds(stdout, run->load_end - run->load_start);
  if (run->in_page_cache >= 0) printf(",\"in_page_cache\":%.6f", run->in_page_cache);
  putchar('}');
  if (run->operators == NULL) return;
  fputs(",\"operators\":", stdout);
  JsonString(stdout, run->operators);
}

// LiteRT tells whether everything is accelerated, not which unit took which op: less than everything is told as mixed.
static void PrintAcceleration(const Litert* litert, const Arguments* arguments) {
  const int fully = LitertFullyAccelerated(litert);
  const char* used = arguments->accelerator == kCpu ? "cpu"
                     : fully == 1                   ? AcceleratorName(arguments->accelerator)
                     : fully == 0                   ? "mixed"
                                                    : "unknown";
  printf(",\"acceleration\":{\"used\":\"%s\",\"fully_accelerated\":%s,\"registered\":[", used,
         fully < 0 ? "null" : fully == 1 ? "true" : "false");
  const char* names[kMaxAccelerators];
  const size_t count = LitertAccelerators(litert, names);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) putchar(',');
    JsonString(stdout, names[i]);
  }
  fputs("]}", stdout);
}

static bool PrintOutput(Litert* litert, size_t index, const Arguments* arguments) {
  const Tensor* tensor = LitertOutput(litert, index);
  const void* data = LitertMapOutput(litert, index);
  if (data == NULL) return false;
  char hex[kSha256HexSize], path[4096];
  Sha256Hex(data, tensor->size, hex);
  bool written = true;
  if (arguments->output_folder != NULL) {
    OutputPath(arguments, index, path);
    written = arguments->examples > 0 || WriteFile(path, "wb", data, tensor->size);
  }
  LitertUnmapOutput(litert, index);
  if (index > 0) putchar(',');
  PrintTensorHead(tensor);
  printf("],\"sha256\":\"%s\",\"file\":", hex);
  JsonString(stdout, arguments->output_folder != NULL ? path : NULL);
  putchar('}');
  return written;
}

static bool Print(Litert* litert, const Arguments* arguments, const Run* run) {
  const char* slash = strrchr(arguments->model, '/');
  fputs("{\"schema_version\":1,\"runner\":{\"name\":\"litert_bench\",\"version\":\"" LITERT_BENCH_VERSION
        "\",\"runtime\":",
        stdout);
  JsonString(stdout, LitertRuntime(litert));
  fputs("},\"model\":", stdout);
  JsonString(stdout, slash != NULL ? slash + 1 : arguments->model);
  printf(",\"pid\":%d", (int)getpid());
  PrintSettings(arguments);
  PrintTimes(run);
  PrintLoads(litert, run);
  PrintAcceleration(litert, arguments);
  fputs(",\"outputs\":[", stdout);
  bool written = true;
  for (size_t i = 0; (arguments->digest || arguments->output_folder != NULL) && i < LitertOutputCount(litert); ++i) {
    written = PrintOutput(litert, i, arguments) && written;
  }
  struct utsname system;
  memset(&system, 0, sizeof system);
  uname(&system);
  fputs("],\"machine\":{\"architecture\":", stdout);
  JsonString(stdout, system.machine);
  fputs(",\"kernel\":", stdout);
  JsonString(stdout, system.release);
  puts("}}");
  return written && fflush(stdout) == 0;
}

static int Bench(const Arguments* arguments) {
  char problem[kProblemSize] = "";
  Run run;
  memset(&run, 0, sizeof run);
  Shared shared;
  Litert* litert = LitertStart(arguments, problem);
  bool done = litert != NULL;
  if (done && !(JoinTurns(&arguments->turns, 2 * arguments->turns.count * arguments->limit_s, &shared) && AwaitTurn(&shared))) {
    snprintf(problem, sizeof problem, "the turns cannot be shared, or the other processes took too long");
    done = false;
  }
  done = done && Load(litert, arguments, &run, problem) && LitertFillInputs(litert, arguments, arguments->first, problem);
  if (done && !Execute(litert, arguments, &shared, &run)) {
    snprintf(problem, sizeof problem, "an inference failed%s, memory ran out, or other processes took too long in turns",
             arguments->op_profile ? ", LiteRT told no operators" : "");
    done = false;
  }
  if (done && !Print(litert, arguments, &run)) {
    snprintf(problem, sizeof problem, "the outputs could not be written");
    done = false;
  }
  FreeSamples(&run.warmup);
  FreeSamples(&run.measured);
  free(run.turns);
  free((void*)run.operators);
  if (litert != NULL) LitertClose(litert);
  if (!done) fprintf(stderr, "litert_bench: %s\n", problem);
  return done ? 0 : 3;
}

int main(int argc, char** argv) {
  Arguments arguments;
  const char* wrong = ParseArguments(argc, argv, &arguments);
  if (wrong == NULL && arguments.cpu_count > 0 && !BindToCpus(arguments.cpus, arguments.cpu_count)) {
    wrong = "the system refuses to bind to the CPUs of --cpus";
  }
  if (wrong != NULL) {
    fprintf(stderr, "litert_bench: %s\n", wrong);
    return 2;
  }
  return Bench(&arguments);
}
