import type { Key } from '../key.ts';
import type { ServeConfig } from '../serve-config.ts';
import * as intake from './intake.ts';
import * as serving from './serving.ts';
import type { Section, Together } from './shape.ts';

/** Every section of the file in its order, by its name in `ServeConfig`. */
const SECTIONS: {
  readonly [S in Exclude<keyof ServeConfig, 'noStorage'>]: {
    readonly summary: string;
    readonly keys: Section<S>;
  };
} = {
  source: { summary: 'What is read, where no lines are received.', keys: intake.source },
  lines: { summary: 'Multicast lines that are received.', keys: intake.lines },
  receive: { summary: 'How lines are received.', keys: intake.receive },
  merge: { summary: 'How one stream is made of two lines.', keys: intake.merge },
  recovery: { summary: 'Where and how holes are fetched.', keys: intake.recovery },
  journal: { summary: 'What is kept on disk.', keys: intake.journal },
  http: { summary: 'The HTTP server.', keys: serving.http },
  security: { summary: 'Who may come in.', keys: serving.security },
  rawV1: { summary: 'The raw-v1 feed.', keys: serving.rawV1 },
  events: { summary: 'The JSON event stream, /api/ws.', keys: serving.events },
  sse: { summary: 'Server-sent events.', keys: serving.sse },
  publishers: { summary: 'Threads that publish what the engine hands on.', keys: serving.publishers },
  ingest: { summary: 'Senders of events over TCP.', keys: serving.ingest },
  ready: { summary: 'What /ready asks for.', keys: serving.ready },
  log: { summary: 'What is told while it runs.', keys: serving.log },
  shutdown: { summary: 'How it ends.', keys: serving.shutdown },
};

/** A key by its place in the file. */
export interface SchemaKey {
  /** `merge.gap_timeout`. */
  readonly path: string;
  /** Name of its section in the file, empty = none. */
  readonly section: string;
  /** Variable of the environment. */
  readonly variable: string;
  readonly key: Key<unknown>;
}

export interface SchemaSection {
  readonly name: string;
  readonly summary: string;
  readonly keys: readonly SchemaKey[];
}

type Entries = Readonly<Record<string, Key<unknown> | Together>>;

/** All sections in the order of the file; what stands in none comes first. */
export const SCHEMA: readonly SchemaSection[] = [
  { name: '', summary: '', keys: [schemaKey('', 'no_storage', serving.noStorage)] },
  ...Object.entries(SECTIONS).map(([name, { summary, keys }]) => {
    const section = fileName(name);
    return { name: section, summary, keys: keysOf(section, section, keys as unknown as Entries) };
  }),
];

/** Keys of which none is given without the others. */
export const TOGETHER: readonly (readonly string[])[] = Object.entries(SECTIONS).flatMap(
  ([section, { keys }]) =>
    Object.entries(keys as unknown as Entries).flatMap(([name, entry]) =>
      'together' in entry
        ? [
            Object.keys(entry.together).map(
              (each) => `${fileName(section)}.${fileName(name)}.${fileName(each)}`,
            ),
          ]
        : [],
    ),
);

export const KEYS: readonly SchemaKey[] = SCHEMA.flatMap(({ keys }) => keys);

/** The configuration of what each key says, by path. @param read is asked for every key. */
export function assemble(read: (path: string) => unknown): ServeConfig {
  const parts = Object.entries(SECTIONS).map(([name, { keys }]) => [
    name,
    partOf(fileName(name), keys as unknown as Entries, read),
  ]);
  const { security, ...others } = Object.fromEntries(parts) as ServeConfig;
  // The file for tokens is where they are read from; what counts is what stands in it.
  const { tokens, insecure } = security;
  return { ...others, security: { tokens, insecure }, noStorage: read('no_storage') as boolean };
}

function partOf(prefix: string, entries: Entries, read: (path: string) => unknown): object {
  const values = Object.entries(entries).map(([name, entry]) => {
    const path = pathOf(prefix, name, entry);
    if (!('together' in entry)) return [name, read(path)];
    const whole = partOf(path, entry.together, read);
    return [name, Object.values(whole).includes(null) ? null : whole];
  });
  return Object.fromEntries(values) as object;
}

function keysOf(section: string, prefix: string, entries: Entries): SchemaKey[] {
  return Object.entries(entries).flatMap(([name, entry]) => {
    const path = pathOf(prefix, name, entry);
    return 'together' in entry ? keysOf(section, path, entry.together) : [schemaKey(section, path, entry)];
  });
}

function schemaKey(section: string, path: string, key: Key<unknown>): SchemaKey {
  return { path, section, variable: `MDX_${path.replaceAll('.', '_').toUpperCase()}`, key };
}

function pathOf(prefix: string, name: string, entry: Key<unknown> | Together): string {
  return `${prefix}.${('traits' in entry ? entry.traits.name : undefined) ?? fileName(name)}`;
}

/** `requestTimeoutMs` is `request_timeout` in the file, where values have their units. */
function fileName(name: string): string {
  return name.replace(/(?<=[a-z])(Ms|Us|Ns)$/, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
