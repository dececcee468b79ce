/** Lines at the bottom of a terminal that are drawn again and again, below what is printed for good. */
import { fitWidth } from "../text/text.ts";

export interface Screen {
  readonly write: (text: string) => void;
  readonly columns: () => number;
  readonly rows: () => number;
}

/** Draws no more lines than the window has, and none wider: what has scrolled away cannot be drawn again. */
export class LiveLines {
  readonly #screen: Screen;
  #lines: readonly string[] = [];
  #drawn = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Makes `lines`, escaped already, the ones at the bottom. */
  show(lines: readonly string[]): void {
    this.#lines = lines;
    this.#screen.write(this.#erased() + this.#drawing());
  }

  /** Lets `write` print whole lines for good, above the ones at the bottom. */
  above(write: () => void): void {
    const erased = this.#erased();
    if (erased !== "") this.#screen.write(erased);
    write();
    const drawing = this.#drawing();
    if (drawing !== "") this.#screen.write(drawing);
  }

  #erased(): string {
    const up = this.#drawn;
    this.#drawn = 0;
    return up === 0 ? "" : `\u001b[${up}A\u001b[0J`;
  }

  #drawing(): string {
    const room = Math.max(0, this.#screen.rows() - 1);
    const shown = this.#lines.slice(0, room);
    this.#drawn = shown.length;
    return shown.map((line) => `${fitWidth(line, this.#screen.columns() - 1)}\n`).join("");
  }
}
