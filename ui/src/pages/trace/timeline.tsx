// The timeline: the tree of spans on the left, when each ran on the right. Only rows in sight exist in the page.
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from 'react';
import { boot } from '../../boot';
import { useKeys } from '../../lib/keys';
import { keep, load } from '../../lib/theme';
import { duration } from '../../lib/time';
import { isEmbedded } from '../../parts/shell';
import { Icon } from '../../parts/icon';
import { rowAt, rowTop, totalHeight, useRows, type Extra } from '../../parts/window';
import { above, ancestors, hasChildren, visibleRows, type Tree } from '../../trace/tree';
import { linearTicks } from '../search/ticks';
import { ABOVE, Detail } from './detail';
import type { Find } from './find';
import { clampRange, Minimap, Selection, useDrag, type Range } from './minimap';
import type { Model } from './model';
import { useDetails } from './model';
import { Row } from './row';

export const ROW = 24;
/** Most spans whose details a link opens. */
const OPENED = 20;

/** As many ticks as there is room for. */
const tickCount = () => (innerWidth < 760 ? 3 : 8);

interface Props {
  model: Model;
  find: Find;
  params: URLSearchParams;
  openHelp: () => void;
}

export function Timeline({ model, find, params }: Props) {
  const { columns, tree, duration: total } = model;
  const embedded = isEmbedded(params.toString());
  const box = useRef<HTMLDivElement>(null);
  const collapsed = useMemo(() => new Uint8Array(columns.n), [columns]);
  const [version, redraw] = useReducer((count: number) => count + 1, 0);
  const [range, setRangeRaw] = useState<Range>({ from: 0, to: total });
  const setRange = useCallback((next: Range) => setRangeRaw(clampRange(next, total)), [total]);
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const [heights] = useState(() => new Map<number, number>());
  const [focus, setFocus] = useState(-1);
  const [critical, setCritical] = useState(() => load('spoor.critical') !== 'no');
  const [names, setNames] = useState(() => Math.min(900, Math.max(140, Number(load('spoor.names')) || 380)));
  useDetails(model.details);

  const rows = useMemo(() => {
    const only = find.only && find.marks ? withAncestors(model, find.found) : undefined;
    return visibleRows(tree, collapsed, only);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- version says that `collapsed` has changed
  }, [tree, collapsed, version, find.only, find.found, find.marks, model]);
  const rowOf = useMemo(() => {
    const at = new Int32Array(columns.n).fill(-1);
    rows.forEach((i, row) => (at[i] = row));
    return at;
  }, [rows, columns]);
  const extra = useMemo<Extra>(() => {
    const shown = [...open].filter(i => rowOf[i]! >= 0).sort((a, b) => rowOf[a]! - rowOf[b]!);
    return { rows: shown.map(i => rowOf[i]!), heights: shown.map(i => heights.get(i) ?? 260) };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- version says that `heights` has changed
  }, [open, rowOf, heights, version]);
  const view = useRows(box, rows.length, ROW, extra);

  useEffect(() => {
    const wanted: number[] = [];
    for (let row = view.first; row <= view.last; row++) wanted.push(rows[row]!);
    for (const i of open) wanted.push(i, ...linked(tree, i));
    model.details.want(wanted);
  }, [view.first, view.last, rows, open, model, tree]);

  const scrollTo = useCallback(
    (i: number, block: 'near' | 'middle' = 'near') => {
      const element = box.current;
      const row = rowOf[i]!;
      if (!element || row < 0) return;
      const top = rowTop(row, ROW, extra);
      const { scrollTop, clientHeight } = element;
      if (block === 'near' && top >= scrollTop + ROW && top + 2 * ROW <= scrollTop + clientHeight) return;
      element.scrollTop = Math.max(0, top - (block === 'middle' ? clientHeight / 3 : ROW * 3));
    },
    [rowOf, extra],
  );
  const toggle = useCallback(
    (i: number) => {
      if (!hasChildren(tree, i)) return;
      collapsed[i] = collapsed[i] ? 0 : 1;
      redraw();
    },
    [tree, collapsed],
  );
  const toggleOpen = useCallback((i: number) => {
    setOpen(old => {
      const next = new Set(old);
      if (!next.delete(i)) next.add(i);
      return next;
    });
  }, []);
  /** Opens what leads to a span, and goes there. */
  const reveal = useCallback(
    (i: number, withDetail = false) => {
      let changed = false;
      for (const up of ancestors(tree, i)) {
        if (collapsed[up]) changed = true;
        collapsed[up] = 0;
      }
      if (changed) redraw();
      if (withDetail) setOpen(old => new Set(old).add(i));
      setFocus(i);
      pending.current = i;
      requestAnimationFrame(() => redraw());
    },
    [tree, collapsed],
  );
  const pending = useRef(-1);
  useEffect(() => {
    if (pending.current < 0 || rowOf[pending.current]! < 0) return;
    scrollTo(pending.current, 'middle');
    pending.current = -1;
  }, [version, rowOf, scrollTo]);

  // a match that is looked at is brought into sight; a link that names spans opens them
  const { named } = find;
  const match = find.found[find.at];
  const lastMatch = useRef<[number, number[]]>([-1, []]);
  useEffect(() => {
    if (match === undefined) return;
    if (lastMatch.current[0] === match && lastMatch.current[1] === named) return;
    if (lastMatch.current[1] !== named) setOpen(old => new Set([...old, ...named.slice(0, OPENED)]));
    lastMatch.current = [match, named];
    reveal(match, named.includes(match));
  }, [match, named, reveal]);

  const setAll = (hide: (i: number) => boolean) => {
    for (let i = 0; i < columns.n; i++) collapsed[i] = hide(i) && hasChildren(tree, i) ? 1 : 0;
    redraw();
  };
  const oneLevel = (more: boolean) => {
    let deepest = 0;
    for (const i of rows) if (more ? collapsed[i] : hasChildren(tree, i) && !collapsed[i]) deepest = Math.max(deepest, tree.depth[i]!);
    if (more) {
      let least = Infinity;
      for (const i of rows) if (collapsed[i]) least = Math.min(least, tree.depth[i]!);
      for (const i of rows) if (collapsed[i] && tree.depth[i] === least) collapsed[i] = 0;
    } else {
      for (const i of rows) if (hasChildren(tree, i) && tree.depth[i] === deepest) collapsed[i] = 1;
    }
    redraw();
  };
  const zoom = (factor: number) => {
    const middle = (range.from + range.to) / 2;
    const half = ((range.to - range.from) * factor) / 2;
    setRange({ from: Math.max(0, middle - half), to: Math.min(total, middle + half) });
  };
  const pan = (share: number) => {
    const step = (range.to - range.from) * share;
    setRange({ from: range.from + step, to: range.to + step });
  };
  const pageBy = (share: number) => box.current?.scrollBy({ top: box.current.clientHeight * share });
  const nextInSight = (step: 1 | -1) => {
    const element = box.current;
    if (!element) return;
    let row = focus >= 0 && rowOf[focus]! >= 0 ? rowOf[focus]! + step : rowAt(element.scrollTop, rows.length, ROW, extra);
    for (; row >= 0 && row < rows.length; row += step) {
      const i = rows[row]!;
      if (columns.start[i]! + columns.duration[i]! >= range.from && columns.start[i]! <= range.to) break;
    }
    if (row < 0 || row >= rows.length) return;
    setFocus(rows[row]!);
    scrollTo(rows[row]!);
  };
  const switchCritical = () => {
    keep('spoor.critical', critical ? 'no' : 'yes');
    setCritical(!critical);
  };
  useKeys({
    f: () => nextInSight(1),
    b: () => nextInSight(-1),
    s: () => pageBy(0.9),
    w: () => pageBy(-0.9),
    a: () => pan(-0.1),
    d: () => pan(0.1),
    A: () => pan(-0.5),
    D: () => pan(0.5),
    ArrowLeft: () => pan(-0.1),
    ArrowRight: () => pan(0.1),
    'Shift+ArrowLeft': () => pan(-0.5),
    'Shift+ArrowRight': () => pan(0.5),
    ArrowUp: () => zoom(0.8),
    ArrowDown: () => zoom(1.25),
    'Shift+ArrowUp': () => zoom(0.4),
    'Shift+ArrowDown': () => zoom(2.5),
    '+': () => zoom(0.8),
    '=': () => zoom(0.8),
    '-': () => zoom(1.25),
    r: () => setRange({ from: 0, to: total }),
    '[': () => setAll(() => false),
    ']': () => setAll(() => true),
    o: () => oneLevel(true),
    p: () => (find.marks ? find.go(-1) : oneLevel(false)),
    n: () => find.go(1),
    c: switchCritical,
  });
  const onRowKey = (event: React.KeyboardEvent) => {
    const row = focus >= 0 ? rowOf[focus]! : 0;
    const to = (next: number) => {
      const i = rows[Math.max(0, Math.min(rows.length - 1, next))];
      if (i === undefined) return;
      event.preventDefault();
      setFocus(i);
      scrollTo(i);
    };
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const i = rows[Math.max(0, row)]!;
    if (event.key === 'ArrowDown') to(row + 1);
    else if (event.key === 'ArrowUp') to(row - 1);
    else if (event.key === 'Home') to(0);
    else if (event.key === 'End') to(rows.length - 1);
    else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      event.preventDefault();
      const left = event.key === 'ArrowLeft';
      if (hasChildren(tree, i) && Boolean(collapsed[i]) !== left) toggle(i);
      else if (left && tree.parent[i]! >= 0) to(rowOf[tree.parent[i]!]!);
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      toggleOpen(i);
    }
  };

  const shown: number[] = [];
  for (let row = view.first; row <= view.last; row++) shown.push(row);
  const hideMap = embedded && params.get('uiTimelineHideMinimap') === '1';
  return (
    <div className="timeline" style={{ '--names': `${names}px`, '--grid': gridOf(range) } as React.CSSProperties}>
      {!hideMap && <Minimap model={model} range={range} setRange={setRange} />}
      <Scale
        range={range}
        setRange={setRange}
        names={names}
        setNames={setNames}
        critical={critical}
        switchCritical={switchCritical}
        onLevel={oneLevel}
        onAll={hide => setAll(() => hide)}
      />
      <div className="rows-frame">
        <div className="rows-behind">
          <div className="rows-grid" />
        </div>
        <div
          className="rows"
          ref={box}
          role="treegrid"
          aria-label={`Spans: ${rows.length} of ${columns.n} shown`}
          aria-rowcount={rows.length}
          aria-colcount={2}
          tabIndex={0}
          aria-activedescendant={focus >= 0 ? `span-${focus}` : undefined}
          onKeyDown={onRowKey}
          onFocus={event => {
            if (event.target === event.currentTarget && focus < 0 && rows.length > 0) setFocus(rows[view.first] ?? rows[0]!);
          }}
        >
          <div className="rows-all" style={{ height: totalHeight(rows.length, ROW, extra) }} role="presentation">
            {shown.map(row => {
              const i = rows[row]!;
              return (
                <Row
                  key={i}
                  {...{ model, i, row, range }}
                  top={rowTop(row, ROW, extra)}
                  collapsed={collapsed[i] === 1}
                  open={open.has(i)}
                  focused={focus === i}
                  mark={find.marks?.[i] === 1 ? (match === i ? 2 : 1) : 0}
                  dim={find.marks !== null && find.marks[i] !== 1}
                  critical={critical}
                  detail={model.details.get(i)}
                  onToggle={toggle}
                  onOpen={toggleOpen}
                  onFocus={setFocus}
                />
              );
            })}
            {extra.rows.map(row => {
              const i = rows[row]!;
              if (row < view.first - 40 || row > view.last + 40) return null;
              return (
                <Detail
                  key={i}
                  model={model}
                  i={i}
                  top={rowTop(row, ROW, extra) + ROW}
                  onHeight={height => {
                    if (heights.get(i) === height) return;
                    heights.set(i, height);
                    redraw();
                  }}
                  onClose={toggleOpen}
                  goTo={reveal}
                />
              );
            })}
          </div>
        </div>
      </div>
    </div>
  );
}

