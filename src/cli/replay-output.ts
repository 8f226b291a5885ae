import type { Market } from '../core/book/market.ts';
import { parseEndpoint } from '../core/config/endpoint.ts';
import type { Conversion } from '../core/convert/conversion.ts';
import type { DbnOutputOptions } from '../core/convert/dbn-output.ts';
import { MdxError } from '../core/errors.ts';
import type { EventBatch } from '../core/event/batch.ts';
import type { Feed } from '../core/feeds/feed.ts';
import type { MessageSink } from '../core/feeds/message-sink.ts';
import type { EventObserver, RunFacts } from '../core/pipeline/books.ts';
import type { OutputReport } from '../core/pipeline/report.ts';
import type { RowKind, RowSink } from '../core/pipeline/rows/rows.ts';
import { isZmq, parseZmqEndpoint } from '../core/publish/zeromq/zmq-endpoint.ts';
import type { Writing } from './input-command.ts';
import { JOURNAL_FLAGS, type JournalFlags } from './journal-flags.ts';
import type { Output } from './output.ts';
import { isZstdPath, type OutputForm, outputFormOf, rowFormatOf } from './output-form.ts';
import type { Style } from './style.ts';

/** The flags of `mdx replay` about what it writes besides its report. */
export interface OutputFlags extends JournalFlags {
  readonly resume: string | undefined;
  readonly emit: string | undefined;
  readonly format: string | undefined;
  readonly depth: number | undefined;
  readonly output: string | undefined;
  readonly force: boolean;
  readonly unbuffered: boolean;
  readonly 'size-scale': number | undefined;
  readonly lossy: boolean;
  readonly upgrade: boolean;
}

interface BookFlags {
  readonly symbol: string[] | undefined;
  readonly instrument: bigint[] | undefined;
}

/** What is written, in which form, where to. */
export interface OutputPlan {
  /** Rows of this kind, or of every event where the whole input is converted. */
  readonly rows: RowKind;
  readonly form: OutputForm;
  /** Null for standard output, which then has no report. */
  readonly path: string | null;
  /** It is a journal that is there, and what it lacks is written to it. */
  readonly resumes: boolean;
  readonly depth: number;
  readonly dbn: DbnOutputOptions;
}

/** What is meaningless where nothing is written. */
const DBN_FLAGS = ['size-scale', 'lossy', 'upgrade'] as const;
const OUTPUT_FLAGS = ['format', 'depth', 'force', 'unbuffered', ...DBN_FLAGS, ...JOURNAL_FLAGS] as const;
const ROW_FORMS: readonly OutputForm[] = ['ndjson', 'csv', 'pretty', 'parquet'];
const DEPTH_DEFAULT = 10;
/** Events that somebody waits for leave their process after so long at the latest. */
const COMMIT_MS = 10;

/** What the flags ask to be written; null = the report alone. Throws MdxError `usage` where they do not fit. */
export function outputPlan(flags: OutputFlags & BookFlags, json: boolean): OutputPlan | null {
  const { emit, format, output, depth, resume } = flags;
  if (resume !== undefined) return resumePlan(resume, flags);
  const path = output === '-' ? null : (output ?? null);
  if (emit === undefined && output === undefined) {
    const given = OUTPUT_FLAGS.find((flag) => flags[flag] !== undefined && flags[flag] !== false);
    if (given === undefined) return null;
    throw new MdxError(
      'usage',
      `--${given} is about what is written, and without -o or --emit that is nothing`,
    );
  }
  if (depth !== undefined && emit !== 'depth') {
    const rows = emit === undefined ? 'a conversion' : `--emit ${emit}`;
    throw new MdxError('usage', `--depth is about price levels, and rows of ${rows} have none`);
  }
  if (path === null && json) {
    throw new MdxError('usage', '--json prints a report where -o - and --emit write', {
      hint: 'Name a file with -o.',
    });
  }
  const form = formOf(emit, format, path);
  const compress = path !== null && isZstdPath(path);
  refuseUnfit(form, flags);
  if (form === 'snapshot') {
    throw new MdxError('usage', 'a snapshot is of the books at one point, and replay writes what happens', {
      hint: 'Use mdx book with -o FILE.snap.',
    });
  }
  if (form === 'journal' && path === null) {
    throw new MdxError('usage', 'a journal is a directory, and standard output is none', {
      hint: 'Name the directory with -o.',
    });
  }
  if (form === 'journal' && flags.unbuffered) {
    throw new MdxError('usage', '--unbuffered is about rows; events wait for their commit for 10 ms at most');
  }
  if (form !== 'dbn' && compress)
    throw new MdxError('usage', `writing ${path}: of the forms only DBN is compressed`);
  return {
    rows: (emit ?? 'events') as RowKind,
    form,
    path,
    resumes: false,
    depth: depth ?? DEPTH_DEFAULT,
    dbn: {
      sizeScale: flags['size-scale'] ?? null,
      lossy: flags.lossy,
      upgrade: flags.upgrade,
      compress,
    },
  };
}

