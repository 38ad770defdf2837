// Colours of services: made from the name, so that a service has one colour on every page and every day. Hues and lightness alternate so that
// neighbours differ for eyes that do not tell red from green; red itself is left to errors. Colour never stands alone: the name is beside it.

// [lightness in light mode, lightness in dark mode, chroma, hue]
const TONES: [number, number, number, number][] = [
  [0.55, 0.68, 0.14, 255],
  [0.68, 0.78, 0.12, 75],
  [0.52, 0.66, 0.1, 175],
  [0.6, 0.74, 0.16, 310],
  [0.72, 0.82, 0.1, 215],
  [0.5, 0.64, 0.09, 130],
  [0.45, 0.6, 0.15, 285],
  [0.63, 0.72, 0.1, 50],
  [0.66, 0.76, 0.13, 345],
  [0.62, 0.74, 0.09, 195],
  [0.7, 0.8, 0.13, 110],
  [0.42, 0.58, 0.09, 235],
  [0.74, 0.84, 0.08, 285],
  [0.48, 0.62, 0.07, 90],
];

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

const known = new Map<string, string>();

export function serviceColor(name: string, dark: boolean): string {
  const key = dark ? `d${name}` : `l${name}`;
  let color = known.get(key);
  if (!color) {
    const [light, night, chroma, hue] = TONES[hash(name) % TONES.length]!;
    color = `oklch(${dark ? night : light} ${chroma} ${hue})`;
    if (known.size > 5000) known.clear();
    known.set(key, color);
  }
  return color;
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
