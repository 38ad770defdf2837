// Spans that are alike in something, summed up: by service, operation, kind, status or any attribute, and within that by a second one.
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { T } from '../../lib/text';
import { count, duration, percent } from '../../lib/time';
import { Swatch } from '../../parts/pill';
import { SortHead, useOrder, type Order } from '../../parts/sort';
import { Failed, Loading } from '../../parts/state';
import { narrowed, Suggest } from '../../parts/suggest';
import { KINDS } from '../../trace/columns';
import { groupBy, type Group } from '../../trace/groups';
import type { Model } from './model';
import '../../styles/views.css';

const OWN = ['service', 'operation', 'kind', 'status'];
type Sort = 'name' | 'count' | 'errors' | 'total' | 'self' | 'p50' | 'p95' | 'max';

interface Numbers {
  of: ArrayLike<number>;
  name: (number: number) => string;
}

export default function Statistics({ model }: { model: Model }) {
  const [by, setBy] = useState('service');
  const [then, setThen] = useState('operation');
  const [sort, onOrder] = useOrder<Sort>({ by: 'self', down: true }, ['name']);
  const keys = useQuery({
    queryKey: ['keys', model.columns.traceId, model.source.raw],
    queryFn: ({ signal }) => model.source.keys(signal),
    staleTime: Infinity,
  });
  const first = useNumbers(
    model,
    by,
    keys.data?.map(each => each.key),
  );
  const second = useNumbers(
    model,
    then,
    keys.data?.map(each => each.key),
  );
  const groups = useMemo(() => {
    if (!first.numbers) return null;
    const { columns, selfTimes } = model;
    const outer = first.numbers;
    const out: { group: Group; inner: Group[] }[] = [];
    const inner = second.numbers;
    const width = 1 << 26;
    const pairs = inner && then ? Float64Array.from({ length: columns.n }, (_, i) => (outer.of[i]! + 1) * width + inner.of[i]! + 1) : null;
    const innerGroups = new Map<string, Group[]>();
    if (pairs && inner) {
      for (const group of groupBy(columns, selfTimes, pairs, String)) {
        const pair = Number(group.name);
        const within = String(Math.floor(pair / width) - 1);
        const named = { ...group, name: inner.name((pair % width) - 1) };
        const list = innerGroups.get(within);
        if (list) list.push(named);
        else innerGroups.set(within, [named]);
      }
    }
    for (const group of groupBy(columns, selfTimes, outer.of, String)) {
      out.push({ group: { ...group, name: outer.name(Number(group.name)) }, inner: order(innerGroups.get(group.name) ?? [], sort) });
    }
    const innerOf = new Map(out.map(each => [each.group, each.inner]));
    return order([...innerOf.keys()], sort).map(group => ({ group, inner: innerOf.get(group)! }));
  }, [model, first.numbers, second.numbers, then, sort]);
  const names = [...OWN, ...(keys.data ?? []).map(each => each.key)];
  const whole = useMemo(() => model.selfTimes.reduce((sum, each) => sum + each, 0) || 1, [model]);
  const failed = first.error ?? second.error;
  const head = (column: Sort, label: string, className?: string) => <SortHead {...{ column, label, className, onOrder }} order={sort} />;
  const ROWS = 300;
  return (
    <section className="view" aria-label="Statistics">
      <div className="view-bar view-bar-fields">
        <Suggest label="Group by" value={by} onChange={setBy} suggestions={(value, _, typed) => narrowed(names, value, typed)} />
        <Suggest
          label="Then by"
          value={then}
          onChange={setThen}
          suggestions={(value, _, typed) => narrowed(names, value, typed)}
          placeholder="nothing"
          clearable
        />
      </div>
      {failed ? (
        <Failed error={failed} />
      ) : !groups ? (
        first.unknown ? (
          <p className="note view-note">No span has an attribute “{by.slice(0, 80)}”.</p>
        ) : (
          <Loading what="the attribute" />
        )
      ) : (
        <div className="table-box view-scroll" tabIndex={0} role="region" aria-label="Groups">
          <table className="table">
            <thead>
              <tr>
                {head('name', then ? `${by}, ${then}` : by, '')}
                {head('count', 'Spans')}
                {head('errors', 'Errors')}
                {head('self', 'Self time')}
                <th scope="col" className="number">
                  Share
                </th>
                {head('total', 'Total')}
                {head('p50', 'Median')}
                {head('p95', '95 %')}
                {head('max', 'Longest')}
              </tr>
            </thead>
            <tbody>
              {groups
                .slice(0, ROWS)
                .map(({ group, inner }) => [
                  <GroupRow key={group.name} group={group} whole={whole} swatch={by === 'service'} strong={inner.length > 0} />,
                  ...inner.slice(0, 50).map(each => <GroupRow key={`${group.name}\u0001${each.name}`} group={each} whole={whole} below />),
                ])}
            </tbody>
          </table>
          {groups.length > ROWS && (
            <p className="note view-note">
              {count(groups.length - ROWS)} more groups are not shown: sort differently, or group by something coarser.
            </p>
          )}
        </div>
      )}
    </section>
  );
}

function GroupRow({
  group,
  whole,
  swatch,
  strong,
  below,
}: {
  group: Group;
  whole: number;
  swatch?: boolean;
  strong?: boolean;
  below?: boolean;
}) {
  return (
    <tr className={below ? 'row-below' : strong ? 'row-strong' : undefined}>
      <td className="wide">
        {swatch && <Swatch name={group.name} />} <T max={160}>{group.name}</T>
      </td>
      <td className="number">{count(group.count)}</td>
      <td className={group.errors ? 'number bad' : 'number dim'}>{count(group.errors)}</td>
      <td className="number bar-cell">
        <span className="bar" style={{ width: `${(group.self / whole) * 100}%` }} aria-hidden />
        {duration(group.self)}
      </td>
      <td className="number">{percent(group.self / whole)}</td>
      <td className="number">{duration(group.total)}</td>
      <td className="number">{duration(group.p50)}</td>
      <td className="number">{duration(group.p95)}</td>
      <td className="number">{duration(group.max)}</td>
    </tr>
  );
}

function order(groups: Group[], sort: Order<Sort>): Group[] {
  const sign = sort.down ? -1 : 1;
  return [...groups].sort((a, b) => (sort.by === 'name' ? a.name.localeCompare(b.name) : a[sort.by] - b[sort.by]) * sign);
}

function useNumbers(model: Model, key: string, known: string[] | undefined) {
  const own = OWN.includes(key);
  const asked = !own && key !== '' && (known?.includes(key) ?? false);
  const column = useQuery({
    queryKey: ['attribute', model.columns.traceId, model.source.raw, key],
    queryFn: ({ signal }) => model.source.attribute(key, signal),
    enabled: asked,
    staleTime: Infinity,
    structuralSharing: false,
  });
  const numbers = useMemo<Numbers | null>(() => {
    const { columns } = model;
    const none = '(none)';
    if (key === 'service') return { of: columns.service, name: number => columns.services[number] ?? none };
    if (key === 'operation') return { of: columns.operation, name: number => columns.operations[number] ?? none };
    if (key === 'kind') return { of: columns.kind, name: number => KINDS[number] || 'unspecified' };
    if (key === 'status') return { of: columns.flags.map(flags => flags & 1), name: number => (number ? 'error' : 'no error') };
    const data = column.data;
    return data ? { of: data.spans, name: number => data.values[number] ?? none } : null;
  }, [model, key, column.data]);
  return { numbers, error: column.isError ? column.error : null, unknown: !own && known !== undefined && !asked };
}
