// SHA-256 (FIPS 180-4). Here because neither Android's C library nor a bare Linux board has one to link with.
#ifndef LITERT_BENCH_SHA256_H_
#define LITERT_BENCH_SHA256_H_

#include <stddef.h>

enum { kSha256HexSize = 65 };

// Writes the digest of `data` as 64 hexadecimal digits and a NUL.
void Sha256Hex(const void* data, size_t size, char hex[kSha256HexSize]);

#endif
