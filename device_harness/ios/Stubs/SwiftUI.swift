@MainActor
public protocol View {
  associatedtype Body: View
  var body: Body { get }
}

extension Never: View {
  public var body: Never { fatalError("interface only") }
}

@MainActor
public protocol Scene {
  associatedtype Body: Scene
  var body: Body { get }
}

extension Never: Scene {}

@MainActor
public protocol App {
  associatedtype Body: Scene
  var body: Body { get }
  init()
}

extension App {
  public static func main() { fatalError("interface only") }
}

public struct WindowGroup<Content: View>: Scene {
  public init(content: () -> Content) {}
  public var body: Never { fatalError("interface only") }
}

public struct Text: View {
  public init(_ content: String) {}
  public var body: Never { fatalError("interface only") }
}

extension View {
  public func padding() -> some View { self }
  public func task(@_inheritActorContext _ action: @escaping @Sendable () async -> Void) -> some View { self }
}
