// What a search found: points, then a list or a table, page by page.
import { useInfiniteQuery, type InfiniteData } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Link, useLocation } from 'wouter';
import * as api from '../../api/client';
import { ApiError, ask } from '../../api/http';
import type { SearchAnswer, Summary } from '../../api/types';
import { boot } from '../../boot';
import { count, parseLookback, plural } from '../../lib/time';
import { keep, load } from '../../lib/theme';
import { bareId, compareUrl, readAskedTraces, searchQuery, searchUrl, type SearchForm } from '../../routes';
import { summariesOf } from '../../trace/summary';
import { Icon } from '../../parts/icon';
import type { Order } from '../../parts/sort';
import { OpenWhole } from '../../parts/shell';
import { Empty, Failed, Loading, Partial } from '../../parts/state';
import { toast } from '../../parts/toast';
import { lengthNs, TraceList, TraceTable, type Column } from './list';
import { Scatter } from './scatter';

interface Props {
  params: URLSearchParams;
  form: SearchForm;
  services: string[] | undefined;
  embedded: boolean;
}

export function Results({ params, form, services, embedded }: Props) {
  const [, navigate] = useLocation();
  const [table, setTable] = useState(() => load('spoor.results') === 'table');
  const [selected, setSelected] = useState<string[]>([]);
  const [local, setLocal] = useState<Order<Column> | null>(null);
  const [opened] = useState(() => Date.now());
  const { ids, spans } = useMemo(() => readAskedTraces(params), [params]);
  const spansOf = (id: string) => spans.get(bareId(id));
  const query = useMemo(() => withTimes(form, opened), [form, opened]);
  const found = useInfiniteQuery<SearchAnswer, Error, InfiniteData<SearchAnswer>, string[], string>({
    queryKey: ['search', query.toString(), ids.join()],
    queryFn: ({ signal, pageParam }) => (ids.length > 0 ? summariesOf(ids, signal) : page(query, pageParam, signal)),
    initialPageParam: '',
    getNextPageParam: last => last.next,
  });
  const pages = found.data?.pages;
  const summaries = useMemo(() => order(dedup(pages?.flatMap(each => each.summaries) ?? []), local), [pages, local]);
  const partial = pages?.map(each => each.partial?.reason).find(Boolean);
  const shown: Order<Column> = local ?? { by: form.sort.endsWith('duration') ? 'duration' : 'start', down: form.sort.startsWith('-') };

  if (found.isError && !pages) return <SearchFailed error={found.error} form={form} retry={() => void found.refetch()} />;
  if (!pages) return <Loading what="traces" />;
  const onSort = (sort: string) => {
    setLocal(null);
    const next = new URLSearchParams(params);
    next.set('sort', sort);
    navigate(`/search?${next.toString()}`);
  };
  const onOrder = (column: Column) => {
    const down = shown.by === column ? !shown.down : true;
    if (column === 'spans' || column === 'errors') setLocal({ by: column, down });
    else onSort(`${down ? '-' : ''}${column}`);
  };
  const select = (id: string) => setSelected(old => (old.includes(id) ? old.filter(each => each !== id) : [...old, id]));
  const hideGraph = embedded && params.get('uiSearchHideGraph') === '1';
  return (
    <>
      {partial && <Partial reason={partial} />}
      {form.service && services && !services.includes(form.service) && (
        <p className="notice">
          There is no service of the name “{form.service.slice(0, 120)}” here ({plural(services.length, 'service')} are known).{' '}
          <Link href="/where">Where is my trace?</Link>
        </p>
      )}
      {summaries.length === 0 ? (
        <NothingFound form={form} />
      ) : (
        <>
          {!hideGraph && <Scatter summaries={summaries} />}
          <div className="results-head">
            <h2>
              {plural(summaries.length, 'trace')}
              {found.hasNextPage && <span className="dim"> and more</span>}
            </h2>
            <span className="top-space" />
            {selected.length >= 2 ? (
              <Link className="button primary" href={compareUrl(selected[0]!, selected[1]!, selected)}>
                Compare {plural(selected.length, 'trace')}
              </Link>
            ) : (
              selected.length === 1 && <span className="note">Select one more to compare</span>
            )}
            <label className="inline">
              <span>Sort</span>
              <select
                value={local ? 'local' : form.sort}
                onChange={event => onSort(event.target.value)}
                aria-label="Sort"
                title="A trace stands where the first of its spans that answer puts it"
              >
                <option value="-start">Newest first</option>
                <option value="start">Oldest first</option>
                <option value="-duration">Longest span first</option>
                <option value="duration">Shortest span first</option>
                {local && <option value="local">By {local.by}, of those shown</option>}
              </select>
            </label>
            <div className="segments" role="group" aria-label="Show as">
              {[false, true].map(asTable => (
                <button
                  key={String(asTable)}
                  type="button"
                  aria-pressed={table === asTable}
                  aria-label={asTable ? 'Table' : 'List'}
                  title={asTable ? 'Table' : 'List'}
                  onClick={() => {
                    setTable(asTable);
                    keep('spoor.results', asTable ? 'table' : 'list');
                  }}
                >
                  <Icon name={asTable ? 'table' : 'list'} />
                </button>
              ))}
            </div>
            <button
              type="button"
              className="ghost"
              title="Download these traces as JSON"
              aria-label="Download as JSON"
              onClick={() => void download(summaries)}
            >
              <Icon name="download" />
            </button>
            {embedded && <OpenWhole />}
          </div>
          {table ? (
            <TraceTable spansOf={spansOf} summaries={summaries} selected={selected} onSelect={select} order={shown} onOrder={onOrder} />
          ) : (
            <TraceList spansOf={spansOf} summaries={summaries} selected={selected} onSelect={select} />
          )}
          {found.hasNextPage && (
            <div className="more">
              <button type="button" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
                {found.isFetchingNextPage ? 'Loading…' : 'Next page'}
              </button>
              <span className="note">{count(summaries.length)} shown</span>
            </div>
          )}
          {found.isFetchNextPageError && <Failed error={found.error} retry={() => void found.fetchNextPage()} />}
        </>
      )}
    </>
  );
}