/** What is meaningless where a journal goes on, which has all events of all books. */
const UNFIT_TO_RESUME = [
  'output',
  'emit',
  'format',
  'depth',
  'force',
  'unbuffered',
  ...DBN_FLAGS,
  'symbol',
  'instrument',
] as const;

function resumePlan(path: string, flags: OutputFlags & BookFlags): OutputPlan {
  const given = UNFIT_TO_RESUME.find((flag) => flags[flag] !== undefined && flags[flag] !== false);
  if (given !== undefined) {
    throw new MdxError(
      'usage',
      `--${given} does not fit --resume, which writes what a journal lacks of all books to it`,
    );
  }
  const dbn = { sizeScale: null, lossy: false, upgrade: false, compress: false };
  return { rows: 'events', form: 'journal', path, resumes: true, depth: DEPTH_DEFAULT, dbn };
}

/** Refuses what is meaningless for the form. */
function refuseUnfit(form: OutputForm, flags: OutputFlags): void {
  const given = (among: readonly (keyof OutputFlags)[]): string | undefined =>
    among.find((flag) => flags[flag] !== undefined && flags[flag] !== false);
  const ofDbn = form === 'dbn' ? undefined : given(DBN_FLAGS);
  if (ofDbn !== undefined)
    throw new MdxError('usage', `--${ofDbn} is about DBN, and what is written is ${form}`);
  const ofJournal = form === 'journal' ? undefined : given(JOURNAL_FLAGS);
  if (ofJournal !== undefined)
    throw new MdxError('usage', `--${ofJournal} is about journals, and what is written is ${form}`);
}

/** Does it go to a socket that carries anything, and nothing was said about what? */
function isPlainSocket(path: string): boolean {
  const endpoint = parseEndpoint(path);
  return endpoint !== null && !endpoint.options.has('as') && !isZmq(path);
}

function formOf(emit: string | undefined, format: string | undefined, path: string | null): OutputForm {
  if (path === null && format === undefined) {
    if (emit !== undefined) return 'ndjson';
    throw new MdxError('usage', 'writing to standard output: it has no extension that tells the form', {
      hint: 'Say it with --format.',
    });
  }
  if (emit !== undefined && format === undefined && isPlainSocket(path!)) return rowFormatOf(format, path!);
  const form = outputFormOf(format, path ?? '-');
  if (emit === undefined) return form;
  if (!ROW_FORMS.includes(form)) {
    throw new MdxError('usage', `--emit ${emit} makes rows, and ${form} has no place for them`, {
      hint: `Without --emit the input is converted to ${form}.`,
    });
  }
  if (emit === 'records' && form === 'parquet') {
    throw new MdxError(
      'usage',
      '--emit records writes messages of any type, and Parquet has the columns of one',
      {
        hint: 'Use --format ndjson or csv.',
      },
    );
  }
  return form;
}

