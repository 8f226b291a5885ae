import { MdxError } from '../errors.ts';
import { commitOf, load, machine } from './machine.ts';
import type { Profile } from './profile.ts';
import { GROUPS, PROFILES, profileNamed } from './profiles.ts';
import { ReplayProcess } from './replay-process.ts';
import { type BenchReport, type Ratio, type Result, type Skipped, spreadOf } from './report.ts';
import { verdictsOf } from './targets.ts';
import type { Inspected, Measured, Prepared } from './worker.ts';
import type { Checksum, Waits, WorkloadOptions } from './workload.ts';
import { WorkloadProcess } from './workload-process.ts';

export interface BenchOptions {
  /** Names of profiles; what they are compared with is run as well. Empty: all. */
  readonly profiles: readonly string[];
  readonly rounds: number;
  /** Units of one run of the workloads in memory. */
  readonly events: number;
  /** Bytes of the capture that the replay profile makes. */
  readonly replayBytes: number;
  /** Folder with real files, null where there is none. */
  readonly data: string | null;
  /** Folder for the journal of a whole day, null = a small one will do. */
  readonly journal: string | null;
  /** Folder of the program: for its version of the sources, and for starting it. */
  readonly root: string;
  readonly version: string;
  /** What the program itself runs with. */
  readonly v8Flags: readonly string[];
  readonly progress: (text: string) => void;
  /** Asked between two steps: should it end here, with what has been measured? */
  readonly stop: () => boolean;
}

/** What measures one profile. */
interface Subject {
  prepare(options: WorkloadOptions, isShort: boolean): Promise<Prepared>;
  measure(): Promise<Measured & { readonly residentBytes?: number }>;
  inspect(): Promise<Inspected | null>;
  close(): Promise<void>;
}

/** One profile in this run. */
interface Entry {
  readonly profile: Profile;
  readonly subject: Subject;
  prepared: Prepared | null;
  inspected: Inspected | null;
  checksum: Checksum | null;
  residentBytesMax: number | null;
  /** ns per unit of each round. */
  readonly rounds: number[];
  /** Of each round, where units are measured as they come. */
  readonly waits: Waits[];
}

/** The profiles to run for these names, in their order, with those that they are compared with. */
export function selectProfiles(names: readonly string[]): Profile[] {
  if (names.length === 0) return [...PROFILES];
  const wanted = new Set<string>();
  const want = (name: string): void => {
    const profile = profileNamed(name);
    if (profile === undefined) throw new MdxError('usage', `no profile is named ${name}`);
    wanted.add(name);
    if (profile.against !== null) want(profile.against.profile);
  };
  for (const name of names) for (const each of GROUPS[name] ?? [name]) want(each);
  return PROFILES.filter(({ name }) => wanted.has(name));
}

/**
 * Measures profiles, each in a process of its own, in rounds: every round measures each of them once, so that
 * what disturbs the machine for a while disturbs all alike.
 */
export async function runBench(options: BenchOptions): Promise<BenchReport> {
  const started = process.hrtime.bigint();
  const before = load();
  const entries: Entry[] = [];
  const disagreements = new Set<string>();
  const skipped: Skipped[] = [];
  try {
    for (const profile of selectProfiles(options.profiles)) {
      if (options.stop()) break;
      options.progress(`preparing ${profile.name}`);
      const entry = await open(profile, options);
      const reason = entry.prepared!.skipped;
      if (reason === null) entries.push(entry);
      else {
        skipped.push({ name: profile.name, reason });
        await entry.subject.close();
      }
    }
    for (let round = 1; round <= options.rounds && !options.stop(); round += 1) {
      for (const entry of entries) {
        if (options.stop()) break;
        options.progress(`round ${round} of ${options.rounds}: ${entry.profile.name}`);
        await measure(entry, disagreements);
      }
    }
    for (const entry of entries) {
      if (options.stop()) break;
      options.progress(`latency and heap of ${entry.profile.name}`);
      entry.inspected = await entry.subject.inspect();
    }
  } finally {
    await Promise.all(entries.map(({ subject }) => subject.close()));
  }
  compareBooks(entries, disagreements);
  return {
    command: 'bench',
    version: options.version,
    machine: machine(),
    commit: commitOf(options.root),
    load: { before, after: load() },
    rounds: options.rounds,
    results: entries.filter(({ rounds }) => rounds.length > 0).map((entry) => resultOf(entry, entries)),
    skipped,
    disagreements: [...disagreements],
    comparison: null,
    timing: { elapsedNs: Number(process.hrtime.bigint() - started) },
  };
}

