// Durations and moments as people read them. Durations are ns; moments are ns since the epoch as bigint, µs as numbers.

const UNITS: [number, string][] = [
  [86_400e9, 'd'],
  [3_600e9, 'h'],
  [60e9, 'm'],
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
];

/** "1.72 s", "350 µs", "2 m 5 s": three digits that count. */
export function duration(ns: number): string {
  if (!Number.isFinite(ns)) return '–';
  if (ns < 0) return `−${duration(-ns)}`;
  if (ns === 0) return '0 µs';
  if (ns < 1000) return `${Math.round(ns)} ns`;
  for (let k = 0; k < UNITS.length; k++) {
    const [size, unit] = UNITS[k]!;
    if (ns < size) continue;
    if (size < 60e9) {
      const value = Number((ns / size).toPrecision(3));
      return value >= 1000 && k > 0 && size < 1e9 ? `1 ${UNITS[k - 1]![1]}` : `${value} ${unit}`;
    }
    const [small, smallUnit] = UNITS[k + 1]!;
    const rest = Math.floor((ns % size) / small);
    return `${Math.floor(ns / size)} ${unit}${rest ? ` ${rest} ${smallUnit}` : ''}`;
  }
  return `${ns} ns`;
}

const GO_UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3_600e9 };

/** ns of a duration as the server takes it ("1.2s", "100ms", "1h2m"), or null. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (!/^(\d+(\.\d*)?(ns|us|µs|μs|ms|s|m|h))+$/.test(trimmed)) return null;
  let total = 0;
  for (const [, number, , unit] of trimmed.matchAll(/(\d+(\.\d*)?)(ns|us|µs|μs|ms|s|m|h)/g)) total += Number(number) * GO_UNITS[unit!]!;
  return total;
}

/** ms of each unit of a lookback, and its word. */
const LOOKBACK: Record<string, [number, string]> = {
  ms: [1, 'millisecond'],
  s: [1e3, 'second'],
  m: [60e3, 'minute'],
  h: [3_600e3, 'hour'],
  d: [86_400e3, 'day'],
  w: [604_800e3, 'week'],
};

function readLookback(text: string): { number: string; ms: number; word: string } | null {
  const match = /^(\d+)(ms|s|m|h|d|w)$/.exec(text);
  if (!match) return null;
  const [ms, word] = LOOKBACK[match[2]!]!;
  return { number: match[1]!, ms, word };
}

/** ms of a lookback as Jaeger's links have it ("1h", "2d"), or null. */
export function parseLookback(text: string): number | null {
  const lookback = readLookback(text);
  return lookback && Number(lookback.number) * lookback.ms;
}

/** "hour", "15 minutes": what stands behind "Last". */
export function lookbackWords(text: string): string {
  const lookback = readLookback(text);
  if (!lookback) return text;
  if (text === '1d') return '24 hours';
  const { number, word } = lookback;
  return number === '1' ? word : `${number} ${word}s`;
}

const pad = (value: number, width = 2) => String(value).padStart(width, '0');

/** "14:03:07.123" in the local zone. */
export function clock(ms: number, digits: 0 | 3 = 0): string {
  const at = new Date(ms);
  const base = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return digits ? `${base}.${pad(at.getMilliseconds(), 3)}` : base;
}

/** "2026-11-27" in the local zone. */
export function day(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}

export function moment(ms: number, digits: 0 | 3 = 3): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? `${day(ms)} ${clock(ms, digits)}` : 'at no valid time';
}

/** "Today 14:03:07", "Yesterday …", "2026-11-20 …". */
export function nearMoment(ms: number, now = Date.now()): string {
  const that = day(ms);
  if (that === day(now)) return `Today ${clock(ms)}`;
  if (that === day(now - 86_400e3)) return `Yesterday ${clock(ms)}`;
  return moment(ms, 0);
}

export function ago(ms: number, now = Date.now()): string {
  const s = Math.round((now - ms) / 1000);
  if (s < 0) return 'in the future';
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}

export function nanoToMs(ns: bigint): number {
  return Number(ns / 1000n) / 1000;
}

/** ms of nanoseconds written as text; 0 for what is no number. */
export function nanoTextToMs(text: string): number {
  return /^-?\d{1,20}$/.test(text) ? nanoToMs(BigInt(text)) : 0;
}

/** The zone that all times are shown in: "Europe/Berlin, UTC+01:00". */
export function zone(at = new Date()): string {
  const minutes = -at.getTimezoneOffset();
  const sign = minutes < 0 ? '−' : '+';
  const offset = minutes === 0 ? 'UTC' : `UTC${sign}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return !name || name === 'UTC' ? offset : `${name}, ${offset}`;
}

/** For inputs of type datetime-local, to the millisecond. */
export function toLocalInput(ms: number): string {
  return `${day(ms)}T${clock(ms, 3)}`;
}

export function fromLocalInput(text: string): number | null {
  const ms = new Date(text).getTime();
  return Number.isFinite(ms) ? ms : null;
}

const counts = new Intl.NumberFormat('en-US');

export function count(value: number): string {
  return counts.format(value);
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** "12.3k", "4.5M": for labels in pictures. */
export function short(value: number): string {
  if (value >= 1e9) return `${Number((value / 1e9).toPrecision(3))}G`;
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

export function percent(share: number): string {
  if (share === 0) return '0 %';
  return share < 0.001 ? '< 0.1 %' : `${Number((share * 100).toPrecision(share < 0.1 ? 2 : 3))} %`;
}
