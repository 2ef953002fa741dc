#include "turns.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "system.h"

enum { kArrived = 1, kDone = 2, kPollNs = 500000 };

bool ParseTurns(const char* text, Turns* turns) {
  int length = 0;
  const int found = sscanf(text, "%d,%d,%lf,%n", &turns->number, &turns->count, &turns->slice_s, &length);
  turns->file = text + length;
  return found == 3 && length > 0 && *turns->file != '\0' && turns->count >= 1 && turns->count <= kMaxTurns &&
         turns->number >= 0 && turns->number < turns->count && turns->slice_s > 0 && turns->slice_s <= 60;
}

bool JoinTurns(const Turns* turns, double limit_s, Shared* shared) {
  *shared = (Shared){*turns, limit_s, NULL};
  if (turns->file == NULL) return true;
  const size_t size = sizeof(int32_t) * (size_t)(1 + turns->count);
  const int file = open(turns->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return false;
  void* mapped = ftruncate(file, (off_t)size) == 0 ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                                                   : MAP_FAILED;
  close(file);
  if (mapped == MAP_FAILED) return false;
  shared->cells = mapped;
  shared->cells[1 + turns->number] = kArrived;
  return true;
}

// Who comes first changes from round to round.
static int Owner(const Shared* shared, int32_t turn) {
  return (turn % shared->turns.count + turn / shared->turns.count) % shared->turns.count;
}

static bool All(const Shared* shared, int32_t state) {
  for (int i = 0; i < shared->turns.count; ++i) {
    if (shared->cells[1 + i] < state) return false;
  }
  return true;
}

static bool Mine(const Shared* shared) {
  return All(shared, kArrived) && Owner(shared, __atomic_load_n(shared->cells, __ATOMIC_ACQUIRE)) == shared->turns.number;
}

static bool AllDone(const Shared* shared) { return All(shared, kDone); }

static bool Await(const Shared* shared, bool (*holds)(const Shared*)) {
  const int64_t end = Now(CLOCK_MONOTONIC) + (int64_t)(shared->limit_s * 1e9);
  while (!holds(shared)) {
    if (Now(CLOCK_MONOTONIC) > end) return false;
    nanosleep(&(struct timespec){0, kPollNs}, NULL);
  }
  return true;
}

bool AwaitTurn(Shared* shared) { return shared->cells == NULL || Await(shared, Mine); }

void PassTurn(Shared* shared) {
  if (shared->cells == NULL || AllDone(shared)) return;
  int32_t turn = *shared->cells + 1;
  while (shared->cells[1 + Owner(shared, turn)] == kDone) ++turn;
  __atomic_store_n(shared->cells, turn, __ATOMIC_RELEASE);
}

bool LeaveTurns(Shared* shared) {
  if (shared->cells == NULL) return true;
  shared->cells[1 + shared->turns.number] = kDone;
  PassTurn(shared);
  const bool left = Await(shared, AllDone);
  unlink(shared->turns.file);
  return left;
}
