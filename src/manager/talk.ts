/** Both directions of a conversation: with a person on a terminal, or with a script whose lines are the answers. */

export interface Talk {
  /** A person answers: a wrong answer is asked again. A script ends at its first error. */
  readonly interactive: boolean;
  /** Writes one line of data, already escaped, on standard output. */
  readonly print: (line: string) => void;
  /** Shows all lines of a result, through a pager where they are more than fit; without it they are printed. */
  readonly page?: (lines: readonly string[]) => Promise<void>;
  /** Writes one line for the operator on standard error. */
  readonly note: (line: string) => void;
  /** Asks and waits for one line; null when the input ended or the person gave up. */
  readonly ask: (question: Question) => Promise<string | null>;
}

export interface Question {
  /** Ends with a line end where the answer stands on a line of its own. */
  readonly text: string;
  /** Likely answers, for completion. */
  readonly suggestions: readonly string[];
  /**
   * Of a script, which cannot see the question: whether the answer is one to the question that follows. This one then
   * counts as answered with nothing, and is not shown.
   */
  readonly isForTheNext?: (answer: string) => boolean;
}