async function open(profile: Profile, options: BenchOptions): Promise<Entry> {
  const subject =
    profile.make === null
      ? new ReplayProcess(options.root, options.replayBytes)
      : new WorkloadProcess(profile.name, options.v8Flags);
  try {
    const { events, data, journal, rounds } = options;
    const prepared = await subject.prepare({ events, data, journal }, rounds === 1);
    return {
      profile,
      subject,
      prepared,
      inspected: null,
      checksum: null,
      residentBytesMax: null,
      rounds: [],
      waits: [],
    };
  } catch (error) {
    await subject.close();
    throw error;
  }
}

async function measure(entry: Entry, disagreements: Set<string>): Promise<void> {
  const { cpuNs, checksum, residentBytes, waits } = await entry.subject.measure();
  if (cpuNs <= 0) {
    throw new MdxError(
      'usage',
      `${entry.profile.name}: a run took no time that can be measured; give it more --events`,
    );
  }
  entry.rounds.push(cpuNs / entry.prepared!.units);
  if (waits !== null) entry.waits.push(waits);
  if (residentBytes !== undefined) {
    entry.residentBytesMax = Math.max(entry.residentBytesMax ?? 0, residentBytes);
  }
  if (entry.checksum !== null && checksum !== null && !sameChecksum(entry.checksum, checksum)) {
    disagreements.add(`${entry.profile.name}: two rounds ended with different books`);
  }
  entry.checksum = checksum;
}

/** Variants that handle the same events must end with the same books. */
function compareBooks(entries: readonly Entry[], disagreements: Set<string>): void {
  for (const { profile, checksum } of entries) {
    if (profile.against === null || !profile.against.sameBooks || checksum === null) continue;
    const other = entries.find((entry) => entry.profile.name === profile.against!.profile)?.checksum ?? null;
    if (other !== null && !sameChecksum(checksum, other)) {
      disagreements.add(`${profile.name} and ${profile.against.profile} ended with different books`);
    }
  }
}

function sameChecksum(a: Checksum, b: Checksum): boolean {
  return a.hash === b.hash && a.orders === b.orders && a.levels === b.levels && a.crossed === b.crossed;
}

function resultOf(entry: Entry, entries: readonly Entry[]): Result {
  const { profile, prepared, inspected, rounds } = entry;
  const { units, bytes, note } = prepared!;
  const nsPerUnit = spreadOf(rounds);
  const perSecond = 1e9 / nsPerUnit.median;
  const steady = inspected?.steady ?? null;
  const heap = inspected?.heap ?? null;
  const waits = middleOf(entry.waits);
  const held = inspected?.held ?? null;
  const measured = {
    name: profile.name,
    title: profile.title,
    unit: profile.unit,
    units,
    runs: rounds.length,
    nsPerUnit,
    unitsPerSecond: Math.round(perSecond),
    bytesPerSecond: bytes === null ? null : Math.round((bytes / units) * perSecond),
    latency: waits?.latency ?? inspected?.latency ?? null,
    inTurn: waits?.inTurn ?? null,
    heldBytesPerUnit: held === null ? null : held / units,
    heapBytesPerUnit: heap === null ? null : heap.allocatedBytes / units,
    ratio: ratioOf(entry, entries),
    residentBytesMax: entry.residentBytesMax,
    steady:
      steady === null
        ? null
        : {
            units: steady.units,
            heapBytesPerUnit: steady.heapGrowthBytes / steady.units,
            scavenges: steady.scavenges,
            otherCollections: steady.otherCollections,
          },
    note,
  };
  return { ...measured, verdicts: verdictsOf(measured), change: null };
}

/** The round in the middle by how its tail stands to that of what took turns with it, with the middle of the costs. */
function middleOf(rounds: readonly Waits[]): Waits | null {
  const tail = ({ latency, inTurn }: Waits): number => latency.p99Ns / inTurn.latency.p99Ns;
  const middle = rounds.toSorted((a, b) => tail(a) - tail(b))[(rounds.length - 1) >> 1];
  if (middle === undefined) return null;
  const costs = rounds.map(({ inTurn }) => inTurn.cost).filter((cost) => cost !== null);
  const cost = costs.length === 0 ? null : spreadOf(costs).median;
  return { ...middle, inTurn: { ...middle.inTurn, cost } };
}

/** Round by round: both figures of a round were measured within the same second or so. */
function ratioOf({ profile, rounds }: Entry, entries: readonly Entry[]): Ratio | null {
  const { against } = profile;
  const others = entries.find((entry) => entry.profile.name === against?.profile)?.rounds ?? [];
  const common = Math.min(rounds.length, others.length);
  if (against === null || common === 0) return null;
  const ratios = rounds
    .slice(0, common)
    .map((ns, round) => (against.as === 'speed' ? others[round]! / ns : ns / others[round]!));
  return { against: against.profile, as: against.as, ...spreadOf(ratios) };
}
