// Files of traces: chosen or dropped, shown like what a search found.
import { useRef, useState } from 'react';
import type { Summary } from '../../api/types';
import { closeAll } from '../../trace/opened';
import { Icon } from '../../parts/icon';
import { plural } from '../../lib/time';
import { TraceList } from './list';

export function UploadBox({ onFiles }: { onFiles: (files: File[]) => Promise<boolean> }) {
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  return (
    <div className="upload">
      <button type="button" className="upload-drop" disabled={busy} onClick={() => input.current?.click()}>
        <Icon name="upload" />
        <strong>{busy ? 'Reading…' : 'Open trace files'}</strong>
        <span>Choose or drop: JSON of Jaeger, or of OTLP</span>
      </button>
      <input
        ref={input}
        type="file"
        className="hidden"
        tabIndex={-1}
        aria-label="Trace files"
        accept=".json,.jsonl,application/json"
        multiple
        onChange={event => {
          const files = [...(event.target.files ?? [])];
          event.target.value = '';
          setBusy(true);
          void onFiles(files).finally(() => setBusy(false));
        }}
      />
      <p className="note">Files stay in this page. Only OTLP is sent to the server, to be transformed; nothing is stored.</p>
    </div>
  );
}

export function OpenedFiles({ summaries }: { summaries: Summary[] }) {
  return (
    <>
      <div className="results-head">
        <h2>{plural(summaries.length, 'trace')} of files</h2>
        <span className="top-space" />
        <button type="button" onClick={closeAll}>
          Close all
        </button>
      </div>
      <TraceList summaries={summaries} selected={[]} />
    </>
  );
}
