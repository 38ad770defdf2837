// The few signs that the pages use, drawn on a grid of 16.
const PATHS = {
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.5 10.5 14 14',
  warning: 'M8 2 14.5 13.5h-13ZM8 6.5v3.2M8 11.4v.6',
  error: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM8 4.8v4M8 10.6v.8',
  partial: 'M8 1.8a6.2 6.2 0 1 0 6.2 6.2H8Z',
  orphan: 'M5.5 5 3.8 6.7a2.7 2.7 0 0 0 3.8 3.8M10.5 11l1.7-1.7a2.7 2.7 0 0 0-3.8-3.8M3 3l10 10',
  down: 'm4 6 4 4 4-4',
  right: 'm6 4 4 4-4 4',
  up: 'm4 10 4-4 4 4',
  left: 'm10 4-4 4 4 4',
  allDown: 'm4 3.5 4 4 4-4M4 8.5l4 4 4-4',
  allRight: 'm3.5 4 4 4-4 4M8.5 4l4 4-4 4',
  copy: 'M5.5 5.5h8v8h-8ZM10.5 5.5v-3h-8v8h3',
  link: 'M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4',
  download: 'M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11',
  upload: 'M8 11V3M4.5 6 8 2.5 11.5 6M2.5 13.5h11',
  archive: 'M2 3h12v3H2ZM3 6v7h10V6M6.5 8.8h3',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9 13 13M3 13l1.1-1.1M11.9 4.1 13 3',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7Z',
  auto: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 2v12',
  keys: 'M1.5 4h13v8h-13ZM4 6.6h.5M7 6.6h.5M10 6.6h.5M5 9.5h6',
  close: 'm4 4 8 8M12 4l-8 8',
  target: 'M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM8 1v4M8 11v4M1 8h4M11 8h4',
  list: 'M2.5 4h11M2.5 8h11M2.5 12h11',
  table: 'M2 3h12v10H2ZM2 6.5h12M6 3v10',
  filter: 'M2 3.5h12L9.5 8.5v4l-3 1v-5Z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
