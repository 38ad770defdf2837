// What to look for. The fields are a draft until "Find traces" writes them into the address.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import * as api from '../../api/client';
import { boot } from '../../boot';
import { fromLocalInput, lookbackWords, parseDuration, parseLookback, toLocalInput, zone } from '../../lib/time';
import { parseTags, searchUrl, type SearchForm } from '../../routes';
import { narrowed, Suggest } from '../../parts/suggest';
import { queryPlace, querySuggestions, tagPlace, tagSuggestions } from './complete';

const LOOKBACKS = ['5m', '15m', '30m', '1h', '2h', '3h', '6h', '12h', '1d', '2d', '7d', '14d', '30d'];

export function SearchFormView({ form, services = [] }: { form: SearchForm; services: string[] | undefined }) {
  const [, navigate] = useLocation();
  const [draft, setDraft] = useState<SearchForm>(form);
  const [key, setKey] = useState('');
  const [tried, setTried] = useState(false);
  const set = (part: Partial<SearchForm>) => setDraft(old => ({ ...old, ...part }));
  const period = draft.lookback === 'custom' ? '1h' : draft.lookback;
  const quiet = { retry: false, staleTime: 60_000 };
  const operations = useQuery({
    queryKey: ['operations', draft.service],
    queryFn: ({ signal }) => api.operations(draft.service, signal),
    enabled: draft.service !== '' && services.includes(draft.service),
    ...quiet,
  });
  const keys = useQuery({
    queryKey: ['tag-keys', draft.service, draft.operation, period],
    queryFn: ({ signal }) => api.tagKeys(draft.service, draft.operation, period, signal),
    ...quiet,
  });
  const values = useQuery({
    queryKey: ['tag-values', draft.service, key, period],
    queryFn: ({ signal }) => api.tagValues(draft.service, key, period, signal),
    enabled: key !== '' && (keys.data?.includes(key) ?? false),
    ...quiet,
  });
  const known = keys.data ?? [];
  const valuesOf = values.data ?? [];
  const wrong = problems(draft);
  const lookbacks = allowedLookbacks();
  return (
    <form
      className="search-form"
      onSubmit={event => {
        event.preventDefault();
        setTried(true);
        if (Object.keys(wrong).length > 0) return;
        navigate(searchUrl(timed(draft, Date.now())));
      }}
    >
      <Suggest
        label="Service"
        value={draft.service}
        onChange={service => set({ service, operation: service === draft.service ? draft.operation : '' })}
        suggestions={(value, _, typed) => narrowed(services, value, typed)}
        placeholder="All services"
        clearable
      />
      <Suggest
        label="Operation"
        value={draft.operation}
        onChange={operation => set({ operation })}
        suggestions={(value, _, typed) => narrowed(operations.data ?? [], value, typed)}
        placeholder="All operations"
        clearable
      />
      <Suggest
        label="Tags"
        mono
        value={draft.tags}
        onChange={tags => set({ tags })}
        onCaret={(value, caret) => setKey(tagPlace(value, caret).key ?? '')}
        suggestions={(value, caret) => tagSuggestions(value, caret, known, valuesOf)}
        placeholder="http.status_code=500 error=true"
        invalid={tried ? wrong.tags : undefined}
      />
      <Suggest
        label="Query"
        mono
        value={draft.q}
        onChange={q => set({ q })}
        onCaret={(value, caret) => setKey(queryPlace(value, caret).key ?? '')}
        suggestions={(value, caret) => querySuggestions(value, caret, known, valuesOf)}
        placeholder="http.status_code >= 500 and duration > 1s"
        help={<QueryHelp />}
      />
      <div className="field">
        <label htmlFor="lookback">Time</label>
        <select id="lookback" value={draft.lookback} onChange={event => set(chosenLookback(event.target.value, draft))}>
          {!lookbacks.some(([value]) => value === draft.lookback) && draft.lookback !== 'custom' && (
            <option value={draft.lookback}>Last {lookbackWords(draft.lookback)}</option>
          )}
          {lookbacks.map(([value, label]) => (
            <option key={value} value={value}>
              Last {label}
            </option>
          ))}
          <option value="custom">From … to …</option>
        </select>
      </div>
      {draft.lookback === 'custom' && (
        <>
          <Moment label="From" value={draft.start} onChange={start => set({ start })} invalid={tried ? wrong.start : undefined} />
          <Moment label="To" value={draft.end} onChange={end => set({ end })} invalid={tried ? wrong.end : undefined} />
          <p className="note">Times are in {zone()}.</p>
        </>
      )}
      <div className="field-row">
        <Text
          label="Shortest"
          value={draft.minDuration}
          onChange={minDuration => set({ minDuration })}
          placeholder="100ms"
          invalid={wrong.minDuration}
        />
        <Text
          label="Longest"
          value={draft.maxDuration}
          onChange={maxDuration => set({ maxDuration })}
          placeholder="1.2s"
          invalid={wrong.maxDuration}
        />
        <Text label="Limit" value={draft.limit} onChange={limit => set({ limit })} placeholder="20" invalid={wrong.limit} />
      </div>
      <button type="submit" className="primary search-submit">
        Find traces
      </button>
    </form>
  );
}

