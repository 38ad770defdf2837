// One span in the timeline: its name in the tree, its bar in time.
import { memo } from 'react';
import type { Detail } from '../../api/types';
import { serviceColor } from '../../lib/color';
import { T, visible } from '../../lib/text';
import { useDark } from '../../lib/theme';
import { duration } from '../../lib/time';
import { Icon } from '../../parts/icon';
import { Flag, KINDS, LOST_PARENT, operationOf, serviceOf } from '../../trace/columns';
import { hasChildren } from '../../trace/tree';
import { tagText } from '../../trace/jaeger';
import type { Range } from './minimap';
import type { Model } from './model';

interface Props {
  model: Model;
  i: number;
  row: number;
  top: number;
  range: Range;
  collapsed: boolean;
  open: boolean;
  focused: boolean;
  /** 0 not found, 1 found, 2 found and looked at. */
  mark: number;
  dim: boolean;
  critical: boolean;
  detail: Detail | undefined;
  onToggle: (i: number) => void;
  onOpen: (i: number) => void;
  onFocus: (i: number) => void;
}

const INDENT = 12;
const DEEPEST = 30;
const TICKS = 100;

export const Row = memo(function Row(props: Props) {
  const { model, i, row, top, range, collapsed, open, focused, mark, dim, detail, onToggle, onOpen, onFocus } = props;
  const { columns, tree } = model;
  const dark = useDark();
  const service = serviceOf(columns, i);
  const color = serviceColor(service, dark);
  const parent = tree.parent[i]!;
  const sameService = parent >= 0 && columns.service[parent] === columns.service[i];
  const flags = columns.flags[i]!;
  const depth = tree.depth[i]!;
  const shownDepth = Math.min(depth, DEEPEST);
  const kind = KINDS[columns.kind[i]!] ?? '';
  const peer = peerOf(model, i, detail);
  const has = hasChildren(tree, i);
  const classes = [
    'row',
    focused && 'row-focus',
    mark === 1 && 'row-found',
    mark === 2 && 'row-match',
    dim && 'row-dim',
    open && 'row-open',
  ];
  return (
    <div
      className={classes.filter(Boolean).join(' ')}
      id={`span-${i}`}
      role="row"
      aria-level={depth + 1}
      aria-rowindex={row + 1}
      aria-expanded={has ? !collapsed : undefined}
      aria-selected={focused}
      style={{ top }}
      onClick={() => {
        onFocus(i);
        onOpen(i);
      }}
    >
      <div className="row-name" role="gridcell" aria-colindex={1}>
        <span className="row-indent" style={{ width: shownDepth * INDENT }}>
          {depth > DEEPEST && <small>{depth}</small>}
        </span>
        {has ? (
          <button
            type="button"
            className="row-toggle"
            tabIndex={-1}
            aria-label={collapsed ? 'Open what is below' : 'Close what is below'}
            onClick={event => {
              event.stopPropagation();
              onFocus(i);
              onToggle(i);
            }}
          >
            <Icon name={collapsed ? 'right' : 'down'} />
          </button>
        ) : (
          <span className="row-leaf" />
        )}
        <span className="row-color" style={{ background: color }} />
        {flags & Flag.error ? <Icon name="error" /> : null}
        {flags & Flag.error ? <span className="hidden">Error.</span> : null}
        <span className={sameService ? 'row-service row-same' : 'row-service'} title={visible(service)}>
          <T max={80}>{service || '(no name)'}</T>
        </span>
        <span className="row-operation" title={visible(operationOf(columns, i))}>
          <T max={160}>{operationOf(columns, i) || '(no name)'}</T>
        </span>
        {peer && (
          <span className="row-peer" title={`calls ${visible(peer)}`}>
            <span className="row-arrow" aria-label="calls" role="img">
              →
            </span>
            <span className="swatch" style={{ background: serviceColor(peer, dark) }} aria-hidden />
            <T max={60}>{peer}</T>
          </span>
        )}
        <span className="top-space" />
        {collapsed && <span className="row-count">{tree.size[i]! - 1}</span>}
        {columns.parent[i] === LOST_PARENT && (
          <span className="mark-orphan" title="Its parent is not in the trace">
            <Icon name="orphan" />
            <span className="hidden">Its parent is not in the trace.</span>
          </span>
        )}
        {flags & Flag.links ? (
          <span className="dim" title="Has links to other spans">
            <Icon name="link" />
            <span className="hidden">Has links.</span>
          </span>
        ) : null}
        {flags & Flag.warnings ? (
          <span className="mark-orphan" title={detail?.warnings.map(each => visible(each, 200)).join('\n') ?? 'Has warnings'}>
            <Icon name="warning" />
            <span className="hidden">Has warnings.</span>
          </span>
        ) : null}
        {kind && (
          <abbr className="row-kind" title={kind}>
            {kind.slice(0, 1).toUpperCase()}
          </abbr>
        )}
      </div>
      <div className="row-time" role="gridcell" aria-colindex={2}>
        <Bar {...props} color={color} range={range} />
      </div>
    </div>
  );
});

