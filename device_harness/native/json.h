// Writes JSON to a stream: strings are escaped, numbers are in the C locale.
#ifndef LITERT_BENCH_JSON_H_
#define LITERT_BENCH_JSON_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// A JSON string of UTF-8 text; bytes that are not UTF-8 become U+FFFD. NULL is written as null.
void JsonString(FILE* out, const char* text);

// Nanoseconds as seconds with nine decimals.
void JsonSeconds(FILE* out, int64_t nanoseconds);

// An array of such seconds.
void JsonSecondsArray(FILE* out, const int64_t* nanoseconds, size_t count);

#endif
