// Colours of services: chosen by the name, so that a service has one colour on every page and every day. Where two names of one installation would
// share a colour, the one that is met second takes the next free one, and this browser remembers that. Hues and lightness alternate so that neighbours
// differ for eyes that do not tell red from green; red itself is left to errors. Colour never stands alone: the name is beside it.
import { keep, load } from './theme';

// [lightness in light mode, lightness in dark mode, chroma, hue]
const TONES: [number, number, number, number][] = [
  [0.55, 0.68, 0.14, 255],
  [0.69, 0.79, 0.13, 75],
  [0.5, 0.65, 0.1, 172],
  [0.58, 0.73, 0.16, 308],
  [0.72, 0.82, 0.1, 215],
  [0.5, 0.64, 0.1, 132],
  [0.45, 0.6, 0.16, 285],
  [0.62, 0.72, 0.11, 52],
  [0.66, 0.77, 0.14, 345],
  [0.6, 0.73, 0.09, 197],
  [0.71, 0.81, 0.14, 112],
  [0.42, 0.58, 0.1, 235],
  [0.74, 0.84, 0.08, 288],
  [0.47, 0.62, 0.08, 92],
  [0.52, 0.66, 0.13, 330],
  [0.76, 0.86, 0.1, 165],
  [0.62, 0.74, 0.1, 270],
  [0.44, 0.6, 0.09, 40],
];
const KEY = 'spoor.colors';
const REMEMBERED = 300;

function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length && i < 512; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

let tones: Map<string, number> | undefined;
let saving: ReturnType<typeof setTimeout> | undefined;

function remembered(): Map<string, number> {
  if (tones) return tones;
  tones = new Map();
  try {
    for (const [name, tone] of Object.entries(JSON.parse(load(KEY) ?? '{}') as Record<string, unknown>)) {
      if (typeof tone === 'number' && Number.isInteger(tone) && tone >= 0 && tone < TONES.length) tones.set(name, tone);
    }
  } catch {
    // what was kept is not readable: it is chosen anew
  }
  return tones;
}

function toneOf(name: string): number {
  const known = remembered();
  const found = known.get(name);
  if (found !== undefined) return found;
  const first = hash(name) % TONES.length;
  if (known.size >= REMEMBERED || name.length > 200) return first;
  const used = new Uint16Array(TONES.length);
  for (const tone of known.values()) used[tone]!++;
  const least = Math.min(...used);
  let tone = first;
  while (used[tone]! > least) tone = (tone + 1) % TONES.length;
  known.set(name, tone);
  clearTimeout(saving);
  saving = setTimeout(() => keep(KEY, JSON.stringify(Object.fromEntries(known))), 500);
  return tone;
}

export function serviceColor(name: string, dark: boolean): string {
  const [light, night, chroma, hue] = TONES[toneOf(name)]!;
  return `oklch(${dark ? night : light} ${chroma} ${hue})`;
}

/** What can be read on that colour. */
export function inkOn(name: string, dark: boolean): string {
  const [light, night] = TONES[toneOf(name)]!;
  return (dark ? night : light) > 0.56 ? '#0c0f14' : '#ffffff';
}

/** What a custom property is in the theme that is on, for canvases. */
export function themeColor(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

/** A canvas' font in the page's own type. */
export function canvasFont(size: number, weight = ''): string {
  return `${weight} ${size}px ${getComputedStyle(document.documentElement).fontFamily}`.trim();
}
