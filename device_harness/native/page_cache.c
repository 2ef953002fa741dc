#include "page_cache.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void DropFromPageCache(const char* path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  fdatasync(file);  // pages that are not written yet are not forgotten
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  close(file);
}

static double Share(void* mapped, size_t size) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), count = (size + page - 1) / page;
  unsigned char* told = malloc(count);
  size_t present = 0;
  const int failed = told == NULL || mincore(mapped, size, told) != 0;
  for (size_t i = 0; !failed && i < count; ++i) present += told[i] & 1;
  free(told);
  return failed ? -1 : (double)present / (double)count;
}

double ShareInPageCache(const char* path) {
  // Of a file that this user may not write, the kernel tells every page as present.
  if (access(path, W_OK) != 0) return -1;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat facts;
  double share = -1;
  if (file >= 0 && fstat(file, &facts) == 0 && facts.st_size > 0) {
    void* mapped = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) {
      share = Share(mapped, (size_t)facts.st_size);
      munmap(mapped, (size_t)facts.st_size);
    }
  }
  if (file >= 0) close(file);
  return share;
}