function allowedLookbacks(): [string, string][] {
  const most = boot().uiConfig.maxLookback;
  const all = LOOKBACKS.map((value): [string, string] => [value, lookbackWords(value)]);
  if (!most) return all.slice(0, 11);
  const limit = parseLookback(most.value) ?? Infinity;
  const within = all.filter(([value]) => parseLookback(value)! < limit);
  return [...within, [most.value, most.label.replace(/^last\s+/i, '')]];
}

function chosenLookback(lookback: string, draft: SearchForm): Partial<SearchForm> {
  if (lookback !== 'custom') return { lookback, start: '', end: '' };
  const end = Number(draft.end) / 1000 || Date.now();
  const start = Number(draft.start) / 1000 || end - (parseLookback(draft.lookback) ?? 3_600_000);
  return { lookback, start: String(Math.floor(start) * 1000), end: String(Math.floor(end) * 1000) };
}

/** With the exact times of its lookback, so that the address shows the same to whoever opens it later. */
function timed(draft: SearchForm, now: number): SearchForm {
  if (draft.lookback === 'custom') return draft;
  const back = parseLookback(draft.lookback) ?? 3_600_000;
  return { ...draft, start: String((now - back) * 1000), end: String(now * 1000) };
}

type Problems = Partial<Record<keyof SearchForm, string>>;

export function problems(draft: SearchForm): Problems {
  const out: Problems = {};
  try {
    parseTags(draft.tags);
  } catch (error) {
    out.tags = (error as Error).message;
  }
  for (const name of ['minDuration', 'maxDuration'] as const) {
    if (draft[name].trim() && parseDuration(draft[name]) === null) out[name] = 'like 1.2s, 100ms';
  }
  const [min, max] = [parseDuration(draft.minDuration), parseDuration(draft.maxDuration)];
  if (min !== null && max !== null && max < min) out.maxDuration = 'below shortest';
  if (!/^[1-9]\d{0,5}$/.test(draft.limit.trim())) out.limit = 'a number';
  if (draft.lookback === 'custom') {
    if (!draft.start) out.start = 'From when?';
    if (!draft.end) out.end = 'Until when?';
    if (draft.start && draft.end && Number(draft.end) <= Number(draft.start)) out.end = 'This is before the beginning.';
  }
  return out;
}

function Moment({ label, value, onChange, invalid }: { label: string; value: string; onChange: (us: string) => void; invalid?: string }) {
  const ms = Number(value) / 1000;
  return (
    <div className="field">
      <label>
        {label}
        <input
          type="datetime-local"
          step="0.001"
          value={value && Number.isFinite(ms) ? toLocalInput(ms) : ''}
          aria-invalid={invalid ? true : undefined}
          onChange={event => {
            const at = fromLocalInput(event.target.value);
            onChange(at === null ? '' : String(at * 1000));
          }}
        />
      </label>
      {invalid && <p className="field-error">{invalid}</p>}
    </div>
  );
}

interface TextProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder: string;
  invalid?: string;
}

function Text({ label, value, onChange, placeholder, invalid }: TextProps) {
  return (
    <div className="field">
      <label>
        {label}
        <input
          value={value}
          placeholder={placeholder}
          aria-invalid={invalid ? true : undefined}
          onChange={event => onChange(event.target.value)}
        />
      </label>
      {invalid && <p className="field-error">{invalid}</p>}
    </div>
  );
}

function QueryHelp() {
  return (
    <details className="help">
      <summary aria-label="How queries are written">?</summary>
      <div className="help-body">
        <p>One span of a trace has to answer all of it:</p>
        <dl>
          <dt>key = value, !=, &lt;, &lt;=, &gt;, &gt;=</dt>
          <dd>of tags, process tags and log fields</dd>
          <dt>key =~ "5..", !~</dt>
          <dd>an expression that matches the whole value</dd>
          <dt>error, exists(key)</dt>
          <dd>is true, is there</dd>
          <dt>service, operation, duration, kind, status</dt>
          <dd>of the span itself: duration &gt; 1.5s</dd>
          <dt>and, or, not, ( )</dt>
          <dd>not before and, and before or</dd>
        </dl>
      </div>
    </details>
  );
}
