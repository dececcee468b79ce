/** A value that does not travel as its type does: a text where a flag belongs, a struct where a text does. */
export class Damaged {
  readonly kind: "text" | "struct";
  readonly text: string;

  constructor(kind: Damaged["kind"], text: string) {
    this.kind = kind;
    this.text = text;
  }
}
