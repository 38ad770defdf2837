// What may come next where the caret stands: a key or a value, in the list of tags and in the search language.
import type { Suggestion } from '../../parts/suggest';
import { quoted } from '../../routes';

interface Place {
  /** The word that is being written: text[from..to]. */
  from: number;
  to: number;
  word: string;
  /** Set where a value of this key is being written. */
  key?: string;
}

/** In `key=value key="two words"`. */
export function tagPlace(text: string, caret: number): Place {
  let from = 0;
  let isQuoted = false;
  for (let i = 0; i < caret; i++) {
    if (text[i] === '"' && text[i - 1] !== '\\') isQuoted = !isQuoted;
    else if (text[i] === ' ' && !isQuoted) from = i + 1;
  }
  let to = caret;
  while (to < text.length && text[to] !== ' ') to++;
  const token = text.slice(from, caret);
  const at = token.indexOf('=');
  if (at < 0) return { from, to, word: token.replace(/"/g, '') };
  return { from: from + at + 1, to, word: token.slice(at + 1).replace(/"/g, ''), key: token.slice(0, at).replace(/"/g, '') };
}

export function tagSuggestions(text: string, caret: number, keys: string[], values: string[]): Suggestion[] {
  const place = tagPlace(text, caret);
  const put = (word: string, after: string): Pick<Suggestion, 'value' | 'caret'> => ({
    value: text.slice(0, place.from) + word + after + text.slice(place.to),
    caret: place.from + word.length + after.length,
  });
  if (place.key === undefined) {
    return holding(keys, place.word).map(key => ({ label: key, more: true, ...put(quoted(key), text[place.to] === '=' ? '' : '=') }));
  }
  return holding(values, place.word).map(value => ({ label: value, ...put(quoted(value), '') }));
}

const WORDS = ['service', 'operation', 'duration', 'kind', 'status', 'error', 'and', 'or', 'not'];
const KINDS = ['server', 'client', 'producer', 'consumer', 'internal'];
const STATUS = ['error', 'ok', 'unset'];

/** In the search language: a value stands behind a comparison, a key elsewhere. */
export function queryPlace(text: string, caret: number): Place {
  const before = text.slice(0, caret);
  const value = /([\w./:@+-]+|"(?:[^"\\]|\\.)*")\s*(?:=~|!~|!=|==|<=|>=|=|<|>)\s*("[^"]*|[\w./:@+-]*)$/.exec(before);
  if (value) {
    const word = value[2]!;
    return { from: caret - word.length, to: caret, word: word.replace(/"/g, ''), key: value[1]!.replace(/^"|"$/g, '') };
  }
  const word = /[\w./:@+-]*$/.exec(before)![0];
  return { from: caret - word.length, to: caret, word };
}

export function querySuggestions(text: string, caret: number, keys: string[], values: string[]): Suggestion[] {
  const place = queryPlace(text, caret);
  const put = (word: string): Pick<Suggestion, 'value' | 'caret'> => ({
    value: `${text.slice(0, place.from)}${word} ${text.slice(place.to).trimStart()}`,
    caret: place.from + word.length + 1,
  });
  if (place.key !== undefined) {
    const own = place.key === 'kind' ? KINDS : place.key === 'status' ? STATUS : values;
    return holding(own, place.word).map(value => ({ label: value, ...put(/^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value)) }));
  }
  const plain = (key: string) => (/^[\w./:@+-]+$/.test(key) ? key : JSON.stringify(key));
  const words = holding(WORDS, place.word).map(word => ({ label: word, hint: 'word', more: true, ...put(word) }));
  const named = holding(
    keys.filter(key => !WORDS.includes(key)),
    place.word,
  ).map(key => ({ label: key, more: true, ...put(plain(key)) }));
  return place.word ? [...named, ...words] : [...words, ...named];
}

function holding(names: string[], word: string): string[] {
  const text = word.toLowerCase();
  const found = names.filter(name => name.toLowerCase().includes(text));
  return found.sort((a, b) => Number(b.toLowerCase().startsWith(text)) - Number(a.toLowerCase().startsWith(text)));
}
