// A text field with a list of suggestions (the "combobox" pattern of ARIA 1.2): typing narrows, arrows choose, Enter takes, Escape closes.
// What a suggestion replaces is up to its owner, so that it serves a service's name as well as the next word of a list of tags.
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { T, visible } from '../lib/text';

export interface Suggestion {
  label: string;
  /** The whole text of the field once it is taken, and where the caret stands then. */
  value: string;
  caret?: number;
  hint?: string;
  /** Suggestions go on after this one: a key, whose value comes next. */
  more?: boolean;
}

const SHOWN = 200;

export interface SuggestProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  suggestions: (value: string, caret: number, typed: boolean) => Suggestion[];
  onCaret?: (value: string, caret: number) => void;
  onTake?: (value: string) => void;
  placeholder?: string;
  invalid?: string;
  help?: ReactNode;
  mono?: boolean;
  loading?: boolean;
  clearable?: boolean;
}

export function Suggest(props: SuggestProps) {
  const { label, value, onChange, suggestions, onCaret } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const [caret, setCaret] = useState(0);
  const [typed, setTyped] = useState(false);
  const all = open ? suggestions(value, caret, typed) : [];
  const shown = all.slice(0, SHOWN);

  useEffect(() => {
    if (active >= 0) list.current?.children[active]?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  const moved = (element: HTMLInputElement) => {
    const at = element.selectionStart ?? element.value.length;
    setCaret(at);
    onCaret?.(element.value, at);
  };
  const take = (suggestion: Suggestion) => {
    onChange(suggestion.value);
    props.onTake?.(suggestion.value);
    setActive(-1);
    setTyped(true);
    setOpen(suggestion.more === true);
    const at = suggestion.caret ?? suggestion.value.length;
    setCaret(at);
    onCaret?.(suggestion.value, at);
    requestAnimationFrame(() => input.current?.setSelectionRange(at, at));
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!open) {
        moved(event.currentTarget);
        setOpen(true);
      } else {
        const step = event.key === 'ArrowDown' ? 1 : -1;
        setActive(at => (shown.length ? (at + step + shown.length + (at < 0 && step < 0 ? 1 : 0)) % shown.length : -1));
      }
    } else if (event.key === 'Enter' && open && active >= 0 && shown[active]) {
      event.preventDefault();
      take(shown[active]);
    } else if (event.key === 'Enter') {
      setOpen(false);
    } else if (event.key === 'Escape' && open) {
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
      setActive(-1);
    }
  };
  const expanded = open && shown.length > 0;
  return (
    <div className="field suggest">
      <label htmlFor={id}>
        {label}
        {props.help}
      </label>
      <div className="suggest-box">
        <input
          id={id}
          ref={input}
          className={props.mono ? 'mono' : undefined}
          role="combobox"
          aria-expanded={expanded}
          aria-controls={expanded ? `${id}-list` : undefined}
          aria-autocomplete="list"
          aria-activedescendant={expanded && active >= 0 ? `${id}-${active}` : undefined}
          aria-invalid={props.invalid ? true : undefined}
          aria-describedby={props.invalid ? `${id}-error` : undefined}
          autoComplete="off"
          spellCheck={false}
          placeholder={props.placeholder}
          value={value}
          onChange={event => {
            onChange(event.target.value);
            moved(event.target);
            setActive(-1);
            setTyped(true);
            setOpen(true);
          }}
          onClick={event => {
            moved(event.currentTarget);
            setOpen(true);
          }}
          onFocus={() => setTyped(false)}
          onKeyDown={onKeyDown}
          onKeyUp={event => {
            if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') moved(event.currentTarget);
          }}
          onBlur={() => {
            setOpen(false);
            setActive(-1);
          }}
        />
        {props.clearable && value && (
          <button
            type="button"
            className="suggest-clear"
            aria-label={`Clear ${label.toLowerCase()}`}
            onClick={() => {
              onChange('');
              props.onTake?.('');
              input.current?.focus();
            }}
          >
            ×
          </button>
        )}
        {expanded && (
          <ul className="suggest-list" id={`${id}-list`} role="listbox" aria-label={`${label}: suggestions`} ref={list}>
            {shown.map((suggestion, i) => (
              <li
                key={i}
                id={`${id}-${i}`}
                role="option"
                aria-selected={i === active}
                title={visible(suggestion.label)}
                onMouseDown={event => {
                  event.preventDefault();
                  take(suggestion);
                }}
              >
                <span className={props.mono ? 'mono' : undefined}>
                  <T>{suggestion.label}</T>
                </span>
                {suggestion.hint && <small>{suggestion.hint}</small>}
              </li>
            ))}
            {all.length > SHOWN && (
              <li className="suggest-more" role="option" aria-selected={false} aria-disabled>
                {all.length - SHOWN} more: type to narrow
              </li>
            )}
          </ul>
        )}
      </div>
      {props.invalid && (
        <p className="field-error" id={`${id}-error`}>
          {props.invalid}
        </p>
      )}
    </div>
  );
}

/** Names that hold what was typed, those that begin with it first; all of them while nothing was typed. */
export function narrowed(names: string[], value: string, typed: boolean): Suggestion[] {
  const all = names.map(name => ({ label: name, value: name }));
  if (!typed || !value) return all;
  const text = value.toLowerCase();
  const begins = all.filter(each => each.label.toLowerCase().startsWith(text));
  const holds = all.filter(each => !each.label.toLowerCase().startsWith(text) && each.label.toLowerCase().includes(text));
  const found = [...begins, ...holds];
  return found.length === 1 && found[0]!.label === value ? [] : found;
}