async function page(query: URLSearchParams, cursor: string, signal: AbortSignal): Promise<SearchAnswer> {
  const params = new URLSearchParams(query);
  if (cursor) params.set('cursor', cursor);
  return api.search(params, signal);
}

/** Times of the address as they are; without them those of the lookback, from when the page was opened. */
function withTimes(form: SearchForm, now: number): URLSearchParams {
  const back = parseLookback(form.lookback) ?? 3_600_000;
  const end = form.end || String(now * 1000);
  const start = form.start || String((Number(end) / 1000 - back) * 1000);
  const limit = String(Math.min(Number(form.limit) || 20, boot().uiConfig.maxLimit || boot().maxTraces));
  return searchQuery({ ...form, start, end, limit });
}

function dedup(summaries: Summary[]): Summary[] {
  const seen = new Set<string>();
  return summaries.filter(each => !seen.has(each.traceId) && seen.add(each.traceId));
}

function order(summaries: Summary[], by: Order<Column> | null): Summary[] {
  if (!by) return summaries;
  const value = (each: Summary) => (by.by === 'spans' ? each.spanCount : by.by === 'errors' ? each.errorSpanCount : lengthNs(each));
  return [...summaries].sort((a, b) => (value(a) - value(b)) * (by.down ? -1 : 1));
}

function NothingFound({ form }: { form: SearchForm }) {
  const wider = { ...form, lookback: '2d', start: '', end: '' };
  return (
    <Empty title="No traces found">
      <p>Nothing in this time answers all that was asked. What often helps:</p>
      <ul className="advice">
        <li>
          <Link href={searchUrl(wider)}>Look at the last two days</Link>
        </li>
        {(form.tags || form.q || form.minDuration || form.maxDuration || form.operation) && (
          <li>
            <Link href={searchUrl({ service: form.service, lookback: form.lookback, limit: form.limit })}>
              Ask for {form.service ? 'the service alone' : 'any trace'}
            </Link>
          </li>
        )}
        <li>
          <Link href="/where">See whether spans arrived at all</Link>
        </li>
      </ul>
    </Empty>
  );
}

function SearchFailed({ error, form, retry }: { error: Error; form: SearchForm; retry: () => void }) {
  const slow = error instanceof ApiError && error.trouble === 'timeout';
  return (
    <Failed error={error} retry={retry}>
      {slow && (
        <Link className="button" href={searchUrl({ ...form, lookback: '15m', start: '', end: '' })}>
          Look at the last 15 minutes only
        </Link>
      )}
    </Failed>
  );
}

async function download(summaries: Summary[]): Promise<void> {
  try {
    const ids = summaries.slice(0, 200).map(each => ['traceID', each.traceId]);
    const response = await ask('api/traces', new URLSearchParams(ids), { timeoutMs: 120_000 });
    save(await response.blob(), `traces-${new Date().toISOString().slice(0, 19).replace(/:/g, '')}.json`);
    if (summaries.length > 200) toast('The first 200 traces were downloaded');
  } catch (error) {
    toast(`Download failed: ${(error as Error).message}`, true);
  }
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
