// Interfaces of Android, for the compiler alone.
package android.graphics

class Bitmap(val width: Int, val height: Int) {
    fun getPixels(pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int): Unit = TODO()
}

object BitmapFactory {
    @JvmStatic
    fun decodeByteArray(data: ByteArray, offset: Int, length: Int): Bitmap = TODO()
}
