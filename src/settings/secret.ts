/** Wraps a password so that no log, JSON or error message can print it by accident. Pure. */

const redacted = "[redacted]";

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The password itself; call it only where the bytes leave for the server that asked for them. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  static {
    // What Node calls when it prints an object; the name is no literal, so it is no ordinary method.
    Object.defineProperty(Secret.prototype, Symbol.for("nodejs.util.inspect.custom"), {
      value: () => redacted,
    });
  }
}
