// Lines over time, drawn by uPlot. What the picture says is in a table for those who do not see it.
import { useEffect, useMemo, useRef, type ReactNode } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Point } from '../api/types';
import { canvasFont, themeColor } from '../lib/color';
import { useDark } from '../lib/theme';
import { clock, day } from '../lib/time';

export interface Line {
  label: string;
  points: Point[];
  tone: number;
}

const HEIGHT = 180;
const TONES = ['--chart-1', '--chart-2', '--chart-3', '--accent', '--error'];

interface Props {
  title: string;
  unit: (value: number) => string;
  lines: Line[];
  children?: ReactNode;
}

export function Chart({ title, unit, lines, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const dark = useDark();
  const data = useMemo(() => toData(lines), [lines]);
  const format = useRef(unit);
  useEffect(() => {
    const element = box.current!;
    const [text, grid] = ['--text-2', '--line'].map(themeColor) as [string, string];
    const axis = {
      stroke: text,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
      font: canvasFont(11),
    };
    const values = (_: UPlot, raw: number | null) => (raw === null ? '–' : format.current(raw));
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        cursor: { points: { size: 6 }, y: false },
        legend: { live: true },
        // where nobody points, the legend says what was last
        hooks: { setCursor: [showLast], ready: [showLast] },
        scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [
          { ...axis, space: 70, size: 28, values: (_, ticks) => ticks.map(tick => clock(tick * 1000).slice(0, 5)) },
          { ...axis, size: 62, values: (_, ticks) => ticks.map(tick => format.current(tick)) },
        ],
        series: [
          {
            label: 'Time',
            value: (_, raw: number | null) => (raw === null ? '–' : `${day(raw * 1000).slice(5)} ${clock(raw * 1000).slice(0, 5)}`),
          },
          ...lines.map(line => {
            const stroke = themeColor(TONES[line.tone] ?? '--accent');
            return { label: line.label, stroke, width: 1.6, value: values, points: { show: false } };
          }),
        ],
      },
      data,
      element,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [data, lines, dark]);
  const times = data[0] as number[];
  return (
    <figure className="chart panel" aria-label={title}>
      <figcaption>
        <h2>{title}</h2>
        {children}
      </figcaption>
      <div ref={box} aria-hidden />
      <details className="chart-table">
        <summary>As a table</summary>
        <div className="table-box" tabIndex={0} role="region" aria-label={`${title} as a table`}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Time</th>
                {lines.map(line => (
                  <th scope="col" className="number" key={line.label}>
                    {line.label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.map((time, row) => (
                <tr key={time}>
                  <td>{clock(time * 1000).slice(0, 5)}</td>
                  {lines.map((line, k) => {
                    const value = data[k + 1]?.[row];
                    return (
                      <td className="number" key={line.label}>
                        {value == null ? '–' : unit(value)}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function showLast(plot: UPlot): void {
  if (plot.cursor.idx != null) return;
  const [times, ...lines] = plot.data;
  for (let idx = times.length - 1; idx >= 0; idx--) {
    if (lines.some(line => line[idx] != null)) return plot.setLegend({ idx }, false);
  }
}

function toData(lines: Line[]): UPlot.AlignedData {
  const times = [...new Set(lines.flatMap(line => line.points.map(point => point.t)))].filter(Number.isFinite).sort((a, b) => a - b);
  const columns = lines.map(line => {
    const byTime = new Map(line.points.map(point => [point.t, point.v]));
    return times.map(time => byTime.get(time) ?? null);
  });
  return [times, ...columns];
}
