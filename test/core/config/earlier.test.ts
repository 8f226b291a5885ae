import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RULES } from '../../../src/core/config/earlier/rules.ts';
import { type ReadConfig, readServeConfig } from '../../../src/core/config/load.ts';
import { problemText } from '../../../src/core/config/problems.ts';
import { KEYS } from '../../../src/core/config/schema/keys.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mdx-earlier-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string): ReadConfig {
  const file = join(folder, 'config.toml');
  writeFileSync(file, text);
  return readServeConfig({ file, environment: {}, flags: new Map() });
}

function problems(text: string): string[] {
  return read(text).problems.map((each) => problemText(each).replace(`${folder}/`, ''));
}

describe("an earlier engine's file", () => {
  it('is read where it means the same', () => {
    const { config, problems: found } = read(`
[general]
max_packet_size = 4096
rx_recvmmsg_batch = 0
mlock_all = false
json_logs = true
[parser]
kind = "itch50"
[channels.a]
group = "239.1.1.1"
port = 5000
iface_addr = "10.0.0.1"
reuse_port = true
recv_buffer_bytes = 67108864
busy_poll_us = 50
nonblocking = true
timestamping = "hardware_raw"
workers = 2
[channels.b]
group = "239.1.1.2"
port = 5000
iface_addr = "0.0.0.0"
recv_buffer_bytes = 0
[merge]
initial_expected_seq = 1
reorder_window = 512
max_pending_packets = 20000
adaptive = false
[book]
max_depth = 50
[cpu]
a_rx_core = 2
b_rx_core = 6
rt_priority = 80
[metrics]
bind = "127.0.0.1:9100"
[recovery]
enable_injector = true
endpoint = "10.0.0.9:7000"
retry_attempts = 5
retry_backoff_ms = 20
min_request_interval_ms = 0
slo_ms = 100
unrecoverable_policy = "exit"
request_timeout_ms = 250
replay_protocol = "len_seq_payload"
backlog_path = "backlog.txt"
[feeds]
enabled = true
auth_token = "0123456789abcdef"
[[feeds.pops]]
ws_endpoints = ["127.0.0.1:9001", "127.0.0.1:9002"]
[feeds.obo]
enabled = true
client_write_timeout_ms = 300
client_max_connections = 64
client_nodelay = false
[feeds.obo.buffers]
pub_queue = 1024
`);
    expect(found).toEqual([]);
    expect(config).toMatchObject({
      source: { feed: 'itch-5.0' },
      lines: {
        a: ['udp://239.1.1.1:5000?iface=10.0.0.1&rcvbuf=67108864&busy-poll=50&timestamps=hardware&workers=2'],
        b: ['udp://239.1.1.2:5000'],
      },
      receive: { slotBytes: 4096, batch: 1, cpus: [2, 3, 6], realtime: 80 },
      merge: { start: 1, window: 512, pendingCap: 20_000 },
      recovery: {
        endpoint: 'tcp://10.0.0.9:7000',
        attempts: 5,
        backoff: 20e6,
        minInterval: 0,
        slo: 100e6,
        unrecoverable: 'exit',
        requestTimeout: 250e6,
        backlog: join(folder, 'backlog.txt'),
      },
      http: { listen: '127.0.0.1:9100' },
      log: { format: 'json' },
      rawV1: {
        a: '127.0.0.1:9001',
        b: '127.0.0.1:9002',
        writeTimeoutMs: 300,
        maxConnections: 64,
        noDelay: false,
        retainedFrames: 1024,
      },
      security: { tokens: [{ name: 'feeds', token: '0123456789abcdef' }] },
    });
  });

  it('has no feed where that was off', () => {
    const { config } = read(
      '[feeds]\nenabled = false\n[[feeds.pops]]\nws_endpoints = ["127.0.0.1:1", "127.0.0.1:2"]\n',
    );
    expect(config?.rawV1).toMatchObject({ a: null, b: null });
  });

  it.each([
    [
      '[merge]\ndwell_ns = 5\n',
      '2:1: merge.dwell_ns: there is no such key here: both lines are always read, none is preferred (Leave it out)',
    ],
    [
      '[book]\nsnapshot_interval_ms = 5\n',
      '2:1: book.snapshot_interval_ms: there is no such key here: images are written where a segment begins (What comes nearest is journal.segment_events)',
    ],
    [
      '[merge]\nadaptive = true\n',
      '2:12: merge.adaptive = true: expected false: the window is what it is said to be',
    ],
    [
      '[recovery]\nenable_injector = false\n',
      '2:19: recovery.enable_injector = false: expected true: holes are fetched where recovery.endpoint is given',
    ],
    [
      '[recovery]\nunrecoverable_policy = "panic"\n',
      '2:24: recovery.unrecoverable_policy = "panic": expected one of "log", "stale", "exit"',
    ],
    [
      '[recovery]\nretry_backoff_ms = "10"\n',
      '2:20: recovery.retry_backoff_ms = "10": expected a whole number of ms',
    ],
    ['[channels.a]\ngroup = "239.1.1.1"\n', '2:1: channels.a.group: channels.a.port is missing'],
    ['[channels.a]\nport = 99999\n', '2:8: channels.a.port = 99999: expected a port from 1 to 65535'],
    [
      '[channels.a]\ngroup = "somewhere"\nport = 1\n',
      '2:9: channels.a.group = "somewhere": expected udp://GROUP:PORT such as "udp://239.10.10.1:5001?iface=eth0"',
    ],
    [
      '[merge]\nwindow = 5\nreorder_window = 6\n',
      '3:1: merge.reorder_window says what merge.window says in line 2 (Keep merge.window)',
    ],
    [
      '[feeds]\npops = [{ ws_endpoints = ["127.0.0.1:1"] }]\n',
      '2:8: feeds.pops = [{ ws_endpoints = ["127.0.0.1:1"] }]: expected one point of presence with two ws_endpoints (Its addresses are raw_v1.a and raw_v1.b here; run an engine for each other one)',
    ],
    [
      '[feeds]\nauth_token = "secret"\n',
      '2:14: feeds.auth_token: expected "NAME:TOKEN", the token of at least 16 letters, digits and -._~+/=',
    ],
    ['[chanels.a]\nport = 1\n', '1:2: there is no section [chanels] (Did you mean [channels]?)'],
  ])('%j', (text, expected) => {
    expect(problems(text)).toEqual([`config.toml:${expected}`]);
  });

  it('is told where what comes nearest is, and that is a key', () => {
    const ours = new Set(KEYS.map(({ path }) => path));
    for (const [name, rule] of RULES) {
      expect(ours.has(name), name).toBe(false);
      if (rule.kind === 'same') expect(ours.has(rule.key), name).toBe(true);
      if (rule.kind === 'refused' && rule.key !== null) expect(ours.has(rule.key), name).toBe(true);
      // Whatever the value is, the file is read, or there is a place.
      for (const value of ['1', '"x"', '[{ a = [] }]', '1979-05-27']) {
        for (const each of problems(`${name} = ${value}\n`)) expect(each).toMatch(/^config\.toml:1:\d+: /);
      }
    }
  });
});
