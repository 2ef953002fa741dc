// litert_bench as an app in the foreground, where the scheduler gives it the cores that it gives an app on screen.
// gradle assembleRelease; then: mobile-export profile MODEL --device SERIAL --benchmark-app build/outputs/apk/release/*.apk
plugins { id("com.android.application") version "8.13.0" }

android {
  namespace = "dev.mobileexport.bench"
  compileSdk = 36
  defaultConfig {
    minSdk = 28
    targetSdk = 36
    versionCode = 1
    versionName = "1"
    ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    externalNativeBuild {
      cmake {
        arguments += "-DLITERT_BENCH_APP=ON"
        targets += "litert_bench_app"
      }
    }
  }
  externalNativeBuild { cmake { path = file("../native/CMakeLists.txt") } }
  // The same key on every machine of a developer, so that a new build replaces an older one; nobody distributes this app.
  buildTypes { release { signingConfig = signingConfigs.getByName("debug") } }
}

// Its libLiteRt.so is packed beside the app's own library: an app may not load one that was pushed.
dependencies { implementation("com.google.ai.edge.litert:litert:${providers.gradleProperty("litertVersion").get()}") }
