// A graph of boxes and arrows that can be moved and zoomed. Each box is a button; a table elsewhere on the page says the same in words.
import { useCallback, useEffect, useMemo, useRef, useState, type PointerEvent } from 'react';
import { visible } from '../lib/text';
import { Icon } from './icon';
import type { LayoutAnswer, LayoutAsk } from './layout.worker';
import { Failed, Loading } from './state';
import '../styles/graph.css';

export interface GraphNode {
  id: string;
  title: string;
  sub: string;
  color: string;
  tone?: 'error' | 'added' | 'removed' | 'quiet';
  /** Of a strip below the title: 0 to 1. */
  share?: number;
}
export interface GraphEdge {
  from: string;
  to: string;
  label: string;
  weight: number;
  error?: boolean;
  dashed?: boolean;
}

const WIDTH = 190;
const HEIGHT = 42;

interface Props {
  nodes: GraphNode[];
  edges: GraphEdge[];
  label: string;
  selected?: string;
  onSelect?: (id: string) => void;
}

export function GraphView({ nodes, edges, label, selected, onSelect }: Props) {
  const { placed, error } = useLayout(nodes, edges);
  const svg = useRef<SVGSVGElement>(null);
  const [view, setView] = useState({ x: 0, y: 0, scale: 1 });
  const held = useRef<{ x: number; y: number } | null>(null);
  const fit = useCallback(
    (least: number) => {
      const box = svg.current?.getBoundingClientRect();
      if (!box || !placed || placed.width === 0) return;
      const whole = Math.min((box.width - 16) / placed.width, (box.height - 16) / placed.height);
      const scale = Math.min(1.15, Math.max(least, whole));
      setView({ scale, x: Math.max(8, (box.width - placed.width * scale) / 2), y: Math.max(8, (box.height - placed.height * scale) / 2) });
    },
    [placed],
  );
  // at first, on a narrow screen, the part where calls begin: all of it could not be read
  useEffect(() => fit(innerWidth < 760 ? 0.6 : 0.15), [fit]);
  const zoom = (factor: number, cx?: number, cy?: number) => {
    const box = svg.current!.getBoundingClientRect();
    const [x, y] = [cx ?? box.width / 2, cy ?? box.height / 2];
    setView(old => {
      const scale = Math.min(3, Math.max(0.08, old.scale * factor));
      const k = scale / old.scale;
      return { scale, x: x - (x - old.x) * k, y: y - (y - old.y) * k };
    });
  };
  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    // React's own wheel listeners cannot keep the page from scrolling
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [placed]);
  const most = edges.reduce((max, edge) => Math.max(max, edge.weight), 1);
  if (error) return <Failed error={new Error(`the graph could not be laid out: ${error}`)} />;
  if (!placed) return <Loading what="the graph" />;
  const degree = new Map<string, number>();
  for (const edge of edges) for (const end of [`${edge.from}>`, `>${edge.to}`]) degree.set(end, (degree.get(end) ?? 0) + 1);
  const near = new Set<string>();
  if (selected) for (const edge of edges) if (edge.from === selected || edge.to === selected) near.add(edge.from).add(edge.to);
  return (
    <div className="graph">
      <svg
        ref={svg}
        role="group"
        aria-label={label}
        onPointerDown={(event: PointerEvent<SVGSVGElement>) => {
          if ((event.target as Element).closest('.graph-node')) return;
          held.current = { x: event.clientX - view.x, y: event.clientY - view.y };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={event => {
          const from = held.current;
          if (from) setView(old => ({ ...old, x: event.clientX - from.x, y: event.clientY - from.y }));
        }}
        onPointerUp={() => (held.current = null)}
      >
        <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
          {edges.map((edge, k) => {
            const [from, to] = [placed.boxes[edge.from], placed.boxes[edge.to]];
            if (!from || !to) return null;
            const points = route(from, to, placed.arrows[k] ?? []);
            const dim = selected !== undefined && selected !== '' && edge.from !== selected && edge.to !== selected;
            const label = labelAt(points, (degree.get(`>${edge.to}`) ?? 0) <= (degree.get(`${edge.from}>`) ?? 0));
            const width = 1 + 2.5 * (Math.log(1 + edge.weight) / Math.log(1 + most));
            const classes = ['graph-edge', edge.error && 'graph-edge-error', dim && 'graph-dim', edge.dashed && 'graph-dashed'];
            return (
              <g key={`${edge.from}→${edge.to}`} className={classes.filter(Boolean).join(' ')}>
                <path d={curve(points)} strokeWidth={width} />
                <path className="graph-head" d={head(points, 6 + width)} />
                {edge.label && (
                  <text x={label.x} y={label.y} textAnchor={label.anchor}>
                    {edge.label}
                  </text>
                )}
              </g>
            );
          })}
          {nodes.map(node => {
            const at = placed.boxes[node.id];
            if (!at) return null;
            const dim = selected && selected !== node.id && !near.has(node.id);
            const classes = ['graph-node', node.tone && `graph-${node.tone}`, dim && 'graph-dim', selected === node.id && 'graph-selected'];
            const title = visible(node.title, 200);
            const [shown, sub] = [fitText(title, 25), fitText(node.sub, 33)];
            return (
              <g
                key={node.id}
                className={classes.filter(Boolean).join(' ')}
                transform={`translate(${at.x - WIDTH / 2} ${at.y - HEIGHT / 2})`}
                role="button"
                tabIndex={0}
                aria-label={`${shown} ${sub}`}
                aria-pressed={selected === node.id}
                onClick={() => onSelect?.(node.id)}
                onKeyDown={event => {
                  if (event.key !== 'Enter' && event.key !== ' ') return;
                  event.preventDefault();
                  onSelect?.(node.id);
                }}
              >
                {(shown !== title || sub !== node.sub) && <title>{`${title}\n${node.sub}`}</title>}
                <rect className="graph-box" width={WIDTH} height={HEIGHT} rx={5} />
                <rect width={4} height={HEIGHT} rx={2} fill={node.color} />
                {node.share !== undefined && (
                  <rect className="graph-share" x={4} y={HEIGHT - 3} width={(WIDTH - 8) * node.share} height={3} />
                )}
                <text x={13} y={18} className="graph-title">
                  {shown}
                </text>{' '}
                <text x={13} y={33} className="graph-sub">
                  {sub}
                </text>
              </g>
            );
          })}
        </g>
      </svg>
      <div className="graph-tools">
        <button type="button" aria-label="Zoom in" onClick={() => zoom(1.3)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" onClick={() => zoom(1 / 1.3)}>
          −
        </button>
        <button type="button" aria-label="Show all of the graph" title="Show all" onClick={() => fit(0.08)}>
          <Icon name="target" />
        </button>
      </div>
    </div>
  );
}

function fitText(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

interface Point {
  x: number;
  y: number;
}

/** From the right side of one box to the left side of the other, through what the layout left free between them. */
function route(from: Point, to: Point, points: Point[]): Point[] {
  const inner = points.slice(1, -1).filter(point => point.x > from.x + WIDTH / 2 + 8 && point.x < to.x - WIDTH / 2 - 8);
  return [{ x: from.x + WIDTH / 2, y: from.y }, ...inner.filter((_, k) => inner.length > 1 || k > 0), { x: to.x - WIDTH / 2 - 1, y: to.y }];
}

/** Near the end where fewer arrows meet, so that labels do not lie on each other. */
function labelAt(points: Point[], atTarget: boolean): Point & { anchor: 'start' | 'end' } {
  if (atTarget) {
    const tip = points[points.length - 1]!;
    return { x: tip.x - 14, y: tip.y - 6, anchor: 'end' };
  }
  return { x: points[0]!.x + 10, y: points[0]!.y - 6, anchor: 'start' };
}

function curve(points: Point[]): string {
  let d = `M${points[0]!.x} ${points[0]!.y}`;
  for (let k = 1; k < points.length; k++) {
    const [a, b] = [points[k - 1]!, points[k]!];
    const bend = Math.max(20, Math.abs(b.x - a.x) / 2);
    d += `C${a.x + bend} ${a.y} ${b.x - bend} ${b.y} ${b.x} ${b.y}`;
  }
  return d;
}

function head(points: Point[], size: number): string {
  const tip = points[points.length - 1]!;
  return `M${tip.x + 1} ${tip.y}L${tip.x - size} ${tip.y - size / 2}L${tip.x - size} ${tip.y + size / 2}Z`;
}

function useLayout(nodes: GraphNode[], edges: GraphEdge[]) {
  const [placed, setPlaced] = useState<LayoutAnswer | null>(null);
  const [error, setError] = useState('');
  const number = useRef(0);
  const key = useMemo(
    () => `${nodes.map(node => node.id).join('\u0001')}|${edges.map(edge => `${edge.from}\u0002${edge.to}`).join('\u0001')}`,
    [nodes, edges],
  );
  useEffect(() => {
    const worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' });
    const ask: LayoutAsk = {
      number: ++number.current,
      boxes: nodes.map(node => ({ id: node.id, width: WIDTH, height: HEIGHT })),
      arrows: edges.map(edge => ({ from: edge.from, to: edge.to })),
    };
    worker.onmessage = (event: MessageEvent<LayoutAnswer>) => {
      setError(event.data.error ?? '');
      setPlaced(event.data);
    };
    worker.onerror = () => setError('its worker did not start');
    worker.postMessage(ask);
    return () => worker.terminate();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- what the layout depends on is in the key
  }, [key]);
  const fresh = placed !== null && placed.arrows.length === edges.length && nodes.every(node => node.id in placed.boxes);
  return { placed: fresh ? placed : null, error };
}
