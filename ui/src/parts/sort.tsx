// The head of a column that sorts: it says by what the rows stand, and a click turns them round or sorts by it.
import { useState } from 'react';
import { Icon } from './icon';

export interface Order<Column extends string> {
  by: Column;
  down: boolean;
}

/** What the rows stand by. Columns of `rising` begin with the least, others with the most. */
export function useOrder<Column extends string>(first: Order<Column>, rising: Column[]): [Order<Column>, (by: Column) => void] {
  const [order, setOrder] = useState(first);
  return [order, by => setOrder(old => ({ by, down: old.by === by ? !old.down : !rising.includes(by) }))];
}

interface Props<Column extends string> {
  column: Column;
  label: string;
  order: Order<Column>;
  onOrder: (by: Column) => void;
  className?: string;
  title?: string;
  /** Of a table of plain elements, where `th` cannot be. */
  plain?: boolean;
}

export function SortHead<Column extends string>({ column, label, order, onOrder, className = 'number', title, plain }: Props<Column>) {
  const sorted = order.by === column;
  const shared = { className, title, 'aria-sort': sorted ? (order.down ? 'descending' : 'ascending') : undefined } as const;
  const inner = (
    <button type="button" onClick={() => onOrder(column)}>
      {label}
      {sorted && <Icon name={order.down ? 'down' : 'up'} />}
    </button>
  );
  return plain ? (
    <span role="columnheader" {...shared}>
      {inner}
    </span>
  ) : (
    <th scope="col" {...shared}>
      {inner}
    </th>
  );
}