/** Spans above, of which a link pattern may want a value. */
function linked(tree: Tree, i: number): number[] {
  return boot().uiConfig.linkPatterns.length > 0 ? above(tree, i, ABOVE) : [];
}

function withAncestors(model: Model, found: number[]): Uint8Array {
  const keep = new Uint8Array(model.columns.n);
  for (const i of found) for (let at = i; at >= 0 && !keep[at]; at = model.tree.parent[at]!) keep[at] = 1;
  return keep;
}

/** Lines below the ticks of the scale, as one background for all rows. */
function gridOf(range: Range): string {
  const width = range.to - range.from;
  const line = 'linear-gradient(var(--grid-line), var(--grid-line))';
  const lines = linearTicks(range.from, range.to, tickCount()).map(
    tick => `${line} ${((tick - range.from) / width) * 100}% 0 / 1px 100% no-repeat`,
  );
  return lines.join(', ') || 'none';
}

interface ScaleProps {
  range: Range;
  setRange: (range: Range) => void;
  names: number;
  setNames: (width: number) => void;
  critical: boolean;
  switchCritical: () => void;
  onLevel: (more: boolean) => void;
  onAll: (hide: boolean) => void;
}

function Scale({ range, setRange, names, setNames, critical, switchCritical, onLevel, onAll }: ScaleProps) {
  const width = range.to - range.from;
  const drag = useDrag(width, setRange, range.from);
  const ticks = linearTicks(range.from, range.to, tickCount()).filter(tick => (tick - range.from) / width < 0.94);
  const set = (next: number) => {
    const clamped = Math.min(900, Math.max(140, next));
    setNames(clamped);
    keep('spoor.names', String(clamped));
  };
  return (
    <div className="scale">
      <div className="scale-names">
        <span>Service and operation</span>
        <span className="top-space" />
        <button type="button" className="ghost" title="One level less (p)" aria-label="Close one level" onClick={() => onLevel(false)}>
          <Icon name="right" />
        </button>
        <button type="button" className="ghost" title="One level more (o)" aria-label="Open one level" onClick={() => onLevel(true)}>
          <Icon name="down" />
        </button>
        <button type="button" className="ghost" title="Close all (])" aria-label="Close all" onClick={() => onAll(true)}>
          <Icon name="allRight" />
        </button>
        <button type="button" className="ghost" title="Open all ([)" aria-label="Open all" onClick={() => onAll(false)}>
          <Icon name="allDown" />
        </button>
        <button
          type="button"
          className="ghost scale-critical"
          aria-pressed={critical}
          title="Critical path (c): what the end of the trace waited for"
          onClick={switchCritical}
        >
          Critical path
        </button>
        <span
          className="scale-grip"
          role="separator"
          aria-orientation="vertical"
          aria-label="Width of the names"
          aria-valuenow={names}
          aria-valuemin={140}
          aria-valuemax={900}
          tabIndex={0}
          onPointerDown={event => event.currentTarget.setPointerCapture(event.pointerId)}
          onPointerMove={event => {
            if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
            set(event.clientX - event.currentTarget.parentElement!.parentElement!.getBoundingClientRect().left);
          }}
          onKeyDown={event => {
            if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
            event.preventDefault();
            set(names + (event.key === 'ArrowRight' ? 20 : -20));
          }}
        />
      </div>
      <div className="scale-times" {...drag.events}>
        {ticks.map(tick => (
          <span key={tick} style={{ left: `${((tick - range.from) / width) * 100}%` }}>
            {duration(tick)}
          </span>
        ))}
        {drag.selection && <Selection selection={drag.selection} total={width} from={range.from} />}
      </div>
    </div>
  );
}
