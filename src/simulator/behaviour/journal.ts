/** What changed since when: the memory behind event.from. Keeps the last change of each object only. */

/** An object that differs from what it was at a generation: there since ("add"), changed, or gone. */
export interface Change {
  readonly cls: string;
  readonly ref: string;
  readonly operation: "add" | "mod" | "del";
  /** The generation of the last change. */
  readonly id: number;
}

/**
 * How many deletions of a class are remembered: at the first number only the newest of the second are kept, as in xapi.
 * Nobody is told that older ones are forgotten; only the counts of objects give it away.
 */
const mostDeletions = 512;
const keptDeletions = 256;

/** A change, or what came and went. */
interface Passing extends Omit<Change, "operation"> {
  readonly operation: Change["operation"] | "none";
}

interface Entry {
  readonly cls: string;
  readonly ref: string;
  readonly id: number;
}

interface Life {
  readonly created: number;
  readonly changed: number;
  readonly gone: boolean;
}

/**
 * Numbers changes by generation. All that happens between begin and end has one generation: a VM that moves
 * and the two hosts whose lists change are one event id, as in xapi.
 */
export class Journal {
  #generation = 0;
  #open = 0;
  #touched = false;
  #entries: Entry[] = [];
  readonly #lives = new Map<string, Life>();
  #present = 0;
  /** Keys of what is gone, by class, oldest first. */
  readonly #deleted = new Map<string, string[]>();
  readonly #listeners = new Set<() => void>();

  /** The generation of the newest change. */
  get generation(): number {
    return this.#generation;
  }

  /** Calls `listener` after every change; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Opens a change; changes nest. */
  begin(): void {
    this.#open += 1;
  }

  end(): void {
    this.#open -= 1;
    if (this.#open > 0 || !this.#touched) return;
    this.#touched = false;
    for (const listener of [...this.#listeners]) listener();
  }

  created(cls: string, ref: string): void {
    const id = this.#advance();
    this.#lives.set(`${cls}/${ref}`, { created: id, changed: id, gone: false });
    this.#present += 1;
    this.#entries.push({ cls, ref, id });
  }

  modified(cls: string, ref: string): void {
    this.#change(cls, ref, false);
  }

  deleted(cls: string, ref: string): void {
    this.#present -= 1;
    this.#change(cls, ref, true);
    const gone = this.#deleted.get(cls) ?? [];
    gone.push(`${cls}/${ref}`);
    if (gone.length >= mostDeletions) {
      for (const key of gone.splice(0, gone.length - keptDeletions - 1)) this.#lives.delete(key);
    }
    this.#deleted.set(cls, gone);
  }

  /** Marks an object as changed although none of its fields is; returns the generation of that. */
  touch(cls: string, ref: string): number {
    this.begin();
    this.modified(cls, ref);
    this.end();
    return this.#generation;
  }

  /**
   * The changes after `generation`, oldest first, one an object. What came and went since then is left out;
   * generation 0 gives everything that is there, as "add".
   */
  since(generation: number): readonly Change[] {
    return this.#after(generation).flatMap(({ operation, ...object }) =>
      operation === "none" ? [] : [{ ...object, operation }],
    );
  }

  /** The newest generation in which anything `wanted` changed after `generation`, came and went included; else that. */
  newest(generation: number, wanted: (object: Pick<Change, "cls" | "ref">) => boolean): number {
    return Math.max(
      generation,
      ...this.#after(generation)
        .filter(wanted)
        .slice(-1)
        .map(({ id }) => id),
    );
  }

  #after(generation: number): Passing[] {
    const seen = new Set<string>();
    const changes: Passing[] = [];
    for (let at = this.#firstAfter(generation); at < this.#entries.length; at += 1) {
      const entry = this.#entries[at];
      if (entry === undefined) break;
      const key = `${entry.cls}/${entry.ref}`;
      const life = this.#lives.get(key);
      if (life === undefined || life.changed !== entry.id || seen.has(key)) continue;
      seen.add(key);
      const fresh = life.created > generation;
      const operation = life.gone ? (fresh ? "none" : "del") : fresh ? "add" : "mod";
      changes.push({ cls: entry.cls, ref: entry.ref, operation, id: entry.id });
    }
    return changes;
  }

  #change(cls: string, ref: string, gone: boolean): void {
    const id = this.#advance();
    const key = `${cls}/${ref}`;
    const life = this.#lives.get(key);
    if (life?.changed !== id) this.#entries.push({ cls, ref, id });
    this.#lives.set(key, { created: life?.created ?? id, changed: id, gone });
    this.#compact();
  }

  /** A generation of its own for every outermost begin..end. */
  #advance(): number {
    if (this.#open === 0) throw new Error("journal: a change outside begin and end");
    if (!this.#touched) this.#generation += 1;
    this.#touched = true;
    return this.#generation;
  }

  #firstAfter(generation: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.id ?? 0) <= generation) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets overtaken entries now and then, so that a long run does not grow without end. */
  #compact(): void {
    if (this.#entries.length < 1024 || this.#entries.length < 4 * this.#present) return;
    this.#entries = this.#entries.filter(
      (entry) => this.#lives.get(`${entry.cls}/${entry.ref}`)?.changed === entry.id,
    );
  }
}
