// Interfaces of LiteRT (org.tensorflow.lite.Interpreter), for the compiler alone.
package org.tensorflow.lite

import java.nio.ByteBuffer

class Interpreter(model: ByteBuffer) : AutoCloseable {
    init {
        TODO("$model")
    }

    fun runForMultipleInputsOutputs(inputs: Array<Any>, outputs: MutableMap<Int, Any>): Unit = TODO()

    override fun close() = Unit
}
