export function weekTable(): string[] {
  return [];
}
