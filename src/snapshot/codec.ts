/** How one word of a snapshot's text stands for a value. */

/** A way to write values of one kind as one word, and to read them; `parse` throws a SnapshotProblem. */
export interface Codec<T> {
  readonly print: (value: T) => string;
  readonly parse: (written: string) => T;
  /** The value that is not written, and that a text without the key has. */
  readonly absent?: T;
}
