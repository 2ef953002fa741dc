// Interfaces of Android, for the compiler alone.
package android.content

abstract class Context {
    abstract val assets: android.content.res.AssetManager
}
