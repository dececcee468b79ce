/** How much memory the engine takes for a program that runs for months. */
import v8 from "node:v8";

/**
 * Has the engine collect garbage when the heap is twice what lived at the last time. By itself it lets the heap of a
 * machine with much memory grow to four times that, and a program that keeps a large pool's objects holds all of it.
 */
export function keepHeapSmall(): void {
  v8.setFlagsFromString("--heap-growing-percent=100");
}
