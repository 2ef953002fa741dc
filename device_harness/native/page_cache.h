// Whether a file lies in the page cache, and putting it out of it.
#ifndef LITERT_BENCH_PAGE_CACHE_H_
#define LITERT_BENCH_PAGE_CACHE_H_

// Asks the kernel to forget the pages of a file; what another process has mapped, and what lies in memory, stays.
void DropFromPageCache(const char* path);

// The part of a file's pages that lie in the page cache, from 0 to 1; -1 where that is not told.
double ShareInPageCache(const char* path);

#endif
