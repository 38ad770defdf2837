// Rows of one height, a few of which are taller: which of them are in sight, without an object for each. (Virtualisers that measure keep one
// for each row, which for a trace of 120,000 spans is more than the trace itself.)
import { useEffect, useState, type RefObject } from 'react';

export interface Extra {
  /** Rows that have something below them, sorted, with its height. */
  rows: number[];
  heights: number[];
}

export const NO_EXTRA: Extra = { rows: [], heights: [] };

export function totalHeight(count: number, rowHeight: number, extra: Extra): number {
  return count * rowHeight + extra.heights.reduce((sum, height) => sum + height, 0);
}

/** Where a row begins. */
export function rowTop(row: number, rowHeight: number, extra: Extra): number {
  let top = row * rowHeight;
  for (let k = 0; k < extra.rows.length && extra.rows[k]! < row; k++) top += extra.heights[k]!;
  return top;
}

/** The row at this height. */
export function rowAt(y: number, count: number, rowHeight: number, extra: Extra): number {
  let shift = 0;
  for (let k = 0; k < extra.rows.length; k++) {
    const end = (extra.rows[k]! + 1) * rowHeight + shift;
    if (y < end) break;
    if (y < end + extra.heights[k]!) return extra.rows[k]!;
    shift += extra.heights[k]!;
  }
  return Math.max(0, Math.min(count - 1, Math.floor((y - shift) / rowHeight)));
}

export interface View {
  first: number;
  last: number;
}

/** The rows in sight of a scrolling box, and some around them. `offset` is what lies above the rows in the box. */
export function useRows(box: RefObject<HTMLElement | null>, count: number, rowHeight: number, extra: Extra = NO_EXTRA, over = 8): View {
  const [range, setRange] = useState<View>({ first: 0, last: Math.min(count, 60) - 1 });
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => {
      const first = Math.max(0, rowAt(element.scrollTop, count, rowHeight, extra) - over);
      const last = Math.min(count - 1, rowAt(element.scrollTop + element.clientHeight, count, rowHeight, extra) + over);
      setRange(old => (old.first === first && old.last === last ? old : { first, last }));
    };
    measure();
    element.addEventListener('scroll', measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', measure);
      observer.disconnect();
    };
  }, [box, count, rowHeight, extra, over]);
  return { first: Math.min(range.first, Math.max(0, count - 1)), last: Math.min(range.last, count - 1) };
}
