// The flame graph: spans reached by the same way are one box, as wide as the time that was spent in it and below it. A click goes into a box.
import { useCallback, useMemo, useRef, useState, type MouseEvent } from 'react';
import { canvasFont, inkOn, serviceColor, themeColor } from '../../lib/color';
import { T, visible } from '../../lib/text';
import { count, duration, percent, plural } from '../../lib/time';
import { Canvas, type Painter } from '../../parts/canvas';
import { spanId } from '../../trace/columns';
import { callPaths } from '../../trace/groups';
import type { Find } from './find';
import type { Model } from './model';
import '../../styles/views.css';

const LINE = 20;

interface Box {
  path: number;
  x: number;
  w: number;
  depth: number;
}

export default function Flame({ model, find, showSpan }: { model: Model; find: Find; showSpan: (id: string) => void }) {
  const { columns } = model;
  const paths = useMemo(() => callPaths(columns, model.tree, model.selfTimes), [columns, model]);
  const values = useMemo(() => {
    const value = Float64Array.from(paths.self);
    for (let p = value.length - 1; p >= 0; p--) if (paths.parent[p]! >= 0) value[paths.parent[p]!]! += value[p]!;
    return value;
  }, [paths]);
  const [top, setTop] = useState(-1);
  const [hover, setHover] = useState<{ x: number; y: number; path: number } | null>(null);
  const boxes = useMemo(() => place(paths.parent, values, top), [paths, values, top]);
  const depth = boxes.reduce((max, box) => Math.max(max, box.depth), 0) + 1;
  const found = useMemo(() => {
    if (!find.marks) return null;
    const set = new Set<number>();
    for (const i of find.found) set.add(paths.of[i]!);
    return set;
  }, [find.marks, find.found, paths]);
  const name = useCallback(
    (p: number) => `${visible(columns.services[paths.service[p]!]!, 60)} ${visible(columns.operations[paths.operation[p]!]!, 80)}`,
    [columns, paths],
  );
  const paint = useCallback<Painter>(
    (context, width, _height, dark) => {
      const dim = themeColor('--text');
      const error = themeColor('--error');
      context.font = canvasFont(11);
      context.textBaseline = 'middle';
      for (const box of boxes) {
        const w = box.w * width;
        if (w < 0.4) continue;
        const [x, y] = [box.x * width, box.depth * LINE];
        const off = found && !found.has(box.path);
        context.globalAlpha = off ? 0.25 : 1;
        context.fillStyle = serviceColor(columns.services[paths.service[box.path]!]!, dark);
        context.fillRect(x, y, Math.max(0.5, w - 1), LINE - 1);
        if (paths.errors[box.path]! > 0) {
          context.fillStyle = error;
          context.fillRect(x, y + LINE - 4, Math.max(0.5, w - 1), 3);
        }
        if (w > 30) {
          context.save();
          context.beginPath();
          context.rect(x, y, w - 4, LINE);
          context.clip();
          context.fillStyle = off ? dim : inkOn(columns.services[paths.service[box.path]!]!, dark);
          context.fillText(name(box.path), x + 5, y + LINE / 2 - 0.5);
          context.restore();
        }
      }
      context.globalAlpha = 1;
    },
    [boxes, columns, paths, found, name],
  );
  const at = (event: MouseEvent<HTMLCanvasElement>): Box | undefined => {
    const area = event.currentTarget.getBoundingClientRect();
    const [x, line] = [(event.clientX - area.left) / area.width, Math.floor((event.clientY - area.top) / LINE)];
    return boxes.find(box => box.depth === line && x >= box.x && x < box.x + box.w);
  };
  const trail: number[] = [];
  for (let p = top; p >= 0; p = paths.parent[p]!) trail.unshift(p);
  const frame = useRef<HTMLDivElement>(null);
  const total = values.reduce((sum, value, p) => (paths.parent[p]! < 0 ? sum + value : sum), 0) || 1;
  return (
    <section className="view" aria-label="Flame graph">
      <div className="view-bar">
        <span className="note">
          {plural(paths.parent.length, 'way')} through {plural(columns.n, 'span')}; width is time spent, summed over spans.
        </span>
        <span className="top-space" />
        <nav className="trail" aria-label="Where the graph begins">
          <button type="button" className="ghost" disabled={top < 0} onClick={() => setTop(-1)}>
            All
          </button>
          {trail.slice(-4).map(p => (
            <button key={p} type="button" className="ghost" onClick={() => setTop(p)}>
              › {visible(columns.operations[paths.operation[p]!]!, 30)}
            </button>
          ))}
        </nav>
      </div>
      <div className="flame" ref={frame}>
        <Canvas
          paint={paint}
          style={{ height: depth * LINE + 4 }}
          label={`Flame graph of ${columns.n} spans. The view "Statistics" says the same as a table.`}
          onMouseMove={event => {
            const box = at(event);
            const area = frame.current!.getBoundingClientRect();
            setHover(box ? { x: event.clientX - area.left, y: event.clientY - area.top + frame.current!.scrollTop, path: box.path } : null);
          }}
          onMouseLeave={() => setHover(null)}
          onClick={event => {
            const box = at(event);
            if (box) setTop(box.path === top ? paths.parent[top]! : box.path);
          }}
          onDoubleClick={event => {
            const box = at(event);
            if (box) showSpan(spanId(columns, paths.example[box.path]!));
          }}
        />
        {hover && (
          <div className="tip flame-tip" style={{ left: Math.min(hover.x, (frame.current?.clientWidth ?? 600) - 300), top: hover.y + 14 }}>
            <strong>
              <T max={80}>{columns.services[paths.service[hover.path]!]!}</T>
            </strong>{' '}
            <T max={160}>{columns.operations[paths.operation[hover.path]!]!}</T>
            <br />
            {duration(values[hover.path]!)} ({percent(values[hover.path]! / total)}), self {duration(paths.self[hover.path]!)},{' '}
            {count(paths.count[hover.path]!)} spans
            {paths.errors[hover.path]! > 0 && <span className="bad">, {plural(paths.errors[hover.path]!, 'error')}</span>}
          </div>
        )}
      </div>
    </section>
  );
}

/** Boxes below `top` (-1: all), the widest first among siblings. A parent comes before its children in the list of paths. */
function place(parent: number[], values: Float64Array, top: number): Box[] {
  const children = new Map<number, number[]>();
  parent.forEach((up, p) => {
    const list = children.get(up);
    if (list) list.push(p);
    else children.set(up, [p]);
  });
  const boxes: Box[] = [];
  const roots = top >= 0 ? [top] : (children.get(-1) ?? []);
  const sum = (list: number[]) => list.reduce((all, p) => all + values[p]!, 0);
  const whole = sum(roots) || 1;
  const stack: { list: number[]; x: number; depth: number }[] = [{ list: roots, x: 0, depth: 0 }];
  while (stack.length > 0 && boxes.length < 200_000) {
    const { list, x, depth } = stack.pop()!;
    let at = x;
    for (const p of [...list].sort((a, b) => values[b]! - values[a]!)) {
      const w = values[p]! / whole;
      boxes.push({ path: p, x: at, w, depth });
      const below = children.get(p);
      if (below && w > 1e-5) stack.push({ list: below, x: at, depth: depth + 1 });
      at += w;
    }
  }
  return boxes;
}
