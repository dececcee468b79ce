/** Numbers as reports write them. Pure. */

/** At most two decimals, without trailing zeros. */
export function figure(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** "256 MB", binary as XAPI's memory is. */
export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}

/** "63.2 GB", below one gigabyte "256 MB". */
export function gigabytes(bytes: number): string {
  if (bytes < 1024 ** 3) return megabytes(bytes);
  return `${Math.round(bytes / 1024 ** 3 / 0.1) / 10} GB`;
}

/** "48 s", "3 min 20 s", "2 h 5 min". */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (hours > 0) return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}
