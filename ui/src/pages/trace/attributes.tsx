// Keys and values: searched when there are many, cut when they are long, followed only where an address is one that may be.
import { useMemo, useState } from 'react';
import type { Tag } from '../../api/types';
import { attributeLinks, valueHref, type Scope } from '../../lib/links';
import { T, visible } from '../../lib/text';
import { count } from '../../lib/time';
import type { LinkPattern, LinkType } from '../../uiconfig';
import { Icon } from '../../parts/icon';
import { copy } from '../../parts/toast';
import { tagText } from '../../trace/jaeger';

const AT_FIRST = 100;
const LONG = 600;
const LONGEST = 200_000;

/** The first of them in a line. */
export function short(tags: Tag[], max: number): string {
  let out = '';
  for (const tag of tags) {
    out += `${out ? '  ' : ''}${visible(tag.key, 60)}=${visible(tagText(tag), 80)}`;
    if (out.length > max) return `${out.slice(0, max)}…`;
  }
  return out;
}

interface Props {
  title: string;
  tags: Tag[];
  /** All that they are part of, if there is more. */
  beside?: Tag[];
  scope: Scope;
  type: LinkType;
  patterns: LinkPattern[];
  open?: boolean;
}

export function Attributes({ title, tags, beside = tags, scope, type, patterns, open = false }: Props) {
  const [shown, setShown] = useState(AT_FIRST);
  const [filter, setFilter] = useState('');
  const found = useMemo(() => {
    const text = filter.toLowerCase();
    return text ? tags.filter(tag => tag.key.toLowerCase().includes(text) || tagText(tag).toLowerCase().includes(text)) : tags;
  }, [tags, filter]);
  return (
    <details className="detail-part attributes" open={open}>
      <summary>
        {title} <span className="dim">{count(tags.length)}</span>
        <span className="dim attributes-short">{short(tags, 200)}</span>
      </summary>
      {tags.length > 20 && (
        <input
          className="attributes-filter"
          aria-label={`Filter ${title.toLowerCase()}`}
          placeholder="Filter keys and values"
          value={filter}
          onChange={event => setFilter(event.target.value)}
        />
      )}
      {tags.length > 0 ? (
        <table className="attributes-table">
          <tbody>
            {found.slice(0, shown).map((tag, k) => (
              <tr key={k}>
                <th scope="row">
                  <T max={200}>{tag.key}</T>
                </th>
                <td>
                  <Value tag={tag} />
                  {attributeLinks(patterns, type, tag, beside, scope).map((link, n) => (
                    <a key={n} className="attributes-link" href={link.href} target="_blank" rel="noreferrer">
                      <Icon name="link" /> <T max={100}>{link.text}</T>
                    </a>
                  ))}
                </td>
                <td className="attributes-tools">
                  <button
                    type="button"
                    className="ghost"
                    title="Copy the value"
                    aria-label={`Copy ${visible(tag.key, 60)}`}
                    onClick={() => void copy(tagText(tag), 'the value')}
                  >
                    <Icon name="copy" />
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p className="note">None</p>
      )}
      {found.length > shown && (
        <button type="button" onClick={() => setShown(shown + 500)}>
          {count(found.length - shown)} more
        </button>
      )}
      {tags.length > 0 && found.length === 0 && <p className="note">Nothing holds “{filter.slice(0, 60)}”</p>}
    </details>
  );
}

function Value({ tag }: { tag: Tag }) {
  const [all, setAll] = useState(false);
  const text = tagText(tag);
  const pretty = useMemo(() => prettyJson(text), [text]);
  const href = tag.type === 'string' ? valueHref(text) : null;
  const max = all ? LONGEST : LONG;
  const shown = pretty ?? text;
  return (
    <>
      {href ? (
        <a href={href} target="_blank" rel="noreferrer nofollow">
          <T max={LONG}>{text}</T>
        </a>
      ) : (
        <span className={pretty ? 'value value-json' : `value value-${tag.type === 'string' ? 'text' : 'other'}`}>
          <T max={max}>{shown}</T>
        </span>
      )}
      {shown.length > LONG && !href && (
        <button type="button" className="ghost value-more" onClick={() => setAll(!all)}>
          {all ? 'Less' : `All of ${count(text.length)} characters`}
        </button>
      )}
      {all && shown.length > LONGEST && <span className="note">The first {count(LONGEST)} are shown; copying takes all.</span>}
    </>
  );
}

function prettyJson(text: string): string | null {
  if (text.length < 2 || text.length > 50_000 || !/^\s*[[{]/.test(text)) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? JSON.stringify(value, null, 2) : null;
  } catch {
    return null;
  }
}
