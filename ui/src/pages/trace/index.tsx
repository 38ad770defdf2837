// The page of one trace: its skeleton is loaded, and one of several views shows it. The view and what is looked for are in the address.
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import { Failed, Loading, Partial } from '../../parts/state';
import { visible } from '../../lib/text';
import { plural } from '../../lib/time';
import { operationOf, serviceOf } from '../../trace/columns';
import { openedTrace } from '../../trace/opened';
import { openTrace } from '../../trace/source';
import { useFind } from './find';
import { Header } from './header';
import { useModel, type Model } from './model';
import { Timeline } from './timeline';
import type { View } from './views';
import { isView } from './views';
import '../../styles/trace.css';
import '../../styles/detail.css';

const Flame = lazy(() => import('./flame'));
const Graph = lazy(() => import('./graph'));
const Statistics = lazy(() => import('./statistics'));
const Spans = lazy(() => import('./spans'));
const Events = lazy(() => import('./events'));
const Json = lazy(() => import('./json'));

export default function TracePage({ id }: { id: string }) {
  const params = new URLSearchParams(useSearch());
  const raw = params.get('raw') === 'true';
  const local = openedTrace(id);
  const loaded = useQuery({
    queryKey: ['trace', id, raw],
    queryFn: ({ signal }) => openTrace(id, raw, signal),
    enabled: !local,
    staleTime: Infinity,
    gcTime: 60_000,
    structuralSharing: false,
  });
  const model = useModel(local ?? loaded.data);
  if (!local && loaded.isError) {
    return (
      <>
        <h1 className="hidden">Trace {id.slice(0, 32)}</h1>
        <Failed error={loaded.error} retry={() => void loaded.refetch()}>
          <WhereLink id={id} />
        </Failed>
      </>
    );
  }
  if (!model) return <Loading what="the trace" />;
  return <TraceView id={id} model={model} reload={() => void loaded.refetch()} reloading={loaded.isFetching} />;
}

function WhereLink({ id }: { id: string }) {
  const [, navigate] = useLocation();
  return (
    <button type="button" onClick={() => navigate(`/where?trace=${encodeURIComponent(id)}`)}>
      Where is my trace?
    </button>
  );
}

interface ViewProps {
  id: string;
  model: Model;
  reload: () => void;
  reloading: boolean;
}

function TraceView({ id, model, reload, reloading }: ViewProps) {
  const search = useSearch();
  const params = new URLSearchParams(search);
  const [path, navigate] = useLocation();
  const named = params.get('view') ?? '';
  const view: View = isView(named) ? named : 'timeline';
  const find = useFind(model, params.getAll('uiFind').join(' '));
  const [help, setHelp] = useState(false);
  const root = model.tree.roots[0] ?? 0;
  const title = `${visible(serviceOf(model.columns, root), 80)}: ${visible(operationOf(model.columns, root), 120)}`;
  useEffect(() => {
    document.title = `${title} · Spoor`;
  }, [title]);
  const setView = (next: View, more: Record<string, string> = {}) => {
    const changed = new URLSearchParams(location.search);
    if (next === 'timeline') changed.delete('view');
    else changed.set('view', next);
    for (const [key, value] of Object.entries(more)) changed.set(key, value);
    const query = changed.toString();
    navigate(`${path}${query ? `?${query}` : ''}`);
  };
  const showSpan = (spanId: string) => setView('timeline', { uiFind: spanId });
  return (
    <div className="trace-page">
      <Header {...{ id, model, view, setView, find, reload, reloading, help, setHelp }} />
      {model.columns.partial && <Partial reason={model.columns.partial} />}
      {model.source.leftOut > 0 && <Partial reason={`${plural(model.source.leftOut, 'broken span')} of the file were left out`} />}
      {find.error && (
        <p className="notice" role="status">
          <span>
            <strong>Nothing could be found:</strong> {visible(find.error)}
          </span>
          {!model.source.local && (
            <button type="button" disabled={reloading} onClick={reload}>
              Load again
            </button>
          )}
        </p>
      )}
      {view === 'timeline' ? (
        <Timeline model={model} find={find} params={params} openHelp={() => setHelp(true)} />
      ) : (
        <Suspense fallback={<Loading what="the view" />}>
          {view === 'flame' && <Flame model={model} find={find} showSpan={showSpan} />}
          {view === 'graph' && <Graph model={model} />}
          {view === 'statistics' && <Statistics model={model} />}
          {view === 'spans' && <Spans model={model} find={find} showSpan={showSpan} />}
          {view === 'events' && <Events model={model} showSpan={showSpan} />}
          {view === 'json' && <Json id={id} model={model} raw={false} />}
          {view === 'rawjson' && <Json id={id} model={model} raw />}
        </Suspense>
      )}
    </div>
  );
}
