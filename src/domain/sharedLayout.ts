/** Copies of thousands of objects that stay as quick to walk through as what they were made of. Pure. */

/**
 * Stands before what is copied and added to: `{ ...sharedLayout, ...vm, cpuDemand }`. For a literal that begins with the
 * copy itself the engine may make a layout of its own for each copy, half a kilobyte, and code that meets thousands of layouts is slow.
 */
export const sharedLayout = {};
