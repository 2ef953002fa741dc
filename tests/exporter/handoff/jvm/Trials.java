import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;
import org.junit.runner.JUnitCore;
import org.junit.runner.Result;

/**
 * Compiles Kotlin and runs its JUnit tests, several trials in one process, whose compiler is slow to start.
 *
 * Arguments: CLASSPATH, then of each trial NAME, SOURCES (folders, joined as a class path), HANDOFF, TESTS (classes, joined by
 * commas; empty to compile alone). A trial whose sources are those of an earlier one is not compiled again.
 * Prints of each trial a line: NAME, a tab, how many tests ran, then a tab and the name of each that failed.
 */
public class Trials {
    public static void main(String[] arguments) throws Exception {
        List<String> known = new ArrayList<>();
        for (int place = 1; place < arguments.length; place += 4) {
            String sources = arguments[place + 1];
            if (!known.contains(sources)) {
                known.add(sources);
                compile(arguments[0], sources, "out" + known.indexOf(sources));
            }
            System.setProperty("handoff", arguments[place + 2]);
            File classes = new File("out" + known.indexOf(sources));
            System.out.println(arguments[place] + "\t" + tested(classes, arguments[place + 3]));
        }
    }

    private static void compile(String classpath, String sources, String out) {
        List<String> options = new ArrayList<>(List.of("-no-stdlib", "-no-reflect", "-nowarn", "-jvm-target", "17"));
        options.addAll(List.of("-cp", classpath, "-d", out));
        options.addAll(List.of(sources.split(File.pathSeparator)));
        ExitCode code = new K2JVMCompiler().exec(System.err, options.toArray(new String[0]));
        if (code != ExitCode.OK) throw new IllegalStateException(sources + " does not compile: " + code);
    }

    private static String tested(File classes, String tests) throws Exception {
        int ran = 0;
        StringBuilder failed = new StringBuilder();
        try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toURI().toURL()})) {
            for (String name : tests.isEmpty() ? new String[0] : tests.split(",")) {
                Result result = new JUnitCore().run(loader.loadClass(name));
                ran += result.getRunCount();
                result.getFailures().forEach(one -> failed.append("\t").append(one.getDescription().getMethodName()));
                result.getFailures().forEach(one -> System.err.println(one.toString()));
            }
        }
        return ran + failed.toString();
    }
}
