// The search page: a form beside what it found. All that was asked is in the address, in Jaeger's words, so that it can be sent to somebody.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState, type DragEvent } from 'react';
import { useSearch } from 'wouter';
import * as api from '../../api/client';
import { readSearch } from '../../routes';
import { isEmbedded } from '../../parts/shell';
import { Failed, Loading } from '../../parts/state';
import { Icon } from '../../parts/icon';
import { toast } from '../../parts/toast';
import { openFile, useOpened } from '../../trace/opened';
import { lazy, Suspense } from 'react';
import { SearchFormView } from './form';
import { Results } from './results';
import { OpenedFiles, UploadBox } from './upload';

const Welcome = lazy(() => import('../welcome'));

export function SearchPage() {
  const search = useSearch();
  const params = useMemo(() => new URLSearchParams(search), [search]);
  const embedded = isEmbedded(search);
  const services = useQuery({ queryKey: ['services'], queryFn: ({ signal }) => api.services(signal) });
  const form = readSearch(params);
  const files = useOpened();
  const [tab, setTab] = useState<'search' | 'upload'>('search');
  const [dropping, setDropping] = useState(false);
  const [unfolded, setUnfolded] = useState(false);
  const asked = ['service', 'q', 'tags', 'tag', 'traceID', 'span', 'start'].some(name => params.has(name));
  const empty = services.data?.length === 0 && !asked && files.length === 0;

  useEffect(() => {
    document.title = form.service ? `${form.service.slice(0, 80)} · Spoor` : 'Search · Spoor';
  }, [form.service]);

  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setDropping(false);
    void openAll([...event.dataTransfer.files]).then(opened => opened && setTab('upload'));
  };
  return (
    <div
      className={embedded ? 'search search-embedded' : 'search'}
      onDragOver={event => {
        if (!event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={event => {
        if (event.currentTarget === event.target) setDropping(false);
      }}
      onDrop={onDrop}
    >
      {dropping && (
        <div className="drop-hint" aria-hidden>
          <Icon name="upload" /> Drop trace files to open them here
        </div>
      )}
      {!embedded && (
        <aside className={asked && !unfolded ? 'search-side search-folded' : 'search-side'} aria-label="What to look for">
          <button type="button" className="search-fold" aria-expanded={!asked || unfolded} onClick={() => setUnfolded(!unfolded)}>
            <Icon name={unfolded ? 'up' : 'down'} />
            <span>{unfolded ? 'Close the form' : `Search: ${form.service || 'all services'}`}</span>
          </button>
          <div className="tabs" role="tablist" aria-label="Source of traces">
            {(['search', 'upload'] as const).map(name => (
              <button key={name} type="button" role="tab" aria-selected={tab === name} onClick={() => setTab(name)}>
                {name === 'search' ? 'Search' : `Files${files.length ? ` (${files.length})` : ''}`}
              </button>
            ))}
          </div>
          {tab === 'search' ? <SearchFormView key={search} form={form} services={services.data} /> : <UploadBox onFiles={openAll} />}
        </aside>
      )}
      <section className="search-main" aria-label="Traces">
        <h1 className="hidden">Search traces</h1>
        {tab === 'upload' && files.length > 0 ? (
          <OpenedFiles summaries={files} />
        ) : services.isError ? (
          <Failed error={services.error} retry={() => void services.refetch()} />
        ) : empty ? (
          <Suspense fallback={<Loading what="the first page" />}>
            <Welcome />
          </Suspense>
        ) : (
          <Results key={search} params={params} form={form} services={services.data} embedded={embedded} />
        )}
      </section>
    </div>
  );
}

async function openAll(files: File[]): Promise<boolean> {
  let traces = 0;
  for (const file of files) {
    try {
      const opened = await openFile(file);
      traces += opened.traces;
      if (opened.leftOut > 0) toast(`${file.name}: ${opened.leftOut} broken parts were left out`, true);
    } catch (error) {
      toast((error as Error).message, true);
      return traces > 0;
    }
  }
  return traces > 0;
}
