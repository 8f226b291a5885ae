/*
 * A made-up exchange on this machine, live: it sends a session on two lines, both lose packets, and `mdx serve` makes
 * books of them that lose nothing; a recovery server has what both lines lost.
 *
 *     npm run demo [-- --messages N] [-- --rate N] [-- --loss SHARE] [-- --any-port] [-- --once]
 *
 * It prints what to try and how it goes, until it is interrupted. --once ends it behind the session, and proves what was
 * served: the books that the journal ends with are those of the capture that lost nothing. Exit code 1 when they are not.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { styleFor } from '../src/cli/style.ts';
import { ROOT } from './generated.ts';

const LOOK_MS = 2000;

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '600000' },
    rate: { type: 'string', default: '1000' },
    loss: { type: 'string', default: '1%' },
    'any-port': { type: 'boolean', default: false },
    once: { type: 'boolean', default: false },
  },
});

interface Lines {
  readonly lines: readonly { readonly name: string; readonly packets: number }[];
  readonly channels: readonly {
    readonly next: string;
    readonly delivered: number;
    readonly filled: number;
    readonly missing: number;
    readonly lost: number;
    readonly firstBy: Readonly<Record<string, number>>;
  }[];
}

const program = join(ROOT, 'bin/run.js');
const style = styleFor('auto', process.stdout);
const folder = mkdtempSync(join(tmpdir(), 'mdx-demo-'));
const children: ChildProcess[] = [];
let isOver = false;
/** How it went when that was looked at last. */
let told = '';
let stop = (): void => {};
const asked = new Promise<void>((resolve) => {
  stop = () => {
    isOver = true;
    resolve();
  };
});
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
// A reader that leaves has seen enough.
process.stdout.on('error', stop);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);

process.exitCode = await show();

async function show(): Promise<number> {
  title(`An exchange trades: ${values.messages} messages, ${values.rate} a second`);
  run(`simulate --seed 42 --messages ${values.messages} --rate ${values.rate} -o session.pcap -q`);

  title(`A recovery server has all of it; two lines bring it, and each loses ${values.loss} of its packets`);
  const [a, b] = [await freePort(), await freePort()];
  const [recovery = ''] = await started('recover-server session.pcap --listen tcp+listen://127.0.0.1:0');
  writeFileSync(join(folder, 'mdx.toml'), configOf(a, b, recovery));
  const [url = '', rawV1 = ''] = await started('serve --config mdx.toml', 2);
  const serve = children.at(-1)!;
  const served = once(serve, 'close') as Promise<[number | null]>;
  await linesAre(url, 2);
  const exchange = start(
    `replay session.pcap --to udp://127.0.0.1:${a} --to udp://127.0.0.1:${b} --loss ${values.loss} --seed 7 --speed 1 -q`,
  );
  exchange.stdout?.resume();
  let isSent = false;
  exchange.once('close', () => {
    isSent = true;
  });

  tryIt(url, rawV1);
  while (!isOver && serve.exitCode === null && !(values.once && isSent && (await isSettled(url)))) {
    await Promise.race([sleep(values.once ? 100 : LOOK_MS), asked]);
    if (!isOver) await tell(url);
  }
  const isReady = values.once ? (await fetch(`${url}/ready`)).ok : true;
  serve.kill('SIGINT');
  const [code] = await served;
  for (const child of children) child.kill();
  if (!values.once) return code === 0 ? 0 : 1;
  say(`ready at the end: ${isReady ? 'yes' : 'no'}`);
  return isProved() && isReady && code === 0 ? 0 : 1;
}

function configOf(a: number, b: number, recovery: string): string {
  const port = (number: number): number => (values['any-port'] ? 0 : number);
  return `[source]
feed = "itch-5.0"
[lines]
a = ["udp://127.0.0.1:${a}"]
b = ["udp://127.0.0.1:${b}"]
[merge]
start = 1
gap_timeout = "5ms"
[recovery]
endpoint = "${recovery}"
timeout = "10s"
request_timeout = "3s"
[journal]
directory = "journal"
[http]
listen = "127.0.0.1:${port(8080)}"
[raw_v1]
a = "127.0.0.1:${port(9081)}"
b = "127.0.0.1:${port(9082)}"
`;
}

