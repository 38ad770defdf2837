// Where the boxes and arrows of a graph stand: worked out by dagre, in a worker, so that a large graph does not stop the page.
import { Graph, layout } from '@dagrejs/dagre';

export interface Box {
  id: string;
  width: number;
  height: number;
}
export interface Arrow {
  from: string;
  to: string;
}
export interface LayoutAsk {
  number: number;
  boxes: Box[];
  arrows: Arrow[];
}
export interface LayoutAnswer {
  number: number;
  width: number;
  height: number;
  boxes: Record<string, { x: number; y: number }>;
  arrows: { x: number; y: number }[][];
  error?: string;
}

function place({ number, boxes, arrows }: LayoutAsk): LayoutAnswer {
  const graph = new Graph({ multigraph: false });
  graph.setGraph({
    rankdir: 'LR',
    nodesep: 14,
    ranksep: 70,
    marginx: 12,
    marginy: 12,
    ranker: boxes.length > 250 ? 'longest-path' : 'network-simplex',
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const box of boxes) graph.setNode(box.id, { width: box.width, height: box.height });
  for (const arrow of arrows) graph.setEdge(arrow.from, arrow.to, {});
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  const out: LayoutAnswer = { number, width: size.width ?? 0, height: size.height ?? 0, boxes: {}, arrows: [] };
  for (const box of boxes) {
    const node = graph.node(box.id) as { x: number; y: number };
    out.boxes[box.id] = { x: node.x, y: node.y };
  }
  for (const arrow of arrows) {
    const edge = graph.edge(arrow.from, arrow.to) as { points?: { x: number; y: number }[] } | undefined;
    out.arrows.push(edge?.points ?? []);
  }
  return out;
}

self.onmessage = (event: MessageEvent<LayoutAsk>) => {
  try {
    self.postMessage(place(event.data));
  } catch (error) {
    const failed: LayoutAnswer = { number: event.data.number, width: 0, height: 0, boxes: {}, arrows: [], error: (error as Error).message };
    self.postMessage(failed);
  }
};
