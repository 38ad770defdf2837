// How the bundle is made: relative paths (the page's <base> says where they lie), one file of styles, no source maps, nothing of the time
// or the place of the build, so that two builds are equal byte by byte.
import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/** Licences of what is in a worker, which the list of the page's own packages does not name. */
const workerLicenses: Plugin = {
  name: 'worker-licenses',
  generateBundle() {
    for (const name of ['dagre', 'graphlib']) {
      const source = readFileSync(new URL(`node_modules/@dagrejs/${name}/LICENSE`, import.meta.url), 'utf8');
      this.emitFile({ type: 'asset', fileName: `static/license-${name}.txt`, source });
    }
  },
};

export default defineConfig({
  base: './',
  plugins: [workerLicenses],
  build: {
    outDir: 'dist',
    assetsDir: 'static',
    sourcemap: false,
    // whose work the bundle holds, and under which licences
    license: { fileName: 'static/licenses.md' },
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rollupOptions: {
      onwarn(warning, warn) {
        // "use client" is for servers that render; there is none here
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '^/(ns/.*/)?api/': 'http://127.0.0.1:16700' } },
});
