/** A heap: what comes before all others is taken first. Pure. */

export class Heap<T> {
  readonly #before: (a: T, b: T) => boolean;

  /** `before` says whether `a` is to be taken before `b`. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  readonly #nodes: T[] = [];

  push(node: T): void {
    const nodes = this.#nodes;
    let place = nodes.push(node) - 1;
    while (place > 0) {
      const up = (place - 1) >> 1;
      if (!this.#isBefore(node, nodes[up])) break;
      nodes[place] = nodes[up] ?? node;
      place = up;
    }
    nodes[place] = node;
  }

  peek(): T | null {
    return this.#nodes[0] ?? null;
  }

  pop(): T | null {
    const nodes = this.#nodes;
    const top = nodes[0];
    const last = nodes.pop();
    if (top === undefined || last === undefined) return null;
    if (nodes.length > 0) this.#sink(last);
    return top;
  }

  #sink(node: T): void {
    const nodes = this.#nodes;
    let place = 0;
    for (;;) {
      let down = 2 * place + 1;
      if (down >= nodes.length) break;
      const right = nodes[down + 1];
      if (right !== undefined && this.#isBefore(right, nodes[down])) down++;
      const child = nodes[down];
      if (child === undefined || !this.#isBefore(child, node)) break;
      nodes[place] = child;
      place = down;
    }
    nodes[place] = node;
  }

  /** Nothing is after the end. */
  #isBefore(a: T, b: T | undefined): boolean {
    return b === undefined || this.#before(a, b);
  }
}
