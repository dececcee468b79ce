/**
 * Standard output and standard error. Every byte arrives or the failure is known: Node's own stream over a file
 * neither looks how much of a text the disk took nor lets a program go on writing after a failure.
 */
import fs from "node:fs";
import { AppError } from "../domain/errors.ts";

/** What an output needs of Node's stream; `process.stdout` and `process.stderr` have it. */
interface NodeOutput {
  readonly isTTY?: boolean;
  readonly on: (event: "error", listener: (error: Error & { code?: string }) => void) => unknown;
  readonly write: (text: string, taken: () => void) => boolean;
}

export class Output {
  readonly #name: string;
  readonly #stream: NodeOutput;
  /** The file to write to, or null where it is a terminal, a pipe or a socket: Node writes to those. */
  readonly #file: number | null;
  readonly #closed = new AbortController();
  #failure: AppError | null = null;

  /** `name`: for messages, "standard output". */
  constructor(name: string, descriptor: number, stream: NodeOutput) {
    this.#name = name;
    this.#stream = stream;
    this.#file = stream.isTTY !== true && isFile(descriptor) ? descriptor : null;
    stream.on("error", (error) => this.#failed(error));
  }

  /** Aborted when its reader wants no more (EPIPE): nobody needs to hear of that. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** The failure since this was asked last; null where everything was written, or the reader went away. */
  takeFailure(): AppError | null {
    const failure = this.#failure;
    this.#failure = null;
    return failure;
  }

  /** Writes `text` as it is; resolves when it was taken or has failed. Never rejects. */
  write(text: string): Promise<void> {
    if (this.#closed.signal.aborted) return Promise.resolve();
    if (this.#file === null) return new Promise((resolve) => void this.#stream.write(text, () => resolve()));
    try {
      writeAll(this.#file, Buffer.from(text, "utf8"));
    } catch (error) {
      this.#failed(error as Error);
    }
    return Promise.resolve();
  }

  #failed(error: Error & { code?: string }): void {
    // After a failure Node refuses every later write to its stream: that is no news.
    if (error.code === "ERR_STREAM_DESTROYED") return;
    if (error.code === "EPIPE") {
      this.#closed.abort();
      return;
    }
    this.#failure ??= new AppError("file", `${this.#name} cannot be written: ${reasonOf(error)}`, {
      next: "what was to be printed is lost or cut; make room there, or send it elsewhere",
    });
  }
}

/** A file or a device; not a pipe, a socket or a terminal. */
function isFile(descriptor: number): boolean {
  try {
    const status = fs.fstatSync(descriptor);
    return status.isFile() || status.isCharacterDevice() || status.isBlockDevice();
  } catch {
    return false;
  }
}

/** A disk that is nearly full takes a part of the bytes and reports no error but the next time. */
function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(descriptor, bytes, at);
}

/** "no space left on device", of Node's "ENOSPC: no space left on device, write". */
function reasonOf(error: Error): string {
  return error.message.replace(/^[A-Z0-9]+: /, "").replace(/, \w+$/, "");
}
