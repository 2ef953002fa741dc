// Interfaces of ONNX Runtime's Swift package, for the compiler alone.
import Foundation

public enum ORTLoggingLevel: Int { case verbose, info, warning, error, fatal }

public enum ORTTensorElementDataType: Int { case undefined, float, int8, uInt8, int32, uInt32, int64, uInt64, string }

public final class ORTEnv {
  public init(loggingLevel: ORTLoggingLevel) throws {}
}

public final class ORTSessionOptions {}

public final class ORTRunOptions {}

public final class ORTValue {
  public init(tensorData: NSMutableData, elementType: ORTTensorElementDataType, shape: [NSNumber]) throws {}
  public func tensorData() throws -> NSMutableData { fatalError("interface only") }
}

public final class ORTSession {
  public init(env: ORTEnv, modelPath: String, sessionOptions: ORTSessionOptions?) throws {}
  public func run(
    withInputs inputs: [String: ORTValue], outputNames: Set<String>, runOptions: ORTRunOptions?
  ) throws -> [String: ORTValue] { fatalError("interface only") }
}
