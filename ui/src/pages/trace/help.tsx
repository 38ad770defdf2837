// The keys of the trace page: Jaeger's, and a few more.
const KEYS: [string, [string, string][]][] = [
  [
    'Move',
    [
      ['f b', 'next, previous span in sight'],
      ['s w', 'a page down, up'],
      ['Tab, ↑ ↓', 'into the rows, from row to row'],
      ['Enter', 'details of the row'],
      ['→ ←', 'in the rows: open, close what is below'],
    ],
  ],
  [
    'Time',
    [
      ['a d or ← →', 'move left, right (with Shift: further)'],
      ['↑ ↓ or + -', 'zoom in, out (with Shift: further)'],
      ['r', 'all of the trace'],
      ['drag', 'in the overview or the scale: zoom to it'],
    ],
  ],
  [
    'Tree',
    [
      ['[ ]', 'open all, close all'],
      ['o p', 'one level more, one less'],
      ['c', 'show, hide the critical path'],
    ],
  ],
  [
    'Find',
    [
      ['/', 'into the find box'],
      ['n p', 'next, previous match while something is looked for'],
      ['Escape', 'look for nothing'],
    ],
  ],
];

export function KeyHelp() {
  return (
    <div className="keys">
      {KEYS.map(([title, keys]) => (
        <section key={title}>
          <h3>{title}</h3>
          <dl>
            {keys.map(([key, what]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}
