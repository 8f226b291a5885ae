import { nearest } from '../core/config/nearest.ts';
import { ERRORS, type ErrorCode, MdxError } from '../core/errors.ts';
import { EXIT_NOT_RUN } from './exit-codes.ts';
import { toJson } from './ndjson.ts';
import { outputFailed } from './output.ts';
import type { Style } from './style.ts';

/** What is told about the error that ended a run, to people and to scripts. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  readonly exit: number;
  /** Only for faults of mdx itself. */
  readonly stack: string | null;
}

/** Parts of the errors of the argument parser that matter here. */
interface ParserError extends Error {
  readonly oclif?: { readonly exit?: number };
  /** Flags that do not exist. */
  readonly flags?: readonly string[];
  /** Arguments that are missing. */
  readonly args?: readonly MissingArgument[];
  readonly parse?: { readonly input?: { readonly flags?: Readonly<Record<string, unknown>> } };
}

interface MissingArgument {
  readonly name: string;
  readonly description?: string;
  readonly multiple?: boolean;
}

/** Sorts whatever was thrown into the catalogue. */
export function describeError(thrown: unknown, command: string | null): ErrorReport {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (error instanceof MdxError) {
    const hint = error.hint ?? (error.code === 'usage' ? helpHint(command) : null);
    return { code: error.code, message: unwrapped(error.message), hint, exit: error.exit, stack: null };
  }
  // What a stream for a full disk throws out of `process.stdout.write`.
  if ((error as NodeJS.ErrnoException).syscall === 'write') {
    return describeError(outputFailed('stdout', error), command);
  }
  if ((error as ParserError).oclif?.exit !== undefined) {
    return {
      code: 'usage',
      message: missingMessage(error) ?? parserMessage(error.message),
      hint: flagHint(error) ?? helpHint(command),
      exit: EXIT_NOT_RUN,
      stack: null,
    };
  }
  return {
    code: 'internal',
    message: `${error.name}: ${error.message}`,
    hint: 'This is a fault of mdx. Please report it with the command line and what --verbose adds.',
    exit: ERRORS.internal.exit,
    stack: error.stack ?? null,
  };
}

/** Text for people, with the stack only where asked for. */
export function errorText(report: ErrorReport, style: Style, verbose: boolean): string {
  const hint = report.hint === null ? '' : `${style.dim('hint:')} ${report.hint}\n`;
  const stack = verbose && report.stack !== null ? `${report.stack}\n` : '';
  return `${style.bad('error:')} ${report.message}\n${hint}${stack}`;
}

/** The document that stands in place of the report with --json. */
export function errorJson(report: ErrorReport): string {
  const { code, message, hint, exit } = report;
  return `${toJson({ error: { code, message, hint, exit } }, 2)}\n`;
}

function helpHint(command: string | null): string {
  return command === null ? 'See mdx --help.' : `See mdx ${command} --help.`;
}

/** The flag that a misspelt one most likely meant. */
function flagHint({ flags, parse }: ParserError): string | null {
  const unknown = flags?.[0]?.replace(/^--?/, '').replace(/=.*$/s, '');
  const near = unknown === undefined ? null : nearest(unknown, Object.keys(parse?.input?.flags ?? {}));
  return near === null ? null : `Did you mean --${near}?`;
}

const WRAPPED_HEAD = /^Parsing (--\S+) \n\t/;
const WRAPPED_TAIL = /\nSee more help with --help$/;

/** The argument parser wraps what a flag's own parser throws; ours name the flag themselves. */
function unwrapped(message: string): string {
  return message.replace(WRAPPED_HEAD, '').replace(WRAPPED_TAIL, '');
}

/** `FILE… is missing: …`, null for other errors than those of a missing argument. */
function missingMessage({ args, message }: ParserError): string | null {
  const missing = args?.[0];
  if (missing === undefined || !message.startsWith('Missing ')) return null;
  const { name, description = '', multiple } = missing;
  const label = multiple === true ? `${name.replace(/s$/, '')}…` : name;
  return `${label.toUpperCase()} is missing: ${description}`;
}

function parserMessage(message: string): string {
  return message
    .replace(WRAPPED_HEAD, '$1: ')
    .replace(WRAPPED_TAIL, '')
    .replace(/^Nonexistent flag/, 'unknown flag')
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}
