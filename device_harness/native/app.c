// litert_bench inside an app: what `main` prints goes to two files, for an app has no standard output.
#include <fcntl.h>
#include <jni.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LitertBenchMain(int argc, char** argv);  // `main` of main.c

static bool Redirect(FILE* stream, const char* path) {
  fflush(stream);
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return false;
  const bool done = dup2(file, fileno(stream)) >= 0;
  close(file);
  return done;
}

static char* Copy(JNIEnv* env, jstring text) {
  const char* characters = (*env)->GetStringUTFChars(env, text, NULL);
  char* copy = characters != NULL ? strdup(characters) : NULL;
  if (characters != NULL) (*env)->ReleaseStringUTFChars(env, text, characters);
  return copy;
}

JNIEXPORT jint JNICALL Java_dev_mobileexport_bench_Bench_run(JNIEnv* env, jclass type, jobjectArray arguments,
                                                             jstring document, jstring errors) {
  (void)type;
  char* printed = Copy(env, document);
  char* said = Copy(env, errors);
  const bool ready = printed != NULL && said != NULL && Redirect(stdout, printed) && Redirect(stderr, said);
  free(printed);
  free(said);
  const int count = (*env)->GetArrayLength(env, arguments);
  // Kept until the process ends, as those of a program are.
  char** words = ready ? calloc((size_t)count + 2, sizeof *words) : NULL;
  if (words == NULL) return -1;
  static char name[] = "litert_bench";
  words[0] = name;
  for (int i = 0; i < count; ++i) {
    const jstring word = (jstring)(*env)->GetObjectArrayElement(env, arguments, i);
    words[i + 1] = Copy(env, word);
    (*env)->DeleteLocalRef(env, word);
    if (words[i + 1] == NULL) return -1;
  }
  const int code = LitertBenchMain(count + 1, words);
  fflush(NULL);
  return code;
}
