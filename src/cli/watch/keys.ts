/** Keys that have a name; every other is the character it makes. */
const NAMED: Readonly<Record<string, string>> = {
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  '\u001b[C': 'right',
  '\u001b[D': 'left',
  '\r': 'enter',
  '\n': 'enter',
  '\u001b': 'escape',
  '\u0003': 'ctrl-c',
  '\u0004': 'ctrl-d',
  '\b': 'backspace',
  '\u007f': 'backspace',
};

/** A control sequence of a key, one letter behind ESC O, or one character. */
const KEY =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals send
  /\u001b\[[0-?]*[ -/]*[@-~]|\u001bO[A-Z]|[\s\S]/gu;

/** The keys in what a terminal sent: names such as `up`, or characters. Keys without meaning here are left out. */
export function keysOf(sent: string): string[] {
  return (sent.match(KEY) ?? []).flatMap((text) => {
    // Arrows come as ESC O where the terminal is in application mode.
    const named = NAMED[text.replace(/^(.)O/, '$1[')];
    if (named !== undefined) return [named];
    return text.length > 2 || text < ' ' ? [] : [text];
  });
}
