/** Does `work` while no other process does it; `waiting` is called once when it has to wait. */
export function withLock<T>(
  folder: string,
  work: () => T | Promise<T>,
  waiting: (owner: string) => void,
): Promise<T>;
