import {
  constants,
  type EventLoopUtilization,
  monitorEventLoopDelay,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks';
import { ThreadCpu } from './thread-cpu.ts';
import type { GcKind, ThreadSlots } from './thread-slots.ts';

const PERIOD_MS = 1000;
/** How often the event loop is asked whether it is late. */
const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

const KINDS: Readonly<Record<number, GcKind>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/**
 * Notes how the thread that calls it is: how late its event loop is, its garbage collections and its memory, once a
 * second. It keeps nothing alive. @returns ends it.
 */
export function watchThread(slots: ThreadSlots): () => void {
  const lag = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let used: EventLoopUtilization = performance.eventLoopUtilization();
  const cpu = new ThreadCpu();
  const note = (): void => {
    const now = performance.eventLoopUtilization();
    slots.set('utilization', performance.eventLoopUtilization(now, used).utilization);
    used = now;
    cpu.note(performance.now());
    slots.set('cpuTime', cpu.ns);
    slots.set('cpuLoad', cpu.load);
    // What it measures is the time between two looks.
    const late = (ns: number): number => Math.max(0, ns - RESOLUTION_MS * NS_PER_MS);
    if (lag.count > 0) {
      slots.set('lagMean', late(lag.mean));
      slots.set('lagP99', late(lag.percentile(99)));
      slots.set('lagMax', late(lag.max));
      lag.reset();
    }
    const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
    slots.set('heapUsed', heapUsed);
    slots.set('heapTotal', heapTotal);
    slots.set('external', external);
    slots.set('arrayBuffers', arrayBuffers);
  };
  const collections = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind = 0 } = (entry as { detail?: { kind?: number } }).detail ?? {};
      const name = KINDS[kind];
      if (name !== undefined) slots.noteGc(name, entry.duration * NS_PER_MS);
    }
  });
  lag.enable();
  collections.observe({ entryTypes: ['gc'] });
  slots.set('alive', 1);
  note();
  const timer = setInterval(note, PERIOD_MS).unref();
  return () => {
    clearInterval(timer);
    lag.disable();
    collections.disconnect();
    slots.set('alive', 0);
  };
}
