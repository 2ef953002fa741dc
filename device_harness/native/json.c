#include "json.h"

#include <inttypes.h>

// Length of the well-formed UTF-8 sequence at `text`, or 0 (RFC 3629: no overlong forms, no surrogates).
static size_t SequenceLength(const unsigned char* text) {
  if (text[0] < 0x80) return 1;
  size_t length = 0;
  unsigned char least = 0x80, most = 0xBF;
  if (text[0] >= 0xC2 && text[0] <= 0xDF) length = 2;
  else if (text[0] >= 0xE0 && text[0] <= 0xEF) length = 3;
  else if (text[0] >= 0xF0 && text[0] <= 0xF4) length = 4;
  else return 0;
  if (text[0] == 0xE0) least = 0xA0;
  if (text[0] == 0xED) most = 0x9F;
  if (text[0] == 0xF0) least = 0x90;
  if (text[0] == 0xF4) most = 0x8F;
  if (text[1] < least || text[1] > most) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (text[i] < 0x80 || text[i] > 0xBF) return 0;
  }
  return length;
}

void JsonString(FILE* out, const char* text) {
  if (text == NULL) {
    fputs("null", out);
    return;
  }
  fputc('"', out);
  for (const unsigned char* rest = (const unsigned char*)text; *rest != '\0';) {
    const size_t length = SequenceLength(rest);
    if (length == 0) {
      fputs("\\ufffd", out);
      ++rest;
    } else if (length == 1 && (*rest < 0x20 || *rest == '"' || *rest == '\\' || *rest == 0x7F)) {
      fprintf(out, "\\u%04x", *rest++);
    } else {
      fwrite(rest, 1, length, out);
      rest += length;
    }
  }
  fputc('"', out);
}

void JsonSeconds(FILE* out, int64_t nanoseconds) {
  const int64_t magnitude = nanoseconds < 0 ? -nanoseconds : nanoseconds;
  fprintf(out, "%s%" PRId64 ".%09" PRId64, nanoseconds < 0 ? "-" : "", magnitude / 1000000000, magnitude % 1000000000);
}

void JsonSecondsArray(FILE* out, const int64_t* nanoseconds, size_t count) {
  fputc('[', out);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) fputc(',', out);
    JsonSeconds(out, nanoseconds[i]);
  }
  fputc(']', out);
}
