package dev.mobileexport.bench;

import android.app.Activity;
import android.os.Bundle;
import android.view.WindowManager;
import android.widget.TextView;

/** Keeps the app in the foreground and the screen lit while the model runs; draws nothing meanwhile. */
public final class BenchActivity extends Activity {
  @Override
  protected void onCreate(Bundle state) {
    super.onCreate(state);
    getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
    TextView words = new TextView(this);
    words.setText("mobile-export measures a model");
    setContentView(words);
  }
}
