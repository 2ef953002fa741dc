// Interfaces of ONNX Runtime for Java, for the compiler alone.
package ai.onnxruntime

import java.nio.ByteBuffer
import java.util.Optional

enum class OnnxJavaType { FLOAT, DOUBLE, INT8, INT16, INT32, INT64, BOOL, STRING, UINT8 }

interface OnnxValue : AutoCloseable

class OnnxTensor private constructor() : OnnxValue {
    val byteBuffer: ByteBuffer get() = TODO()

    override fun close() = Unit

    companion object {
        @JvmStatic
        fun createTensor(env: OrtEnvironment, data: ByteBuffer, shape: LongArray, type: OnnxJavaType): OnnxTensor = TODO()
    }
}

class OrtEnvironment private constructor() : AutoCloseable {
    fun createSession(model: ByteArray, options: OrtSession.SessionOptions): OrtSession = TODO()

    override fun close() = Unit

    companion object {
        @JvmStatic
        fun getEnvironment(): OrtEnvironment = TODO()
    }
}

class OrtSession : AutoCloseable {
    fun run(inputs: Map<String, OnnxTensor>): Result = TODO()

    override fun close() = Unit

    class SessionOptions

    class Result : AutoCloseable {
        fun get(name: String): Optional<OnnxValue> = TODO()

        override fun close() = Unit
    }
}
