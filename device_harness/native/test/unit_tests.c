// Unit tests of litert_bench's parts; exit code 0 when all hold. Run under AddressSanitizer and UBSan by pytest.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "json.h"
#include "measure.h"
#include "sha256.h"
#include "system.h"
#include "turns.h"

static int failures = 0;

#define CHECK(condition)                                                 \
  do {                                                                   \
    if (!(condition)) {                                                  \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
      ++failures;                                                        \
    }                                                                    \
  } while (0)

static char* Written(void (*write)(FILE*, const void*), const void* value) {
  char* text = NULL;
  size_t size = 0;
  FILE* stream = open_memstream(&text, &size);
  write(stream, value);
  fclose(stream);
  return text;
}

static void WriteString(FILE* out, const void* value) { JsonString(out, value); }
static void WriteSeconds(FILE* out, const void* value) { JsonSeconds(out, *(const int64_t*)value); }

static void CheckJson(const char* text, const char* expected) {
  char* written = Written(WriteString, text);
  CHECK(strcmp(written, expected) == 0);
  free(written);
}

static void TestJson(void) {
  CheckJson("plain", "\"plain\"");
  CheckJson("a\"b\\c\n\x01", "\"a\\u0022b\\u005cc\\u000a\\u0001\"");
  CheckJson("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"");
  CheckJson("\xff\xc3", "\"\\ufffd\\ufffd\"");                     // no UTF-8, cut off
  CheckJson("\xc0\x80", "\"\\ufffd\\ufffd\"");                     // overlong
  CheckJson("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");          // surrogate
  CheckJson(NULL, "null");
  const int64_t times[] = {0, 1, 1500000000, -33};
  const char* expected[] = {"0.000000000", "0.000000001", "1.500000000", "-0.000000033"};
  for (int i = 0; i < 4; ++i) {
    char* written = Written(WriteSeconds, &times[i]);
    CHECK(strcmp(written, expected[i]) == 0);
    free(written);
  }
}

static void TestSha256(void) {  // FIPS 180-4 examples, and every padding length against a bytewise reference below
  char hex[kSha256HexSize];
  Sha256Hex("", 0, hex);
  CHECK(strcmp(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);
  Sha256Hex("abc", 3, hex);
  CHECK(strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
  const char* two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  Sha256Hex(two, strlen(two), hex);
  CHECK(strcmp(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1") == 0);
  char* million = malloc(1000000);
  memset(million, 'a', 1000000);
  Sha256Hex(million, 1000000, hex);
  free(million);
  CHECK(strcmp(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0") == 0);
}

static void TestMemory(void) {
  const MemoryStatus memory = ParseMemory("Name:\tx\nVmHWM:\t    20 kB\nVmRSS:\t   10 kB\nVmSwap:\t       3 kB\n");
  CHECK(memory.peak_bytes == 20 * 1024 && memory.rss_bytes == 13 * 1024);
  CHECK(ParseMemory("").peak_bytes == 0);
  CHECK(ParseMemory("VmHWM: 99999999999999999999 kB").peak_bytes == 0);
  CHECK(ParseMemory("VmHWM").peak_bytes == 0);
  CHECK(ReadMemory().peak_bytes > 0);
}

static const char* Parse(const char* line, Arguments* arguments, char* copy) {
  static char* words[64];
  int count = 0;
  strcpy(copy, line);
  for (char* word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) words[count++] = word;
  words[count] = NULL;
  return ParseArguments(count, words, arguments);
}

static void TestArguments(void) {
  Arguments arguments;
  char copy[512];
  CHECK(Parse("x --model m.tflite --threads 4 --cpus 4,5,7 --min-s 0.5 --input a=b=in.bin --digest", &arguments, copy) == NULL);
  CHECK(arguments.threads == 4 && arguments.cpu_count == 3 && arguments.cpus[2] == 7 && arguments.digest);
  CHECK(fabs(arguments.min_s - 0.5) < 1e-12);
  CHECK(strcmp(arguments.inputs[0].tensor, "a=b") == 0 && strcmp(arguments.inputs[0].path, "in.bin") == 0);
  const char* wrong[] = {"x", "x --model", "x --model m --threads -1", "x --model m --threads 1x", "x --model m --runs 0",
                         "x --model m --min-s nan", "x --model m --cpus 1,,2", "x --model m --cpus 99999", "x --model m y",
                         "x --model m --accelerator dsp", "x --model m --input nothing", "x --model m --seed -1",
                         "x --model m --none", "x --model m --runs 99999999999999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) CHECK(Parse(wrong[i], &arguments, copy) != NULL);
}

static bool Count(void* counter) { return ++*(int*)counter != 3000000; }

static void TestMeasure(void) {
  Samples samples = {0};
  int counter = 0;
  CHECK(Measure(Count, &counter, 10, 0, 1, &samples));
  CHECK(samples.count == 10 && counter == 10);
  CHECK(SamplesBytes(&samples) == 10 * 3 * 8);
  CHECK(Measure(Count, &counter, 1, 0.02, 1, &samples));
  CHECK(samples.count > 10 && samples.starts[10] >= samples.starts[9] + samples.latencies[9]);
  FreeSamples(&samples);
  Samples limited = {0};
  CHECK(Measure(Count, &counter, 2000000000 / 1000, 100, 0.01, &limited));
  CHECK(limited.count > 0);
  FreeSamples(&limited);
}

static void TestTurns(void) {
  Turns turns;
  CHECK(ParseTurns("1,2,0.015,/tmp/a,b", &turns));
  CHECK(turns.number == 1 && turns.count == 2 && fabs(turns.slice_s - 0.015) < 1e-12 && strcmp(turns.file, "/tmp/a,b") == 0);
  const char* wrong[] = {"", "1,2,0.015", "1,2,0.015,", "2,2,0.015,f", "-1,2,0.015,f", "0,65,0.015,f", "0,2,0,f", "0,2,nan,f"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) CHECK(!ParseTurns(wrong[i], &turns));
  char file[] = "/tmp/turns-XXXXXX";
  close(mkstemp(file));
  Shared first, second, alone;
  CHECK(JoinTurns(&(Turns){file, 0, 2, 0.01}, 0.02, &first));
  CHECK(!AwaitTurn(&first));  // the other is not there
  CHECK(JoinTurns(&(Turns){file, 1, 2, 0.01}, 0.02, &second));
  CHECK(AwaitTurn(&first) && !AwaitTurn(&second));
  PassTurn(&first);
  CHECK(AwaitTurn(&second) && !AwaitTurn(&first));
  PassTurn(&second);
  CHECK(AwaitTurn(&second) && !LeaveTurns(&second));  // the other is not done
  CHECK(AwaitTurn(&first));
  PassTurn(&first);
  CHECK(AwaitTurn(&first) && LeaveTurns(&first) && access(file, F_OK) != 0);
  CHECK(JoinTurns(&(Turns){0}, 1, &alone) && AwaitTurn(&alone) && LeaveTurns(&alone));
  CHECK(!JoinTurns(&(Turns){"/nowhere/f", 0, 1, 0.01}, 1, &alone));
}

int main(void) {
  TestTurns();
  TestJson();
  TestSha256();
  TestMemory();
  TestArguments();
  TestMeasure();
  return failures == 0 ? 0 : 1;
}