/** Opens what writes the events of a run to `output` in the form of the plan. */
export async function openConversion(
  plan: OutputPlan,
  output: Output,
  style: Style,
  version: string,
): Promise<Conversion> {
  const { form } = plan;
  if (form === 'events') {
    const commitMs = output.isFile ? null : COMMIT_MS;
    const { path } = plan;
    if (path !== null && isZmq(path) && parseZmqEndpoint(path, true).byInstrument) {
      const { InstrumentStreams } = await import('../core/convert/instrument-streams.ts');
      return new InstrumentStreams((chunk) => output.write(chunk), { version, commitMs });
    }
    const { EventStream } = await import('../core/convert/event-stream.ts');
    return new EventStream((chunk) => output.write(chunk), { version, commitMs });
  }
  if (form === 'dbn') {
    const { DbnOutput } = await import('../core/convert/dbn-output.ts');
    return new DbnOutput((chunk) => output.write(chunk), plan.dbn);
  }
  if (plan.rows === 'events' && (form === 'ndjson' || form === 'csv')) {
    const { EventText } = await import('../core/convert/event-text.ts');
    return new EventText((chunk) => output.write(chunk), form, output.isImmediate);
  }
  if (plan.rows === 'events' && form === 'parquet') {
    const { EventParquet } = await import('../core/convert/event-parquet.ts');
    return new EventParquet((chunk) => output.write(chunk));
  }
  return openRows(plan, output, style);
}

/** Opens what writes rows that are objects. */
async function openRows(
  { rows, form, depth }: OutputPlan,
  output: Output,
  style: Style,
): Promise<Conversion> {
  const { ROW_MAKERS } = await import('../core/pipeline/rows/rows.ts');
  const { prettyWriter, recordWriter, rowWriter } = await import('./rows.ts');
  const open = <K extends RowKind>(kind: K, write: RowSink<K>, finish: () => void = () => {}): Conversion =>
    new RowConversion((count) => {
      const sink: RowSink<K> = (row) => {
        count();
        write(row);
      };
      return ROW_MAKERS[kind](sink, depth, form === 'pretty');
    }, finish);
  if (rows === 'records') return open(rows, recordWriter(form, output));
  if (form === 'pretty' || rows === 'events') return open(rows, prettyWriter(rows, output, style));
  if (form !== 'parquet') return open(rows, rowWriter(rows, form === 'csv' ? 'csv' : 'ndjson', output));
  const { RowParquet } = await import('../core/convert/row-parquet.ts');
  const file = new RowParquet(rows, (chunk) => output.write(chunk));
  return open(
    rows,
    (row) => file.write(row),
    () => file.finish(),
  );
}

/** The file that was written, for the report. */
export function outputReport({ path, form }: OutputPlan, { conversion }: Writing): OutputReport {
  const { written, lossy, journal } = conversion;
  return {
    path: path ?? '-',
    format: form,
    written,
    ...(lossy === undefined ? {} : { lossy }),
    ...(journal === undefined ? {} : { journal }),
  };
}

/** Rows that are written as soon as they are made. */
class RowConversion implements Conversion {
  written = 0;
  /** Writes what belongs behind the last row. */
  readonly finish: () => void;
  readonly #rows: EventObserver;

  constructor(open: (count: () => void) => EventObserver, finish: () => void) {
    this.#rows = open(() => {
      this.written += 1;
    });
    this.finish = finish;
  }

  get messages(): MessageSink | undefined {
    return this.#rows.messages;
  }

  start(feed: Feed, run: RunFacts): void {
    this.#rows.start?.(feed, run);
  }

  before(batch: EventBatch, at: number, market: Market, said: number): void {
    this.#rows.before?.(batch, at, market, said);
  }

  after(batch: EventBatch, at: number, market: Market): void {
    this.#rows.after?.(batch, at, market);
  }

  flush(): void {}
}
