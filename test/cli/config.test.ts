import type { ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finished, mdx, ROOT, shell, started } from '../world/real-process.ts';

const TOKEN = '0123456789abcdef';
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mdx-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe('mdx config', () => {
  it('tells what is wrong, each where it is, and exits with 1', async () => {
    const path = file('wrong.toml', '[merge]\ngap_timout = "5ms"\n\n[source]\nfeed = 5\n');
    const { code, stdout } = await mdx(['config', 'check', path]);
    expect(code).toBe(1);
    expect(stdout.replaceAll(`${folder}/`, '')).toBe(
      'wrong.toml:2:1: there is no key merge.gap_timout (Did you mean merge.gap_timeout?)\n' +
        'wrong.toml:5:8: source.feed = 5: expected the name of a feed, or "none"\n' +
        'wrong.toml: 2 problems\n',
    );
  });

  it('knows the feeds and the options of lines', async () => {
    const path = file(
      'feed.toml',
      '[source]\nfeed = "itch-5"\n[lines]\na = ["udp://239.1.1.1:5000?rcvbof=1"]\n',
    );
    const { code, stdout } = await mdx(['config', 'check', path, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      command: 'config',
      valid: false,
      problems: [
        { where: `${path}:2:8`, key: 'source.feed', hint: 'Did you mean itch-5.0?' },
        { where: `${path}:4:5`, key: 'lines.a' },
      ],
    });
  });

  it('prints each value with its origin, and no token', async () => {
    const path = file('print.toml', `[merge]\nwindow = 7\n[security]\ntokens = ["desk:${TOKEN}"]\n`);
    const { code, stdout } = await shell(`$MDX config print ${path} --set log.level=warn`, {
      MDX_MERGE_GAP_TIMEOUT: '9ms',
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^window = 7 +# ${path}:2$`, 'm'));
    expect(stdout).toMatch(/^gap_timeout = "9ms" +# MDX_MERGE_GAP_TIMEOUT$/m);
    expect(stdout).toMatch(/^level = "warn" +# --set log.level$/m);
    expect(stdout).toMatch(/^pending_cap = 32768 +# default$/m);
    expect(stdout).not.toContain(TOKEN);
  });
});

describe('mdx serve with a configuration', () => {
  it('is refused with all that is wrong', async () => {
    const path = file('both.toml', '[merg]\n[log]\nlevel = "loud"\n');
    const { code, stderr } = await mdx(['serve', '--config', path, '--gap-timeout', '2h', 'x.pcap']);
    expect(code).toBe(2);
    expect(stderr).toContain('3 problems with the configuration');
    expect(stderr).toContain('both.toml:1:2: there is no section [merg] (Did you mean [merge]?)');
    expect(stderr).toContain('both.toml:3:9: log.level = "loud"');
    expect(stderr).toContain('--gap-timeout: merge.gap_timeout = "2h": expected a duration from 0 to 1h');
  });

  it('takes other tokens over with SIGHUP, and keeps what it has where the file is wrong', async () => {
    await mdx(['simulate', '--messages', '200', '-o', join(folder, 'session.pcap')]);
    const tokens = file('tokens', `desk:${TOKEN}\n`);
    const text = `[source]\ninputs = ["session.pcap"]\n[http]\nlisten = "127.0.0.1:0"\n[raw_v1]\na = "none"\nb = "none"\n[security]\ntoken_file = "tokens"\n`;
    const path = file('serve.toml', text);
    const serve = started(['serve', '--config', path]);
    const said = new Said(serve);
    const ended = finished(serve, null);
    const [, url] = await said.wait(/listening (http:\S+)/);
    const ask = async (token: string): Promise<number> => {
      const answer = await fetch(`${url}/api/v1/lines`, { headers: { authorization: `Bearer ${token}` } });
      await answer.arrayBuffer();
      return answer.status;
    };
    expect([await ask(TOKEN), await ask(`${TOKEN}x`)]).toEqual([200, 401]);
    writeFileSync(tokens, `desk:${TOKEN}x\n`);
    writeFileSync(path, `${text}[merge]\nwindow = 9\n`);
    serve.kill('SIGHUP');
    await said.wait(/took effect: security\.tokens; wait for a restart: merge\.window/);
    expect([await ask(TOKEN), await ask(`${TOKEN}x`)]).toEqual([401, 200]);
    writeFileSync(tokens, 'nonsense\n');
    serve.kill('SIGHUP');
    await said.wait(
      /the configuration stays as it was: .*serve\.toml:9:14: .*tokens:1: expected "NAME:TOKEN"/,
    );
    expect(await ask(`${TOKEN}x`)).toBe(200);
    serve.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  it('takes another certificate over with SIGHUP, for all endpoints', async () => {
    await mdx(['simulate', '--messages', '200', '-o', join(folder, 'tls.pcap')]);
    const pem = (name: string): string => readFileSync(join(ROOT, 'test/world/tls', name), 'utf8');
    const certificate = file('cert.pem', pem('certificate.pem'));
    const key = file('key.pem', pem('key.pem'));
    const path = file(
      'tls.toml',
      `[source]\ninputs = ["tls.pcap"]\n[http]\nlisten = "127.0.0.1:0"\n[http.tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n[raw_v1]\na = "127.0.0.1:0"\nb = "none"\n`,
    );
    const serve = started(['serve', '--config', path]);
    const said = new Said(serve);
    const ended = finished(serve, null);
    const [, http] = await said.wait(/listening https:\S+:(\d+)/);
    const [, rawV1] = await said.wait(/listening wss:\S+:(\d+)/);
    const shown = async (): Promise<string[]> =>
      [await certificateAt(Number(http)), await certificateAt(Number(rawV1))].map((raw) => pemOf(raw));
    const old = pem('certificate.pem').trim();
    const renewed = pem('renewed-certificate.pem').trim();
    expect(await shown()).toEqual([old, old]);
    writeFileSync(certificate, pem('renewed-certificate.pem'));
    serve.kill('SIGHUP');
    await said.wait(/the configuration stays as it was: TLS with \S+cert\.pem and \S+key\.pem: .*mismatch/);
    expect(await shown()).toEqual([old, old]);
    writeFileSync(key, pem('renewed-key.pem'));
    serve.kill('SIGHUP');
    await said.wait(/another certificate: it ends on \d{4}-\d\d-\d\d/);
    await expect.poll(shown).toEqual([renewed, renewed]);
    serve.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });
});

/** The certificate that a server shows, whatever it is. */
async function certificateAt(port: number): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return raw;
}

function pemOf(raw: Buffer): string {
  return new X509Certificate(raw).toString().trim();
}

/** What a process says on stderr. */
class Said {
  #text = '';
  #look: () => void = () => {};

  constructor(child: ChildProcess) {
    child.stderr!.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString();
      this.#look();
    });
  }

  /** Resolves with the match once it is there. */
  wait(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve) => {
      this.#look = () => {
        const match = pattern.exec(this.#text);
        if (match !== null) resolve(match);
      };
      this.#look();
    });
  }
}