function Bar({ model, i, range, collapsed, critical, detail, color }: Props & { color: string }) {
  const { columns } = model;
  const start = columns.start[i]!;
  const length = columns.duration[i]!;
  const width = range.to - range.from;
  const at = (ns: number) => ((ns - range.from) / width) * 100;
  const left = Math.max(-1, at(start));
  const right = Math.min(101, at(start + length));
  const label = duration(length);
  if (right < 0 || left > 100) {
    return (
      <span
        className={left > 100 ? 'bar-beyond bar-after' : 'bar-beyond'}
        title={`${label}, ${left > 100 ? 'after' : 'before'} what is shown`}
      >
        {left > 100 ? '›' : '‹'}
      </span>
    );
  }
  const stretches: React.ReactNode[] = [];
  if (critical) {
    const path = model.critical;
    for (let k = path.first[i]!; k >= 0 && stretches.length < 60; k = path.next[k]!) {
      const [from, to] = [Math.max(left, at(path.from[k]!)), Math.min(right, at(path.to[k]!))];
      if (to >= from) stretches.push(<span key={k} className="bar-critical" style={{ left: `${from}%`, width: `${to - from}%` }} />);
    }
  }
  const origin = Number(columns.startUnixNano / 1000n);
  const logs = detail && columns.flags[i]! & Flag.events ? detail.logs.slice(0, TICKS) : [];
  const [most, least] = innerWidth < 760 ? [62, 32] : [78, 12];
  const labelRight = right < most;
  return (
    <>
      <span
        className={collapsed ? 'bar-span bar-collapsed' : 'bar-span'}
        style={{ left: `${left}%`, width: `max(2px, ${right - left}%)`, background: color }}
      />
      {stretches}
      {logs.map((log, k) => {
        const x = at((log.timestamp - origin) * 1000);
        return x < 0 || x > 100 ? null : (
          <span
            key={k}
            className="bar-tick"
            style={{ left: `${x}%` }}
            title={visible(tagText(log.fields.find(f => f.key === 'event') ?? log.fields[0]), 120)}
          />
        );
      })}
      <span
        className="bar-label"
        style={
          labelRight
            ? { left: `calc(max(${right}%, ${left}% + 2px) + 6px)` }
            : left > least
              ? { right: `calc(${100 - left}% + 6px)` }
              : { left: `calc(${Math.max(0, left)}% + 6px)` }
        }
        data-inside={!labelRight && left <= least ? true : undefined}
      >
        {label}
      </span>
    </>
  );
}

/** Whom a span calls: the service of its first child elsewhere, else what its attributes say of somebody who sends no spans. */
function peerOf(model: Model, i: number, detail: Detail | undefined): string {
  const { columns, tree } = model;
  const kind = columns.kind[i];
  if (kind !== 3 && kind !== 4) return '';
  for (let c = tree.from[i]!; c < tree.from[i + 1]!; c++) {
    const child = tree.children[c]!;
    if (columns.service[child] !== columns.service[i]) return serviceOf(columns, child);
  }
  if (!detail) return '';
  for (const key of [
    'peer.service',
    'db.system',
    'db.system.name',
    'messaging.destination.name',
    'messaging.system',
    'rpc.service',
    'server.address',
    'net.peer.name',
  ]) {
    const tag = detail.tags.find(each => each.key === key);
    if (tag) return tagText(tag);
  }
  return '';
}
