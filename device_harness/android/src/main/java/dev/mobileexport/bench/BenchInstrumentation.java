package dev.mobileexport.bench;

import android.app.Activity;
import android.app.Instrumentation;
import android.content.Intent;
import android.os.Bundle;
import java.io.File;

/**
 * Started by {@code am instrument -w -e arguments ...}, each time in a new process. The arguments are those of
 * litert_bench, a line each, where {@code {files}} stands for the app's folder on the shared storage. There lies what
 * it prints, for the shell to read; the result tells where that is.
 */
public final class BenchInstrumentation extends Instrumentation {
  private String[] arguments;

  @Override
  public void onCreate(Bundle given) {
    super.onCreate(given);
    arguments = given.getString("arguments", "").split("\n");
    start();
  }

  @Override
  public void onStart() {
    super.onStart();
    Intent shown = new Intent(getTargetContext(), BenchActivity.class).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK);
    startActivitySync(shown);
    File folder = getTargetContext().getExternalFilesDir(null);
    for (int i = 0; i < arguments.length; ++i) {
      if (arguments[i].equals("{files}")) arguments[i] = folder.getPath();
    }
    int code = Bench.run(arguments, new File(folder, "document.json").getPath(), new File(folder, "errors.txt").getPath());
    Bundle result = new Bundle();
    result.putString("files", folder.getPath());
    finish(code == 0 ? Activity.RESULT_OK : Activity.RESULT_CANCELED, result);
  }
}
