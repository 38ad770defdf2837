// How far back a page looks: a choice of the usual times, and the one of the address where that is another.
import { lookbackWords } from '../lib/time';

interface Props {
  value: string;
  choices: string[];
  onChange: (lookback: string) => void;
}

export function Lookback({ value, choices, onChange }: Props) {
  return (
    <label className="inline">
      <span>Time</span>
      <select value={value} onChange={event => onChange(event.target.value)}>
        {(choices.includes(value) ? choices : [value, ...choices]).map(each => (
          <option key={each} value={each}>
            Last {lookbackWords(each)}
          </option>
        ))}
      </select>
    </label>
  );
}
