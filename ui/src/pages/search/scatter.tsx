// Traces as points: when they began, how long they took. Failed ones are red and of another shape. The list below says the same in words.
import { useCallback, useMemo, useState, type MouseEvent } from 'react';
import { useLocation } from 'wouter';
import type { Summary } from '../../api/types';
import { Canvas, type Painter } from '../../parts/canvas';
import { canvasFont, themeColor } from '../../lib/color';
import { clock, day, duration, nanoTextToMs, zone } from '../../lib/time';
import { visible } from '../../lib/text';
import { traceUrl } from '../../routes';
import { lengthNs, titleOf } from './list';
import { linearTicks, logTicks, timeTicks } from './ticks';

const PAD = { left: 58, right: 14, top: 10, bottom: 22 };

interface Dot {
  x: number;
  y: number;
  r: number;
  summary: Summary;
}

export function Scatter({ summaries }: { summaries: Summary[] }) {
  const [, navigate] = useLocation();
  const [hover, setHover] = useState<{ x: number; y: number; summary: Summary } | null>(null);
  const range = useMemo(() => ranges(summaries), [summaries]);
  const place = useCallback(
    (width: number, height: number): Dot[] =>
      summaries.map(summary => ({
        x: PAD.left + range.x(nanoTextToMs(summary.minStartTimeUnixNano)) * (width - PAD.left - PAD.right),
        y: height - PAD.bottom - range.y(lengthNs(summary)) * (height - PAD.top - PAD.bottom),
        r: Math.min(9, 2.5 + Math.log10(Math.max(1, summary.spanCount)) * 1.6),
        summary,
      })),
    [summaries, range],
  );
  const paint = useCallback<Painter>(
    (context, width, height) => {
      const [line, text, ok, bad] = ['--line', '--text-2', '--accent', '--error'].map(themeColor) as [string, string, string, string];
      context.font = canvasFont(11);
      context.lineWidth = 1;
      context.textBaseline = 'middle';
      context.textAlign = 'right';
      for (const tick of range.log ? logTicks(range.y0, range.y1) : linearTicks(range.y0, range.y1, 4)) {
        const y = Math.round(height - PAD.bottom - range.y(tick) * (height - PAD.top - PAD.bottom)) + 0.5;
        context.strokeStyle = line;
        context.beginPath();
        context.moveTo(PAD.left, y);
        context.lineTo(width - PAD.right, y);
        context.stroke();
        context.fillStyle = text;
        context.fillText(duration(tick), PAD.left - 8, y);
      }
      context.textBaseline = 'alphabetic';
      context.textAlign = 'center';
      for (const tick of timeTicks(range.x0, range.x1, Math.max(2, Math.floor(width / 140)))) {
        const x = PAD.left + range.x(tick) * (width - PAD.left - PAD.right);
        context.fillStyle = text;
        const label = range.x1 - range.x0 > 36 * 3_600e3 ? `${day(tick).slice(5)} ${clock(tick).slice(0, 5)}` : clock(tick);
        context.fillText(label, Math.min(Math.max(x, PAD.left + 20), width - 30), height - 6);
      }
      for (const dot of place(width, height)) {
        const failed = dot.summary.errorSpanCount > 0;
        context.fillStyle = failed ? bad : ok;
        context.globalAlpha = failed ? 0.9 : 0.6;
        context.beginPath();
        if (failed) {
          const r = dot.r + 1;
          context.moveTo(dot.x, dot.y - r);
          context.lineTo(dot.x + r, dot.y);
          context.lineTo(dot.x, dot.y + r);
          context.lineTo(dot.x - r, dot.y);
          context.closePath();
        } else context.arc(dot.x, dot.y, dot.r, 0, Math.PI * 2);
        context.fill();
      }
      context.globalAlpha = 1;
    },
    [place, range],
  );
  const nearest = (event: MouseEvent<HTMLCanvasElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best: Dot | null = null;
    let distance = 12;
    for (const dot of place(box.width, box.height)) {
      const d = Math.hypot(dot.x - x, dot.y - y);
      if (d < distance) [best, distance] = [dot, d];
    }
    return best;
  };
  return (
    <figure className="scatter">
      <figcaption>
        Duration by start, {zone()} <span className="legend legend-ok">no errors</span>
        <span className="legend legend-error">errors</span>
      </figcaption>
      <div className="scatter-field">
        <Canvas
          paint={paint}
          label={`${summaries.length} traces by start and duration, ${summaries.filter(s => s.errorSpanCount > 0).length} with errors. The list below has them all.`}
          onMouseMove={event => {
            const dot = nearest(event);
            setHover(dot && { x: dot.x, y: dot.y, summary: dot.summary });
            event.currentTarget.style.cursor = dot ? 'pointer' : '';
          }}
          onMouseLeave={() => setHover(null)}
          onClick={event => {
            const dot = nearest(event);
            if (dot) navigate(traceUrl(dot.summary.traceId));
          }}
        />
        {hover && (
          <div className="tip" style={{ left: hover.x, top: hover.y }}>
            {visible(titleOf(hover.summary), 80)}
            <br />
            <strong>{duration(lengthNs(hover.summary))}</strong> · {hover.summary.spanCount} spans
            {hover.summary.errorSpanCount > 0 && ` · ${hover.summary.errorSpanCount} errors`}
          </div>
        )}
      </div>
    </figure>
  );
}

function ranges(summaries: Summary[]) {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, 0];
  for (const summary of summaries) {
    const at = nanoTextToMs(summary.minStartTimeUnixNano);
    const length = Math.max(1, lengthNs(summary));
    x0 = Math.min(x0, at);
    x1 = Math.max(x1, at);
    y0 = Math.min(y0, length);
    y1 = Math.max(y1, length);
  }
  if (!(x1 > x0)) [x0, x1] = [x0 - 30_000, x1 + 30_000];
  const log = y1 / y0 > 30;
  if (log) [y0, y1] = [y0 * 0.8, y1 * 1.25];
  else [y0, y1] = [0, y1 * 1.1];
  const y = log ? (v: number) => Math.log(Math.max(v, y0) / y0) / Math.log(y1 / y0) : (v: number) => (v - y0) / (y1 - y0);
  return { x0, x1, y0, y1, log, x: (v: number) => (v - x0) / (x1 - x0), y };
}
