// Round places on an axis.

export function linearTicks(from: number, to: number, about: number): number[] {
  const rough = (to - from) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(each => each * power).find(each => each >= rough) ?? rough;
  const out: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to && out.length < 100; at += step) out.push(at);
  return out;
}

export function logTicks(from: number, to: number): number[] {
  const out: number[] = [];
  for (let power = 10 ** Math.ceil(Math.log10(from)); power <= to && out.length < 20; power *= 10) out.push(power);
  if (out.length > 5) return out.filter((_, i) => i % 2 === 0);
  if (out.length > 2) return out;
  // few powers of ten: their twos and fives, too
  const more = out.flatMap(power => [power / 5, power / 2, power, power * 2, power * 5]);
  return [...new Set(more.map(each => Number(each.toPrecision(6))))].filter(each => each >= from && each <= to);
}

const STEPS = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800].map(s => s * 1000);

export function timeTicks(from: number, to: number, about: number): number[] {
  const rough = (to - from) / Math.max(1, about);
  if (rough < 1000) return linearTicks(from, to, about);
  const step = STEPS.find(each => each >= rough) ?? Math.ceil(rough / 604_800e3) * 604_800e3;
  const shift = new Date(from).getTimezoneOffset() * 60_000;
  const out: number[] = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to && out.length < 100; at += step) out.push(at);
  return out;
}
