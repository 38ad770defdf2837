// The trace as the API answers it, adjusted or as it was stored: the beginning here, all of it in a tab or a file.
import { useQuery } from '@tanstack/react-query';
import { ask } from '../../api/http';
import { T } from '../../lib/text';
import { count } from '../../lib/time';
import { Icon } from '../../parts/icon';
import { Empty, Failed, Loading } from '../../parts/state';
import { copy } from '../../parts/toast';
import { traceJsonUrl } from '../../routes';
import type { Model } from './model';
import '../../styles/views.css';

const SHOWN = 400_000;

export default function Json({ id, model, raw }: { id: string; model: Model; raw: boolean }) {
  const loaded = useQuery({
    queryKey: ['json', id, raw],
    queryFn: ({ signal }) => beginning(id, raw, signal),
    enabled: !model.source.local,
    staleTime: Infinity,
    gcTime: 0,
  });
  if (model.source.local) {
    return (
      <Empty title="This trace is of a file">
        <p>Its JSON is the file itself. The details of each span have its own.</p>
      </Empty>
    );
  }
  if (loaded.isError) return <Failed error={loaded.error} retry={() => void loaded.refetch()} />;
  if (!loaded.data) return <Loading what="the JSON" />;
  const { text, all } = loaded.data;
  return (
    <section className="view" aria-label={raw ? 'JSON, unadjusted' : 'JSON'}>
      <div className="view-bar">
        <span className="note">
          {all ? `${count(text.length)} characters` : `The first ${count(text.length)} characters`}
          {raw ? ', as stored: without corrections' : ''}
        </span>
        <span className="top-space" />
        {all && (
          <button type="button" className="ghost" onClick={() => void copy(text, 'the JSON')}>
            <Icon name="copy" /> Copy
          </button>
        )}
        <a className="button ghost" href={traceJsonUrl(id, raw)} target="_blank" rel="noreferrer">
          <Icon name="link" /> All of it
        </a>
        <a className="button ghost" href={traceJsonUrl(id, raw)} download={`${id.slice(0, 32)}.json`}>
          <Icon name="download" /> Download
        </a>
      </div>
      <pre className="json view-json" tabIndex={0} role="region" aria-label="The trace as JSON">
        <T max={SHOWN}>{text}</T>
      </pre>
    </section>
  );
}

// reads no more than is shown, whatever the size of the trace
async function beginning(id: string, raw: boolean, signal: AbortSignal): Promise<{ text: string; all: boolean }> {
  const params = new URLSearchParams({ prettyPrint: 'true' });
  if (raw) params.set('raw', 'true');
  const response = await ask(`api/traces/${encodeURIComponent(id)}`, params, { signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text, all: true };
    text += value;
    if (text.length > SHOWN) {
      await reader.cancel();
      return { text: text.slice(0, SHOWN), all: false };
    }
  }
}
