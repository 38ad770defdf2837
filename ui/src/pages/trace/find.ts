// Finding spans: the server looks through all of them, and says where they stand. What is looked for is in the address (uiFind), as in Jaeger's links.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { useLocation } from 'wouter';
import { findSpan } from '../../trace/columns';
import type { Model } from './model';

export interface Find {
  text: string;
  setText: (text: string) => void;
  /** Spans that are named by their ids: what a link points at. */
  named: number[];
  /** Found spans in the order of the timeline. */
  found: number[];
  /** For each span whether it was found; null when nothing is looked for. */
  marks: Uint8Array | null;
  searching: boolean;
  error: string | null;
  /** Which of the found ones is looked at. */
  at: number;
  go: (step: number) => void;
  only: boolean;
  setOnly: (only: boolean) => void;
}

export function useFind(model: Model, asked: string): Find {
  const [path, navigate] = useLocation();
  const [text, setText] = useState(asked);
  const [at, setAt] = useState(0);
  const [only, setOnly] = useState(false);
  useEffect(() => setText(asked), [asked]);
  useEffect(() => {
    if (text === asked) return;
    const timer = setTimeout(() => {
      const params = new URLSearchParams(location.search);
      if (text.trim()) params.set('uiFind', text);
      else params.delete('uiFind');
      const query = params.toString();
      navigate(`${path}${query ? `?${query}` : ''}`, { replace: true });
    }, 250);
    return () => clearTimeout(timer);
  }, [text, asked, path, navigate]);
  const wanted = asked.trim();
  const named = useMemo(() => spansNamed(model, wanted), [model, wanted]);
  const answer = useQuery({
    queryKey: ['find', model.columns.traceId, model.columns.fingerprint, model.source.raw, wanted],
    queryFn: ({ signal }) => model.source.find(wanted, signal),
    enabled: wanted !== '' && named.length === 0,
    staleTime: Infinity,
    structuralSharing: false,
  });
  const { found, marks } = useMemo(() => {
    const all = named.length > 0 ? named : answer.data;
    if (!wanted || !all) return { found: [], marks: null };
    const { place } = model.tree;
    const found = [...all].sort((a, b) => place[a]! - place[b]!);
    const marks = new Uint8Array(model.columns.n);
    for (const i of found) marks[i] = 1;
    return { found, marks };
  }, [answer.data, named, wanted, model]);
  useEffect(() => setAt(0), [found]);
  return {
    text,
    setText,
    named,
    found,
    marks,
    searching: answer.isFetching,
    error: answer.isError ? answer.error.message : null,
    at: Math.min(at, Math.max(0, found.length - 1)),
    go: step => setAt(old => (found.length ? (old + step + found.length) % found.length : 0)),
    only,
    setOnly,
  };
}

/** The spans of these ids, if each word is the id of one. */
function spansNamed(model: Model, text: string): number[] {
  const words = text.split(/\s+/).filter(Boolean);
  if (words.length === 0 || words.length > 100 || words.some(word => !/^[0-9a-f]{1,16}$/i.test(word))) return [];
  const spans = words.map(word => findSpan(model.columns, word));
  return spans.includes(-1) ? [] : [...new Set(spans)];
}
