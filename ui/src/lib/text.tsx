// Text of strangers. Characters that one cannot see, or that turn the text around them, are shown by their names; long texts are cut; and
// each text is an island (<bdi>), so that Arabic in a value does not turn over the line that it stands in.
import { memo } from 'react';

const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const NAMES: Record<number, string> = {
  0x00: 'NUL',
  0x07: 'BEL',
  0x08: 'BS',
  0x0d: 'CR',
  0x1b: 'ESC',
  0x7f: 'DEL',
  0xad: 'SHY',
  0x200b: 'ZWSP',
  0x200c: 'ZWNJ',
  0x200d: 'ZWJ',
  0x200e: 'LRM',
  0x200f: 'RLM',
  0x202a: 'LRE',
  0x202b: 'RLE',
  0x202c: 'PDF',
  0x202d: 'LRO',
  0x202e: 'RLO',
  0x2066: 'LRI',
  0x2067: 'RLI',
  0x2068: 'FSI',
  0x2069: 'PDI',
  0xfeff: 'BOM',
};

export interface Piece {
  text: string;
  unseen: boolean;
}

function nameOf(code: number): string {
  return NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The text in pieces: such as are seen, and names of what is not. ZWJ within emoji and ZWNJ within words stay as they are. */
export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(UNSEEN)) {
    const at = match.index;
    const code = match[0].charCodeAt(0);
    if ((code === 0x200d || code === 0x200c) && at > 0 && text.charCodeAt(at - 1) > 0x2ff) continue;
    if (at > from) out.push({ text: text.slice(from, at), unseen: false });
    out.push({ text: nameOf(code), unseen: true });
    from = at + 1;
  }
  if (from < text.length) out.push({ text: text.slice(from), unseen: false });
  return out;
}

/** The same as plain text, for titles, canvases and labels. */
export function visible(text: string, max = 300): string {
  return pieces(cut(text, max))
    .map(piece => (piece.unseen ? `⟨${piece.text}⟩` : piece.text))
    .join('');
}

export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  // a surrogate pair is not cut in two
  const end = /[\ud800-\udbff]/.test(text[max - 1]!) ? max - 1 : max;
  return `${text.slice(0, end)}…`;
}

export const T = memo(function T({ children, max = 300 }: { children: string; max?: number }) {
  const shown = cut(children, max);
  if (shown.search(UNSEEN) < 0) return <bdi>{shown}</bdi>;
  return (
    <bdi>
      {pieces(shown).map((piece, i) =>
        piece.unseen ? (
          <span className="unseen" key={i} title="A character that is not seen">
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
    </bdi>
  );
});

/** An id in short: its last seven digits say as much as the whole in a list. */
export function shortId(id: string): string {
  return id.slice(0, 7);
}
