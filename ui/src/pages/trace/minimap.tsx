// The whole trace in a strip: every span a line, failed ones red. Dragging over it chooses what the timeline shows.
import { useCallback, useRef, useState, type PointerEvent } from 'react';
import { Canvas, type Painter } from '../../parts/canvas';
import { serviceColor, themeColor } from '../../lib/color';
import { duration } from '../../lib/time';
import { Flag } from '../../trace/columns';
import type { Model } from './model';

export interface Range {
  from: number;
  to: number;
}

const SHARE = 1e-6;

/** A range within the trace, never so narrow that numbers end. */
export function clampRange(range: Range, total: number): Range {
  const width = Math.min(total, Math.max(range.to - range.from, total * SHARE, 1));
  const from = Math.min(Math.max(0, range.from), total - width);
  return { from, to: from + width };
}

interface Props {
  model: Model;
  range: Range;
  setRange: (range: Range) => void;
}

export function Minimap({ model, range, setRange }: Props) {
  const { columns, tree, duration: total } = model;
  const paint = useCallback<Painter>(
    (context, width, height, dark) => {
      const colors = columns.services.map(name => serviceColor(name, dark));
      const error = themeColor('--error');
      const line = Math.max(1, Math.min(4, (height - 4) / columns.n));
      const scale = width / total;
      context.globalAlpha = 0.9;
      // what would cover a drawn pixel is not drawn again: a hundred thousand spans are as quick as some thousand
      const seen = new Float64Array(Math.ceil(height) + 1).fill(-1);
      const seenFrom = new Float64Array(Math.ceil(height) + 1).fill(-1);
      for (let k = 0; k < columns.n; k++) {
        const i = tree.order[k]!;
        const y = 2 + (k / columns.n) * (height - 4);
        const x = columns.start[i]! * scale;
        const w = Math.max(1, columns.duration[i]! * scale);
        const failed = (columns.flags[i]! & Flag.error) !== 0;
        const row = Math.floor(y);
        if (!failed && x >= seenFrom[row]! && x + w <= seen[row]! && seen[row]! > 0) continue;
        seenFrom[row] = x;
        seen[row] = x + w;
        context.fillStyle = failed ? error : colors[columns.service[i]!]!;
        context.fillRect(x, y, w, line);
      }
      context.globalAlpha = 1;
    },
    [columns, tree, total],
  );
  const drag = useDrag(total, setRange);
  const left = (range.from / total) * 100;
  const right = (range.to / total) * 100;
  const zoomed = range.from > 0 || range.to < total;
  return (
    <div className="minimap" {...drag.events}>
      <Canvas paint={paint} label={`Overview: ${columns.n} spans of ${columns.services.slice(0, 5).join(', ')} in ${duration(total)}`} />
      {zoomed && (
        <>
          <span className="minimap-veil" style={{ left: 0, width: `${left}%` }} />
          <span className="minimap-veil" style={{ left: `${right}%`, right: 0 }} />
        </>
      )}
      <Grip side="from" at={left} range={range} total={total} setRange={setRange} />
      <Grip side="to" at={right} range={range} total={total} setRange={setRange} />
      {drag.selection && <Selection selection={drag.selection} total={total} />}
      {zoomed && (
        <button
          type="button"
          className="minimap-reset"
          onPointerDown={event => event.stopPropagation()}
          onClick={() => setRange({ from: 0, to: total })}
        >
          Show all
        </button>
      )}
    </div>
  );
}

export function Selection({ selection, total, from = 0 }: { selection: Range; total: number; from?: number }) {
  const left = ((selection.from - from) / total) * 100;
  return <span className="minimap-selection" style={{ left: `${left}%`, width: `${((selection.to - selection.from) / total) * 100}%` }} />;
}

/** Dragging over an element that shows `total` ns from `offset` on chooses a range. */
export function useDrag(total: number, setRange: (range: Range) => void, offset = 0) {
  const begin = useRef<number | null>(null);
  const [selection, setSelection] = useState<Range | null>(null);
  const at = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return offset + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * total;
  };
  const span = (a: number, b: number): Range => ({ from: Math.min(a, b), to: Math.max(a, b) });
  return {
    selection,
    events: {
      onPointerDown: (event: PointerEvent<HTMLElement>) => {
        if (event.button !== 0 || event.pointerType === 'touch') return;
        begin.current = at(event);
        event.currentTarget.setPointerCapture(event.pointerId);
      },
      onPointerMove: (event: PointerEvent<HTMLElement>) => {
        if (begin.current !== null) setSelection(span(begin.current, at(event)));
      },
      onPointerUp: (event: PointerEvent<HTMLElement>) => {
        if (begin.current === null) return;
        const chosen = span(begin.current, at(event));
        begin.current = null;
        setSelection(null);
        if (chosen.to - chosen.from > total * 0.004) setRange(chosen);
      },
      onPointerCancel: () => {
        begin.current = null;
        setSelection(null);
      },
    },
  };
}

function Grip({
  side,
  at,
  range,
  total,
  setRange,
}: {
  side: 'from' | 'to';
  at: number;
  range: Range;
  total: number;
  setRange: (range: Range) => void;
}) {
  const move = (ns: number) => {
    const next = { ...range, [side]: Math.min(total, Math.max(0, ns)) };
    if (next.to - next.from > total * SHARE) setRange(next);
  };
  const label = side === 'from' ? 'Begin of what is shown' : 'End of what is shown';
  return (
    <span
      className="minimap-grip"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.round(total / 1000)}
      aria-valuenow={Math.round(range[side] / 1000)}
      aria-valuetext={duration(range[side])}
      style={{ left: `${at}%` }}
      onPointerDown={event => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={event => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
        event.stopPropagation();
        const box = event.currentTarget.parentElement!.getBoundingClientRect();
        move(((event.clientX - box.left) / box.width) * total);
      }}
      onKeyDown={event => {
        const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
        if (step === 0) return;
        event.preventDefault();
        move(range[side] + (step * (range.to - range.from)) / 20);
      }}
    />
  );
}
