/** What ended a run, as scripts tell it apart: `error.code` of `--json`, and the heading in docs/errors.md. */
export type ErrorCode =
  | 'usage'
  | 'command-unknown'
  | 'node-too-old'
  | 'input-missing'
  | 'input-unreadable'
  | 'input-directory'
  | 'input-empty'
  | 'input-format'
  | 'input-order'
  | 'input-damaged'
  | 'feed-none'
  | 'feed-ambiguous'
  | 'channel-on-two-flows'
  | 'group-too-long'
  | 'instruments-file'
  | 'no-form'
  | 'native-missing'
  | 'right-missing'
  | 'interface-missing'
  | 'socket-failed'
  | 'backend-refused'
  | 'memory-lock'
  | 'not-comparable'
  | 'not-aligned'
  | 'output-exists'
  | 'output-failed'
  | 'journal-busy'
  | 'journal-failed'
  | 'journal-full'
  | 'journal-history'
  | 'recovery-failed'
  | 'socket-busy'
  | 'socket-unreachable'
  | 'socket-refused'
  | 'internal';

export interface ErrorKind {
  /** Exit code of the process; the list of them stands in docs/commands.md. */
  readonly exit: number;
  /** One sentence for the catalogue. */
  readonly meaning: string;
}

/** The catalogue of errors. docs/errors.md explains each of them; a test holds the two together. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorKind>> = {
  usage: { exit: 2, meaning: 'An unknown or wrong flag or argument.' },
  'command-unknown': { exit: 2, meaning: 'The first word is no command.' },
  'node-too-old': { exit: 2, meaning: 'The running Node is older than mdx needs.' },
  'input-missing': { exit: 2, meaning: 'A file to read does not exist.' },
  'input-unreadable': { exit: 2, meaning: 'A file to read cannot be opened or read.' },
  'input-directory': { exit: 2, meaning: 'A directory was given where a file is read.' },
  'input-empty': { exit: 2, meaning: 'A file to read has no bytes, so it has no format.' },
  'input-format': { exit: 2, meaning: 'A file is of no format that mdx reads.' },
  'input-order': { exit: 2, meaning: 'Time runs backwards from one file to the next.' },
  'input-damaged': {
    exit: 3,
    meaning: 'The framing of a file is damaged; everything before the damage was processed.',
  },
  'feed-none': { exit: 1, meaning: 'No feed matches what was read.' },
  'feed-ambiguous': { exit: 2, meaning: 'More than one feed matches what was read.' },
  'channel-on-two-flows': {
    exit: 2,
    meaning: 'One channel arrives on two flows, and it was too late to make one stream of them.',
  },
  'group-too-long': { exit: 1, meaning: 'A group of events does not end, so no point in it can be shown.' },
  'instruments-file': { exit: 2, meaning: 'The file of instrument names cannot be understood.' },
  'no-form': { exit: 1, meaning: 'Something in the input has no place in the form that is written.' },
  'native-missing': { exit: 2, meaning: 'Native system calls cannot be made here.' },
  'right-missing': { exit: 2, meaning: 'A right (capability or limit) of this process is missing.' },
  'interface-missing': { exit: 2, meaning: 'There is no such network interface.' },
  'socket-failed': { exit: 2, meaning: 'A socket could not be opened, bound, joined or used.' },
  'backend-refused': {
    exit: 2,
    meaning: 'The kernel or a driver does not do what was asked of it.',
  },
  'memory-lock': { exit: 2, meaning: 'More locked memory is needed than the limit allows.' },
  'not-comparable': { exit: 2, meaning: 'Two inputs have nothing in common that could be compared.' },
  'not-aligned': {
    exit: 2,
    meaning: 'Two inputs do not come to the same places: too much of one waits for the other.',
  },
  'output-exists': { exit: 2, meaning: 'A file to write exists already.' },
  'output-failed': { exit: 4, meaning: 'Output could not be written.' },
  'journal-busy': { exit: 4, meaning: 'Another process writes the journal.' },
  'journal-failed': {
    exit: 4,
    meaning:
      'A journal could not be written or synced; what was durable before is safe, nothing later is promised.',
  },
  'journal-full': {
    exit: 4,
    meaning: 'The disk of a journal is full, or has less room than was asked to be kept.',
  },
  'journal-history': {
    exit: 2,
    meaning: 'A journal and what is to go on with it are not of one history.',
  },
  'recovery-failed': {
    exit: 1,
    meaning: 'Numbers are missing that recovery could not bring, and the engine was to end there.',
  },
  'socket-busy': { exit: 2, meaning: 'An address to listen on is in use.' },
  'socket-unreachable': {
    exit: 2,
    meaning: 'The other side of a connection cannot be reached, or did not come.',
  },
  'socket-refused': { exit: 2, meaning: 'The system does not allow a socket to be opened.' },
  internal: { exit: 2, meaning: 'A fault of mdx itself.' },
};

export interface ErrorDetails {
  /** How to get what is wanted, one sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Trouble that ends a run: with the environment, the input or the command line. Expected trouble in the data is
 * a counted result instead. The message says what was attempted, what was expected and what was found.
 */
export class MdxError extends Error {
  override readonly name = 'MdxError';
  readonly code: ErrorCode;
  readonly hint: string | null;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint ?? null;
  }

  get exit(): number {
    return ERRORS[this.code].exit;
  }
}
