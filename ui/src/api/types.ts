// What the server answers: Jaeger's trace JSON, the search's summaries, and what only this server has.

export interface Tag {
  key: string;
  type: string;
  value: string | number | boolean | null;
}
export interface Reference {
  refType: string;
  traceID: string;
  spanID: string;
}
export interface Log {
  timestamp: number;
  fields: Tag[];
}
export interface Process {
  serviceName: string;
  tags: Tag[];
}
export interface Span {
  traceID: string;
  spanID: string;
  operationName: string;
  references: Reference[];
  startTime: number;
  duration: number;
  tags: Tag[];
  logs: Log[];
  processID: string;
  warnings: string[];
  flags: number;
}
export interface Detail extends Span {
  process: Process;
}

export interface ServiceCount {
  name: string;
  spanCount: number;
  errorSpanCount: number;
}
export interface Summary {
  traceId: string;
  rootServiceName: string;
  rootOperationName: string;
  minStartTimeUnixNano: string;
  maxEndTimeUnixNano: string;
  spanCount: number;
  errorSpanCount: number;
  orphanSpanCount: number;
  services: ServiceCount[];
}
export interface SearchAnswer {
  summaries: Summary[];
  next?: string;
  partial?: { reason: string };
}

export interface TraceEvent {
  spanID: string;
  timeUnixNano: string;
  name: string;
  attributes: Tag[];
}

export interface Link {
  parent: string;
  child: string;
  kind: string;
  callCount: number;
  errorCount?: number;
  p50Ns?: number;
  p95Ns?: number;
}

export interface Point {
  t: number;
  v: number | null;
}
export interface Series {
  operation: string;
  points: Point[];
}

export interface Instance {
  namespace: string;
  name: string;
}

export interface Reason {
  reason: string;
  spans: number;
  letters?: number;
}
export interface Ledger {
  since: string;
  here: boolean;
  received: number;
  durable: number;
  in_flight: number;
  refused: Reason[];
  set_aside: Reason[];
  lost: Reason[];
  turned_away: { receiver: string; reason: string; requests: number; last: string; said: string }[];
  examples: { at: string; reason: string; service: string; operation: string; trace_id: string; detail: string }[];
}
export interface Receiver {
  protocol: string;
  address: string;
  tls: boolean;
  path?: string;
}
