/** What a pool keeps of its workload balancing server beside the fields of its record. */
import { CallStack } from "./callStack.ts";

export class WlbState {
  readonly calls: CallStack = new CallStack();
  /** The password's object of class secret. */
  secretRef: string | null = null;
  /** PEM by name: what `xe pool-install-ca-certificate` installed. */
  readonly authorities: Map<string, string> = new Map();
}
