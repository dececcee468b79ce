/** Has plans made in a thread of their own, so that whoever starts a VM does not wait for one. */
import { Worker } from "node:worker_threads";
import type { LastUse } from "../decide/placing.ts";
import { AppError } from "../domain/errors.ts";
import type { Uuid } from "../domain/pool.ts";
import type { PlannedAdvice } from "./advice.ts";
import type { EvacuationOutcome, WlbPlanner } from "./planning.ts";
import type { PlanQuestion, PlanReply, PlanWorkerData } from "./planWorker.ts";

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type WithoutId<Q> = Q extends PlanQuestion ? Omit<Q, "id"> : never;

export class ThreadPlanner implements WlbPlanner {
  readonly #data: PlanWorkerData;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #lastId = 0;

  constructor(data: PlanWorkerData) {
    this.#data = data;
  }

  plan(): Promise<PlannedAdvice> {
    return this.#ask<PlannedAdvice>({ ask: "plan" });
  }

  lastUses(): Promise<ReadonlyMap<Uuid, LastUse>> {
    return this.#ask<ReadonlyMap<Uuid, LastUse>>({ ask: "lastUses" });
  }

  evacuate(host: Uuid): Promise<EvacuationOutcome> {
    return this.#ask<EvacuationOutcome>({ ask: "evacuate", host });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  #ask<T>(question: WithoutId<PlanQuestion>): Promise<T> {
    const id = ++this.#lastId;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
      this.#running().postMessage({ ...question, id } as PlanQuestion);
    });
  }

  /** A thread that has ended is started again by the next question. */
  #running(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(new URL("../wlb/planWorker.js", import.meta.url), { workerData: this.#data });
    worker.on("message", (reply: PlanReply) => this.#replied(reply));
    const ended = (cause: unknown) => {
      if (this.#worker === worker) this.#worker = null;
      for (const { reject } of this.#waiting.values()) {
        reject(new AppError("mysql", "the thread that plans has ended", { cause }));
      }
      this.#waiting.clear();
    };
    worker.on("error", ended);
    worker.on("exit", () => ended(undefined));
    this.#worker = worker;
    return worker;
  }

  #replied(reply: PlanReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(new AppError("mysql", reply.error));
    else waiting?.resolve(reply.result);
  }
}
