// Pictures of every page, light and dark, wide and narrow: `node test/browser/shots.js FOLDER BASE_URL [part of a name, or docs]`. Not a test: somebody looks at them.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from './chromium.js';

const [folder = 'shots', base = 'http://127.0.0.1:16700', only = ''] = process.argv.slice(2);
// those of docs/ui.md
const DOCS = 'search search-table trace trace-detail trace-help flame graph statistics spans events compare system monitor where welcome';
mkdirSync(folder, { recursive: true });

const services = (await (await fetch(`${base}/api/services`)).json()).data;
const service = ['storefront', 'frontend'].find(name => services.includes(name)) ?? services[0];
const { summaries } = await (await fetch(`${base}/api/v3/trace-summaries?limit=200&service=${service}`)).json();
const largest = [...summaries].sort((a, b) => b.spanCount - a.spanCount);
const failed = largest.find(each => each.errorSpanCount > 0) ?? largest[0];
const like = each => each !== failed && each.rootOperationName === failed.rootOperationName && each.errorSpanCount === 0;
const fine = largest.find(like) ?? largest[1];
const broken = summaries.find(each => each.orphanSpanCount > 0) ?? failed;

const pages = [
  ['search', `/search?service=${service}&limit=40`],
  ['search-all', '/search'],
  ['search-table', '/search?limit=60', async page => page.getByRole('button', { name: 'Table' }).click()],
  ['search-none', '/search?service=nobody'],
  ['search-refused', '/search?q=broken'],
  ['search-login', '/search?q=login'],
  ['search-partial', '/search?q=partial&limit=10'],
  ['trace', `/trace/${fine.traceId}`],
  [
    'trace-detail',
    `/trace/${failed.traceId}`,
    async page =>
      page
        .locator('.row', { has: page.locator('.icon') })
        .nth(2)
        .click(),
  ],
  ['trace-find', `/trace/${fine.traceId}?uiFind=payment`],
  ['trace-broken', `/trace/${broken.traceId}`],
  [
    'trace-help',
    `/trace/${fine.traceId}`,
    async page => {
      await page.locator('.row').first().waitFor();
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
    },
  ],
  ['trace-hostile', '/trace/bad0bad0bad0bad0bad0bad0bad0bad0', async page => page.locator('.row').nth(1).click()],
  ['flame', `/trace/${fine.traceId}?view=flame`],
  ['graph', `/trace/${fine.traceId}?view=graph`],
  ['statistics', `/trace/${fine.traceId}?view=statistics`],
  ['spans', `/trace/${fine.traceId}?view=spans`],
  ['events', `/trace/${failed.traceId}?view=events`],
  ['json', `/trace/${fine.traceId}?view=json`],
  ['trace-missing', '/trace/deadbeef'],
  ['trace-embedded', `/trace/${fine.traceId}?uiEmbed=v0`],
  ['compare', `/trace/${fine.traceId}...${failed.traceId}`],
  ['compare-empty', '/compare'],
  ['system', '/dependencies'],
  ['system-focus', '/dependencies?service=cart&depth=1'],
  ['monitor', `/monitor?service=${service}`],
  ['where', '/where?trace=4bf92f3577b34da6a3ce929d0e0e4736'],
  ['welcome', '/welcome'],
];

const browser = await launch();
for (const scheme of ['light', 'dark']) {
  for (const width of [1440, 390]) {
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: width === 390 ? 844 : 900 } });
    for (const [name, path, act] of pages) {
      const file = `${name}-${scheme}-${width}.png`;
      if (only === 'docs' ? !DOCS.split(' ').includes(name) : !file.includes(only)) continue;
      const page = await context.newPage();
      page.on('pageerror', error => console.log(`${name}: ${error.message}`));
      page.on(
        'console',
        message => ['error', 'warning'].includes(message.type()) && console.log(`${name}: ${message.text().slice(0, 300)}`),
      );
      await page.goto(base + path);
      await page.waitForLoadState('networkidle');
      if (act) await act(page).catch(error => console.log(`${name}: ${error.message.split('\n')[0]}`));
      await page.waitForTimeout(350);
      await page.screenshot({ path: join(folder, file) });
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
