package models.phone

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Test

/** Every filter and every way to fit, on files that the program's own data code has written; see `test_jvm.py`. */
class FiltersTest {
    @Test
    fun everyFilterIsThatOfTheData() {
        val folder = File(System.getProperty("handoff"))
        val cases = folder.listFiles()!!.filter { it.isDirectory }.sorted()
        assertEquals(54, cases.size)
        assertEquals(emptyList<String>(), cases.filterNot { isRight(it) }.map { it.name })
    }

    private fun isRight(case: File): Boolean {
        val (resize, filter, color, type) = case.name.split("-")
        val found = Preprocessing.tensor(npyPixels(File(case, "pixels.npy").readBytes()), input(resize, filter, color, type))
        return bytes(npy(File(case, "input.npy").readBytes())).contentEquals(bytes(found))
    }

    private fun input(resize: String, filter: String, color: String, type: String): PictureInput {
        val channels = if (color == "GRAY") 1 else 3
        val whole = type == "UINT8"
        val scale = if (type == "INT8") 0.02 else 0.0
        return PictureInput(
            TensorFacts("image", ElementType.valueOf(type), intArrayOf(1, 24, 18, channels), scale, zeroPoint = -3),
            ColorOrder.valueOf(color),
            Layout.NHWC,
            width = 18,
            height = 24,
            Resize.valueOf(resize),
            crop = 0.9,
            Interpolation.valueOf(filter),
            mean = if (whole) floatArrayOf() else FloatArray(channels) { floatArrayOf(0.485f, 0.456f, 0.406f)[it] },
            std = if (whole) floatArrayOf() else FloatArray(channels) { floatArrayOf(0.229f, 0.224f, 0.225f)[it] },
        )
    }
}