/** What a stranger can do while it runs. */
function tryIt(url: string, rawV1: string): void {
  title('Try, in another terminal');
  const lines = [
    [`curl ${url}/ready`, 'are the books right, and if not, why'],
    [`curl ${url}/api/v1/lines`, 'what each line brought and lost, what was filled'],
    [`curl '${url}/api/v1/book/AAA?depth=5'`, 'a book'],
    [`curl -N ${url}/api/v1/stream/bbo`, 'best prices as they change'],
    [`curl ${url}/metrics`, 'for Prometheus'],
    [values['any-port'] ? `mdx top ${url}` : 'mdx top', 'all of it, live'],
    [`mdx book ${rawV1}/ws --symbol AAA --watch`, 'the book of a client'],
  ] as const;
  const width = Math.max(...lines.map(([line]) => line.length));
  for (const [line, what] of lines) shown(`${line.padEnd(width)}  # ${what}`);
  title('How it goes (^C ends it)');
}

async function tell(url: string): Promise<void> {
  const [{ lines, channels }, ready] = await Promise.all([
    (await fetch(`${url}/api/v1/lines`)).json() as Promise<Lines>,
    fetch(`${url}/ready`),
  ]);
  const [channel] = channels;
  if (channel === undefined) return;
  const lost = lines.map(({ name }) => `${name} first ${count(channel.firstBy[name] ?? 0)}`).join(' · ');
  const { delivered, filled, missing, lost: gone } = channel;
  const holes = `${count(filled)} filled by recovery · ${count(missing)} missing · ${count(gone)} lost`;
  const state = ready.ok ? style.good('ready') : style.bad('not ready');
  const line = `${count(delivered)} messages · ${lost} · ${holes} · ${state}`;
  if (line !== told) say(line);
  told = line;
}

/** Nothing is missing any more, and the journal has it all. */
async function isSettled(url: string): Promise<boolean> {
  const { channels } = (await (await fetch(`${url}/api/v1/lines`)).json()) as Lines;
  return channels.every(({ missing, next }) => missing === 0 && Number(next) > Number(values.messages));
}

/** Are the books of the journal those of the capture without losses? */
function isProved(): boolean {
  title('The proof');
  const whole = stateOf('session.pcap');
  const served = stateOf('journal/');
  say(`state hash of the capture that lost nothing  ${whole}`);
  say(`state hash of what was served                ${served}`);
  const isEqual = whole === served;
  say(isEqual ? style.good('Equal: nothing was lost.') : style.bad('DIFFERENT: this is a fault of mdx.'));
  return isEqual;
}

function stateOf(input: string): string {
  const { stdout } = spawnSync(process.execPath, [program, 'replay', input, '--json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return (JSON.parse(stdout) as { book: { stateHash: string } }).book.stateHash;
}

/** Runs mdx with these words in the folder of the demo. */
function run(line: string): void {
  shown(`mdx ${line}`);
  const { status } = spawnSync(process.execPath, [program, ...line.split(' ')], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`mdx ended with exit code ${status}`);
}

function start(line: string): ChildProcess {
  shown(`mdx ${line}`);
  // A group of its own: ^C is for the demo, which ends them in order.
  const child = spawn(process.execPath, [program, ...line.split(' ')], { cwd: folder, detached: true });
  children.push(child);
  child.stdout?.resume();
  return child;
}

/** Starts what listens. @returns the addresses that it names first, as many as are wanted. */
async function started(line: string, wanted = 1): Promise<string[]> {
  const child = start(line);
  let text = '';
  child.stderr!.setEncoding('utf8');
  for await (const chunk of child.stderr!) {
    text += chunk as string;
    const addresses = [...text.matchAll(/^listening (\S+)$/gm)].map(([, address]) => address!);
    if (addresses.length < wanted) continue;
    child.stderr!.resume();
    child.stderr!.on('data', (more: string) => process.stderr.write(more));
    return addresses;
  }
  throw new Error(`mdx ${line} ended: ${text}`);
}

async function linesAre(url: string, wanted: number): Promise<void> {
  for (;;) {
    const { lines } = (await (await fetch(`${url}/api/v1/lines`)).json()) as Lines;
    if (lines.length === wanted) return;
    await sleep(50);
  }
}

async function freePort(): Promise<number> {
  const probe = createSocket('udp4');
  probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function title(text: string): void {
  say(`\n${style.bold(text)}`);
}

function shown(command: string): void {
  say(style.dim(`$ ${command}`));
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
