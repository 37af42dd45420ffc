export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** Whether it held within the time, ms; looked at every `everyMs`. */
export async function within(
  ms: number,
  holds: () => boolean | Promise<boolean>,
  everyMs: number = 50,
): Promise<boolean> {
  const end = performance.now() + ms;
  for (;;) {
    if (await holds()) return true;
    if (performance.now() >= end) return false;
    await pause(everyMs);
  }
}
