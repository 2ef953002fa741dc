// Interfaces of AndroidX, for the compiler alone.
package androidx.test.ext.junit.runners

class AndroidJUnit4(kind: Class<*>) : org.junit.runners.BlockJUnit4ClassRunner(kind)
