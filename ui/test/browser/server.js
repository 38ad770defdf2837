// A real Spoor for browser tests: SPOOR_BIN started on ports of its own with an empty store in memory, and traces sent to it as OTLP.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toOtlp } from '../fixture/shop.js';

const dist = join(fileURLToPath(import.meta.url), '../../../dist');

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** For developing the tests only: the fixture server in the place of Spoor. */
async function startFixture(path, config) {
  const port = await freePort();
  const child = spawn(process.execPath, [join(dist, '../test/fixture/main.js')], {
    env: { ...process.env, PORT: String(port), EMPTY: '1', UI_CONFIG: config ? JSON.stringify(config) : '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise(resolve => child.stdout.once('data', resolve));
  const origin = `http://127.0.0.1:${port}`;
  const put = spans => fetch(`${origin}/api/fixture`, { method: 'POST', body: JSON.stringify(spans) });
  return { base: origin + path, stop: async () => void child.kill(), log: () => '', send: put };
}

/** Starts all roles in one process. SPOOR_UI=embedded tests the page that is built in, else that of ui/dist. `store` is where spans are kept,
 *  `path` that of the pages: of an instance, say; `config` is a ui-config. */
export async function startSpoor(flags = [], { store = 'memory', path = '', config } = {}) {
  if (process.env.SPOOR_FIXTURE) return startFixture(path, config);
  const binary = process.env.SPOOR_BIN;
  if (!binary) throw new Error('say where a spoor program is in SPOOR_BIN, such as ../target/release/spoor');
  const [http, grpc, otlp, otlpHttp, zipkin, admin] = await Promise.all(Array.from({ length: 6 }, freePort));
  const folder = mkdtempSync(join(tmpdir(), 'spoor-ui-'));
  if (config) writeFileSync(join(folder, 'ui.json'), JSON.stringify(config));
  const args = [
    'all-in-one',
    `--span-storage.type=${store}`,
    `--query.http-server.host-port=127.0.0.1:${http}`,
    `--query.grpc-server.host-port=127.0.0.1:${grpc}`,
    `--collector.otlp.grpc.host-port=127.0.0.1:${otlp}`,
    `--collector.otlp.http.host-port=127.0.0.1:${otlpHttp}`,
    `--collector.zipkin.host-port=127.0.0.1:${zipkin}`,
    '--collector.http-server.host-port=127.0.0.1:0',
    '--collector.grpc-server.host-port=127.0.0.1:0',
    '--processor.jaeger-compact.server-host-port=127.0.0.1:0',
    '--processor.jaeger-binary.server-host-port=127.0.0.1:0',
    '--http-server.host-port=127.0.0.1:0',
    `--admin.http.host-port=127.0.0.1:${admin}`,
    '--query.max-spans=1000000',
    '--log-level=warn',
    ...(process.env.SPOOR_UI === 'embedded' ? [] : [`--query.static-files=${dist}`]),
    ...(config ? [`--query.ui-config=${join(folder, 'ui.json')}`] : []),
    ...flags,
  ];
  const child = spawn(binary, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (log = (log + chunk).slice(-20_000)));
  const base = `http://127.0.0.1:${http}${path}`;
  const stop = async () => {
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGTERM');
    await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 5000).unref())]);
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const until = Date.now() + 20_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`spoor ended with ${child.exitCode}:\n${log}`);
    const answer = await fetch(`${base}/api/services`).catch(() => null);
    if (answer?.ok) break;
    if (Date.now() > until) {
      await stop();
      throw new Error(`spoor did not answer within 20 s:\n${log}`);
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  const receiver = `http://127.0.0.1:${otlpHttp}`;
  const sendZipkin = spans => post(`http://127.0.0.1:${zipkin}/api/v2/spans`, spans);
  return { base, receiver, stop, log: () => log, send: spans => send(receiver, spans), sendZipkin };
}

/** Sends plain spans in parts that a receiver takes. */
async function send(address, spans) {
  for (let at = 0; at < spans.length; at += 5000) {
    await post(`${address}/v1/traces`, toOtlp(spans.slice(at, at + 5000)));
  }
}

async function post(url, json) {
  const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(json) });
  if (!answer.ok) throw new Error(`spans were not taken: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
}

/** Whether this server has what only newer ones have. */
export async function has(base, path) {
  const answer = await fetch(`${base}/${path}`);
  return !(answer.status === 404 && /page not found/.test(await answer.text()));
}
