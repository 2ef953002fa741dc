// Processes of several models take turns, by numbers in a file that they map: what slows the device for a while slows
// all of them. `device_harness/runners/turns.py` says what the numbers are, and does the same in Python.
#ifndef LITERT_BENCH_TURNS_H_
#define LITERT_BENCH_TURNS_H_

#include <stdbool.h>
#include <stdint.h>

enum { kMaxTurns = 64 };

typedef struct {
  const char* file;  // NULL: this process is alone
  int number;        // of this process, from 0
  int count;         // of processes
  double slice_s;    // least length of a turn
} Turns;

typedef struct {
  Turns turns;
  double limit_s;
  volatile int32_t* cells;  // NULL: alone
} Shared;

// "NUMBER,COUNT,SLICE_S,FILE"; false when it is not that.
bool ParseTurns(const char* text, Turns* turns);

// Maps the file and tells the others that this process is there. False when the file cannot be had.
bool JoinTurns(const Turns* turns, double limit_s, Shared* shared);

// Until all are there and it is this process's turn; false after `limit_s`.
bool AwaitTurn(Shared* shared);

// The next one that is not done.
void PassTurn(Shared* shared);

// Takes no more turns, and waits until nobody does: what is done then disturbs no other. False after `limit_s`.
bool LeaveTurns(Shared* shared);

#endif
