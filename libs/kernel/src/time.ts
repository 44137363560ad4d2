/**
 * Days and instants (rules.md section 1). A day is a calendar day in the zone of the installation; an instant is
 * ISO-8601 in UTC with whole milliseconds, so that both compare as strings.
 */
declare const brand: unique symbol;

/** `YYYY-MM-DD`, 0001-01-01 to 9999-12-31. */
export type Day = string & { readonly [brand]: 'Day' };
/** `YYYY-MM-DDTHH:mm:ss.sssZ`. */
export type Instant = string & { readonly [brand]: 'Instant' };

/** Where the time comes from; the domain never reads a clock itself. */
export interface Clock {
  now(): Instant;
}

const msPerDay = 86_400_000;

export const firstDay = '0001-01-01' as Day;
export const lastDay = '9999-12-31' as Day;

export const isDay = (text: string): boolean => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text < firstDay) return false;
  const ms = Date.parse(`${text}T00:00:00.000Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 10) === text;
};

/** @throws RangeError where `text` is no day of the calendar (2022-02-30). */
export const day = (text: string): Day => {
  if (!isDay(text)) throw new RangeError(`no such day: ${text}`);
  return text as Day;
};

/** As far as the days reach: beyond, a year has no four digits and instants no longer compare as strings. */
export const firstInstant = `${firstDay}T00:00:00.000Z` as Instant;
export const lastInstant = `${lastDay}T23:59:59.999Z` as Instant;

const instantForm = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** @throws RangeError where `text` is not an ISO-8601 instant with a zone, on a day of the calendar. */
export const instant = (text: string): Instant => {
  const ofDay = instantForm.exec(text)?.[1];
  // Date.parse alone reads 30 February as 2 March.
  const ms = ofDay !== undefined && isDay(ofDay) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms) || ms < msOfInstant(firstInstant) || ms > msOfInstant(lastInstant)) throw new RangeError(`no such instant: ${text}`);
  return instantOfMs(ms);
};

export const instantOfMs = (ms: number): Instant => new Date(ms).toISOString() as Instant;
export const msOfInstant = (at: Instant): number => Date.parse(at);

/** Days since 1970-01-01, negative before. */
export const dayNumber = (d: Day): number => Date.parse(`${d}T00:00:00.000Z`) / msPerDay;
export const dayOfNumber = (n: number): Day => new Date(n * msPerDay).toISOString().slice(0, 10) as Day;
export const addDays = (d: Day, n: number): Day => dayOfNumber(dayNumber(d) + n);
/** 0 Sunday … 6 Saturday. */
export const weekday = (d: Day): number => (((dayNumber(d) + 4) % 7) + 7) % 7;
export const lastDayOfMonth = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

export const maxDay = (a: Day, b: Day): Day => (a > b ? a : b);
export const minDay = (a: Day, b: Day): Day => (a < b ? a : b);
export const maxInstant = (a: Instant, b: Instant): Instant => (a > b ? a : b);

const formatters = new Map<string, Intl.DateTimeFormat>();

const partsIn = (zone: string, ms: number): number => {
  let format = formatters.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone, calendar: 'iso8601', hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    });
    formatters.set(zone, format);
  }
  const part = Object.fromEntries(format.formatToParts(ms).map((p) => [p.type, Number(p.value)]));
  const local = new Date(Date.UTC(2000, 0, 1, part['hour'] ?? 0, part['minute'] ?? 0, part['second'] ?? 0));
  // Date.UTC takes a year below 100 for one of the twentieth century.
  return local.setUTCFullYear(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'] ?? 1);
};

/** The day on which `at` falls in `zone` (an IANA name). @throws RangeError for an unknown zone. */
export const dayIn = (zone: string, at: Instant): Day => dayOfNumber(Math.min(Math.floor(partsIn(zone, msOfInstant(at)) / msPerDay), dayNumber(lastDay)));

/** The first instant of `d` in `zone`. */
export const firstInstantOf = (zone: string, d: Day): Instant => {
  if (d === firstDay) return firstInstant;
  const midnight = dayNumber(d) * msPerDay;
  // Two rounds settle the offset also on a day on which it changes.
  let at = midnight - (partsIn(zone, midnight) - midnight);
  at = midnight - (partsIn(zone, at) - at);
  return instantOfMs(at);
};

/** The last instant (whole milliseconds) of `d` in `zone`: what a date means as `knownAt` (rules.md section 2). */
export const lastInstantOf = (zone: string, d: Day): Instant =>
  (d === lastDay ? lastInstant : instantOfMs(msOfInstant(firstInstantOf(zone, addDays(d, 1))) - 1));
