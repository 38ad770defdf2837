// A service's name beside its colour.
import { serviceColor } from '../lib/color';
import { count } from '../lib/time';
import { T, visible } from '../lib/text';
import { useDark } from '../lib/theme';
import { Icon } from './icon';

export function Swatch({ name }: { name: string }) {
  const dark = useDark();
  return <span className="swatch" style={{ background: serviceColor(name, dark) }} aria-hidden />;
}

export function Pill({ name, spans, errors }: { name: string; spans?: number; errors?: number }) {
  const title = `${visible(name)}${spans === undefined ? '' : `: ${count(spans)} spans${errors ? `, ${count(errors)} with errors` : ''}`}`;
  return (
    <span className={errors ? 'pill pill-error' : 'pill'} title={title}>
      <Swatch name={name} />
      <T max={80}>{name || '(no name)'}</T>
      {spans !== undefined && <span className="pill-count">{count(spans)}</span>}
      {errors ? (
        <>
          <Icon name="error" />
          <span className="hidden">with errors</span>
        </>
      ) : null}
    </span>
  );
}
