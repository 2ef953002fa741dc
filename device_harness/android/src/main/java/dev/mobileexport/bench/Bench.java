package dev.mobileexport.bench;

/** litert_bench in this process. */
final class Bench {
  static {
    System.loadLibrary("litert_bench_app");
  }

  private Bench() {}

  /**
   * Runs it once; its counters are those of the process, so that a second run needs a new one.
   *
   * @param arguments as on litert_bench's command line
   * @param document file for the document that it prints
   * @param errors file for what it says when it fails
   * @return its exit code: 0 done, 2 wrong arguments, 3 LiteRT or the model failed; -1 a file cannot be written
   */
  static native int run(String[] arguments, String document, String errors);
}
