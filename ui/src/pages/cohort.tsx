// The traces that two to compare are chosen from: those of a link, or those that were selected in a search.
import { useQuery } from '@tanstack/react-query';
import type { Summary } from '../api/types';
import { shortId, T, visible } from '../lib/text';
import { count, duration, moment, nanoTextToMs } from '../lib/time';
import { Failed, Loading, Partial } from '../parts/state';
import { bareId } from '../routes';
import { summariesOf } from '../trace/summary';
import { lengthNs, Marks, titleOf } from './search/list';

/** Most traces that are read for the list. */
const MOST = 50;

interface Props {
  ids: string[];
  a: string;
  b: string;
  onChoose: (a: string, b: string) => void;
}

export function Cohort({ ids, a, b, onChoose }: Props) {
  const asked = ids.slice(0, MOST);
  const loaded = useQuery({
    queryKey: ['cohort', asked.join()],
    queryFn: ({ signal }) => summariesOf(asked, signal),
    staleTime: Infinity,
  });
  if (loaded.isError) return <Failed error={loaded.error} retry={() => void loaded.refetch()} />;
  if (!loaded.data) return <Loading what="the traces to choose from" />;
  const byId = new Map(loaded.data.summaries.map(each => [bareId(each.traceId), each]));
  return (
    <>
      {loaded.data.partial && <Partial reason={loaded.data.partial.reason} />}
      <div className="table-box cohort-box" tabIndex={0} role="region" aria-label="Traces to choose from">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">A</th>
              <th scope="col">B</th>
              <th scope="col">Trace</th>
              <th scope="col">Start</th>
              <th scope="col" className="number">
                Duration
              </th>
              <th scope="col" className="number">
                Spans
              </th>
              <th scope="col">
                <span className="hidden">State</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {asked.map(id => (
              <Line key={id} id={id} summary={byId.get(bareId(id))} {...{ a, b, onChoose }} />
            ))}
          </tbody>
        </table>
        {ids.length > MOST && <p className="note view-note">{count(ids.length - MOST)} more are not shown.</p>}
      </div>
    </>
  );
}

function Line({ id, summary, a, b, onChoose }: { id: string; summary: Summary | undefined } & Omit<Props, 'ids'>) {
  const words = `${summary ? visible(titleOf(summary), 80) : 'a trace that is not there'} ${shortId(id)}`;
  const radio = (side: 'A' | 'B', checked: boolean, choose: () => void) => (
    <td>
      <input
        type="radio"
        name={`cohort-${side}`}
        aria-label={`${side}: ${words}`}
        checked={checked}
        disabled={!summary}
        onChange={choose}
      />
    </td>
  );
  return (
    <tr>
      {radio('A', bareId(id) === bareId(a), () => onChoose(id, b))}
      {radio('B', bareId(id) === bareId(b), () => onChoose(a, id))}
      <td className="wide">
        {summary ? <T max={120}>{titleOf(summary)}</T> : <span className="dim">not there any more</span>}{' '}
        <code className="id">{shortId(id)}</code>
      </td>
      <td className="cohort-start">{summary && moment(nanoTextToMs(summary.minStartTimeUnixNano))}</td>
      <td className="number">{summary && duration(lengthNs(summary))}</td>
      <td className="number">{summary && count(summary.spanCount)}</td>
      <td className="cohort-start">{summary && <Marks summary={summary} />}</td>
    </tr>
  );
}
