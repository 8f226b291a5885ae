import { MdxError } from '../errors.ts';

/**
 * What a journal says when the system refuses it something. An error of mdx stays as it is.
 * @param durable the last event that was promised; left out where none is at stake.
 */
export function journalError(directory: string, doing: string, cause: unknown, durable?: number): MdxError {
  if (cause instanceof MdxError) return cause;
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const { code } = error as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const promised = durable === undefined ? '' : `; events up to ${durable} are durable`;
  return new MdxError(
    isFull ? 'journal-full' : 'journal-failed',
    `${doing} the journal ${directory}: ${withoutCall(error.message)}${promised}`,
    { hint: hintFor(code), cause },
  );
}

function hintFor(code: string | undefined): string | undefined {
  switch (code) {
    case 'ENOSPC':
      return 'What was durable before is safe. Free some space, or remove old segments with --keep.';
    case 'EDQUOT':
      return 'What was durable before is safe. The quota of this user is used up on that disk.';
    case 'EACCES':
    case 'EPERM':
      return 'This user may not write there: give the right, or name another directory.';
    case 'EROFS':
      return 'The file system is mounted read-only: name another directory.';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'A journal is a directory, and a file is in its place: name another.';
    case 'EIO':
      return 'The disk fails. What was durable before is readable; see what mdx verify-journal says.';
    case 'EMFILE':
    case 'ENFILE':
      return 'Too many files are open: raise the limit (ulimit -n).';
    default:
      return undefined;
  }
}

/** `ENOSPC: no space left on device` without the name of the call that Node adds. */
function withoutCall(message: string): string {
  return message.replace(/, \w+( '.*')?( -> '.*')?$/s, '');
}
