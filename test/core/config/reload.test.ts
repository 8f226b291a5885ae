import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoadedConfig, loadServeConfig } from '../../../src/core/config/load.ts';
import { reload, reloadText } from '../../../src/core/config/reload.ts';

const TOKEN = '0123456789abcdef';
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mdx-reload-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(text: string): LoadedConfig {
  const file = join(folder, 'mdx.toml');
  writeFileSync(file, text);
  return loadServeConfig({ file, environment: {}, flags: new Map() });
}

describe('a configuration that is read again', () => {
  it('takes over what may change, and names what waits', () => {
    const running = load('[http]\nmax_connections = 10\n[merge]\nwindow = 5\n');
    const now = load('[http]\nmax_connections = 20\n[merge]\nwindow = 6\n[log]\nlevel = "debug"\n');
    const change = reload(running, now);
    expect(change.applied).toEqual(['http.max_connections', 'log.level']);
    expect(change.restart).toEqual(['merge.window']);
    expect(change.next.config.http.maxConnections).toBe(20);
    expect(change.next.config.merge.window).toBe(5);
    expect(reloadText(change)).toBe(
      'configuration read again; took effect: http.max_connections, log.level; wait for a restart: merge.window',
    );
    // What waits is told again for as long as it waits, what took effect is not.
    expect(reload(change.next, now)).toMatchObject({ applied: [], restart: ['merge.window'] });
    expect(reloadText(reload(now, now))).toBe('configuration read again: nothing has changed');
  });

  it('takes over the tokens of a file of the same name', () => {
    const text = '[security]\ntoken_file = "tokens"\n';
    writeFileSync(join(folder, 'tokens'), `desk:${TOKEN}\n`);
    const running = load(text);
    writeFileSync(join(folder, 'tokens'), `desk:${TOKEN}\nops:${TOKEN}x\n`);
    const { next, applied } = reload(running, load(text));
    expect(applied).toEqual(['security.tokens']);
    expect(next.config.security.tokens.map(({ name }) => name)).toEqual(['desk', 'ops']);
  });

  it('does not take the last token away while others can come in', () => {
    const running = load(`[http]\nlisten = "0.0.0.0:80"\n[security]\ntokens = ["a:${TOKEN}"]\n`);
    const now = load('[http]\nlisten = "127.0.0.1:80"\n');
    expect(() => reload(running, now)).toThrow(/0\.0\.0\.0:80 lets other machines in/);
  });
});
