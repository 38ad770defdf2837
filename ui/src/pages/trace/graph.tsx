// The trace as a graph: spans reached by the same way are one box. Large traces are summed up further, by service and operation, then by service.
import { useMemo, useState } from 'react';
import { serviceColor } from '../../lib/color';
import { useDark } from '../../lib/theme';
import { duration, percent, plural } from '../../lib/time';
import { GraphView, type GraphEdge, type GraphNode } from '../../parts/graph';
import { callPaths, type Paths } from '../../trace/groups';
import type { Model } from './model';
import '../../styles/views.css';

const MOST = 250;

export default function Graph({ model }: { model: Model }) {
  const dark = useDark();
  const [selected, setSelected] = useState('');
  const { nodes, edges, by } = useMemo(() => {
    const paths = callPaths(model.columns, model.tree, model.selfTimes);
    const choices: [string, (p: number) => string][] = [
      ['each way through the trace', p => String(p)],
      ['service and operation', p => `${paths.service[p]}/${paths.operation[p]}`],
      ['service', p => String(paths.service[p])],
    ];
    const chosen = choices.find(([, key]) => new Set(paths.parent.map((_, p) => key(p))).size <= MOST) ?? choices[2]!;
    return { ...graphOf(model, paths, chosen[1], chosen[0] === 'service', dark), by: chosen[0] };
  }, [model, dark]);
  return (
    <section className="view" aria-label="Graph">
      <div className="view-bar">
        <span className="note">
          {plural(nodes.length, 'box', 'boxes')}, one for {by}. The red strip is the share of spans with errors.
        </span>
      </div>
      <GraphView
        nodes={nodes}
        edges={edges}
        label="Graph of the trace"
        selected={selected}
        onSelect={id => setSelected(selected === id ? '' : id)}
      />
    </section>
  );
}

function graphOf(model: Model, paths: Paths, key: (p: number) => string, byService: boolean, dark: boolean) {
  const { columns } = model;
  const sums = new Map<string, { path: number; count: number; errors: number; self: number }>();
  const calls = new Map<string, GraphEdge>();
  let whole = 0;
  for (let p = 0; p < paths.parent.length; p++) {
    const id = key(p);
    const sum = sums.get(id) ?? { path: p, count: 0, errors: 0, self: 0 };
    sums.set(id, sum);
    sum.count += paths.count[p]!;
    sum.errors += paths.errors[p]!;
    sum.self += paths.self[p]!;
    whole += paths.self[p]!;
    const up = paths.parent[p]!;
    if (up < 0 || key(up) === id) continue;
    const edge = calls.get(`${key(up)}>${id}`) ?? { from: key(up), to: id, label: '', weight: 0 };
    calls.set(`${key(up)}>${id}`, edge);
    edge.weight += paths.count[p]!;
    edge.label = edge.weight > 1 ? `×${edge.weight}` : '';
  }
  const nodes: GraphNode[] = [...sums].map(([id, sum]) => {
    const service = columns.services[paths.service[sum.path]!]!;
    const operation = columns.operations[paths.operation[sum.path]!]!;
    const facts = `${plural(sum.count, 'span')}, self ${duration(sum.self)} (${percent(sum.self / (whole || 1))})`;
    return {
      id,
      title: byService ? service : `${service} ${operation}`,
      sub: facts,
      color: serviceColor(service, dark),
      tone: sum.errors ? 'error' : undefined,
      share: sum.errors ? sum.errors / sum.count : undefined,
    };
  });
  return { nodes, edges: [...calls.values()] };
}
