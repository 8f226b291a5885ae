import { closeSync, openSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  AF_INET,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  SOCK_DGRAM,
} from '../../../src/core/net/linux/constants.ts';
import { EINVAL, EPERM } from '../../../src/core/net/linux/errno.ts';
import { Syscalls } from '../../../src/core/net/linux/syscalls.ts';
import { lockMemory, pinThread, realtime } from '../../../src/core/net/linux/threads.ts';

const EBADF = 9;
const ENOTSOCK = 88;
const PAGE = 4096;

describe.runIf(process.platform === 'linux')('system calls', () => {
  it('answer the error of the kernel as a negative number', async () => {
    const calls = await Syscalls.load();
    expect(calls.close(999_999)).toBe(-EBADF);
    const file = openSync('/proc/self/status', 'r');
    expect(calls.setNumber(file, 1, 2, 1)).toBe(-ENOTSOCK);
    closeSync(file);
    expect(calls.map(PAGE, 999_999, 0, 1, MAP_SHARED)).toBe(-EBADF);
    expect(calls.map(0, -1, 0, 1, MAP_PRIVATE | MAP_ANONYMOUS)).toBe(-EINVAL);
  });

  it('refuse lengths that do not fit the memory', async () => {
    const calls = await Syscalls.load();
    const memory = calls.allocate(64);
    expect(() => calls.recvmmsg(0, memory, memory.pointer, 2, 0)).toThrow(RangeError);
    expect(() => calls.sendmmsg(0, memory, memory.pointer + 64n, 1, 0)).toThrow(RangeError);
    expect(() => calls.sendmmsg(0, memory, memory.pointer - 64n, 1, 0)).toThrow(RangeError);
    expect(() => calls.poll(memory, 9, 0)).toThrow(RangeError);
    expect(() => calls.bpf(0, memory, 65)).toThrow(RangeError);
    expect(() => calls.bind(0, new Uint8Array(1000))).toThrow(RangeError);
    expect(() => calls.getOption(0, 1, 7, 1000)).toThrow(RangeError);
  });

  it('leave views of a released mapping readable', async () => {
    const calls = await Syscalls.load();
    const mapping = calls.map(PAGE, -1, 0, 3, MAP_PRIVATE | MAP_ANONYMOUS);
    if (typeof mapping === 'number') throw new Error(`map: ${mapping}`);
    mapping.words.fill(7);
    expect(calls.release(mapping)).toBe(0);
    expect(mapping.words.every((word) => word === 0)).toBe(true);
  });

  it('find the port that the system chose', async () => {
    const calls = await Syscalls.load();
    const fd = calls.socket(AF_INET, SOCK_DGRAM, 0);
    expect(calls.bind(fd, Uint8Array.of(2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0))).toBe(0);
    expect(calls.socketName(fd)).toBe(16);
    expect(calls.answer.getUint16(2)).toBeGreaterThan(0);
    expect(calls.close(fd)).toBe(0);
  });
});

describe.runIf(process.platform === 'linux')('threads', () => {
  const allowed = (): string =>
    /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))![1]!;

  it('are pinned to one processor', async () => {
    const calls = await Syscalls.load();
    const before = allowed();
    const first = Number(/^\d+/.exec(before)![0]);
    pinThread(calls, first);
    expect(allowed()).toBe(String(first));
    calls.setAffinity(new Uint8Array(128).fill(255));
    expect(allowed()).toBe(before);
    for (const cpu of [1023, 5000, -1]) {
      expect(() => pinThread(calls, cpu)).toThrow(
        /^CPU .*: EINVAL pinning the thread; this process may not run/,
      );
    }
  });

  it('have real-time priority, or are told which right is missing', async () => {
    const calls = await Syscalls.load();
    const may = calls.setScheduler(1, 1);
    calls.setScheduler(0, 0);
    if (may === -EPERM) expect(() => realtime(calls, 1)).toThrow(/CAP_SYS_NICE/);
    else {
      realtime(calls, 1);
      calls.setScheduler(0, 0);
      expect(() => realtime(calls, 100)).toThrow(
        'priority 100: EINVAL asking for real-time priority; priorities are 1 to 99',
      );
    }
  });

  it('keep their memory in RAM, and let go of it', async () => {
    const calls = await Syscalls.load();
    const locked = (): number =>
      Number(/^VmLck:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
    let unlock: (() => void) | null = null;
    try {
      unlock = lockMemory(calls);
    } catch (error) {
      expect((error as Error).message).toMatch(/locking memory; (needs CAP_IPC_LOCK|the process is larger)/);
    }
    if (unlock !== null) {
      expect(locked()).toBeGreaterThan(0);
      unlock();
    }
    expect(locked()).toBe(0);
  });
});
