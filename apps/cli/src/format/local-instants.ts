export const isZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    // RangeError: no such zone.
    return false;
  }
};

const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** An answer with its instants as a clock on the wall of the zone shows them: a reader in Beijing takes 16:00 UTC for the wrong day. */
export const localInstants = <T>(answer: T, zone: string): T => {
  // The Swedish locale writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const shown = (value: unknown): unknown => {
    if (typeof value === 'string') return instant.test(value) ? format.format(new Date(value)) : value;
    if (Array.isArray(value)) return value.map(shown);
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, content]) => [name, shown(content)])) : value;
  };
  // Strings stay strings, so the shape is that of the answer.
  return shown(answer) as T;
};
