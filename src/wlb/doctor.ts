/**
 * What doctor says of the set-up, for GetDiagnostics. A pool asks one thing at a time, and starts no VM meanwhile: so
 * nobody waits for long, and the report of a moment ago serves again.
 */
import { Worker } from "node:worker_threads";
import { describeError } from "../domain/errors.ts";
import { span } from "../text/format.ts";
import type { DoctorWorkerData } from "./doctorWorker.ts";

const patienceMs = 5000;
const keptMs = 30_000;

export class Doctor {
  readonly #data: DoctorWorkerData;
  readonly #monotonicMs: () => number;
  readonly #patienceMs: number;
  #last: { readonly lines: readonly string[]; readonly atMs: number } | null = null;
  #asked: Promise<readonly string[]> | null = null;

  constructor(data: DoctorWorkerData, monotonicMs: () => number, patience: number = patienceMs) {
    this.#data = data;
    this.#monotonicMs = monotonicMs;
    this.#patienceMs = patience;
  }

  /** The report, a line each. Never rejects; resolves within some seconds, if need be with the reason why there is none. */
  async report(): Promise<readonly string[]> {
    const age = this.#last === null ? Number.POSITIVE_INFINITY : this.#monotonicMs() - this.#last.atMs;
    if (this.#last !== null && age < keptMs) return this.#last.lines;
    // Those that ask together get one answer.
    this.#asked ??= this.#made().finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }

  async #made(): Promise<readonly string[]> {
    const worker = new Worker(new URL("../wlb/doctorWorker.js", import.meta.url), { workerData: this.#data });
    let late: NodeJS.Timeout | undefined;
    try {
      const lines = await new Promise<readonly string[]>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
        worker.once("exit", () => reject(new Error("its thread has ended")));
        late = setTimeout(
          () =>
            reject(
              new Error(`it was not ready after ${span(this.#patienceMs / 1000)}; ask xcp-manager doctor`),
            ),
          this.#patienceMs,
        );
      });
      this.#last = { lines, atMs: this.#monotonicMs() };
      return lines;
    } catch (error) {
      return [`doctor says nothing: ${describeError(error)}`];
    } finally {
      clearTimeout(late);
      void worker.terminate();
    }
  }
}
