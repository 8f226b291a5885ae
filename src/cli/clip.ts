/** A sequence that sets off text, or one character. */
const PIECE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is how text is set off
  /\u001b\[[0-9;]*m|[\s\S]/gu;

/** The text cut to so many columns, its colours kept; `…` says that something is missing. */
export function clipped(text: string, columns: number): string {
  const pieces = text.match(PIECE) ?? [];
  const isMark = (piece: string): boolean => piece.length > 1 && piece.startsWith('\u001b');
  const length = pieces.reduce((sum, piece) => sum + (isMark(piece) ? 0 : 1), 0);
  if (length <= columns) return text;
  let out = '';
  let used = 0;
  for (const piece of pieces) {
    if (isMark(piece)) out += piece;
    else if (used < columns - 1) {
      out += piece;
      used += 1;
    }
  }
  // All marks are kept, so colours that began end again.
  return `${out}${columns > 0 ? '…' : ''}`;
}

/** Text from the input as it may stand on a terminal: without anything that would move its cursor. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, '·');
}
