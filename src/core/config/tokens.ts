/** Who may come in. */
export interface NamedToken {
  readonly name: string;
  readonly token: string;
}

/** Letters that may stand in an Authorization header; short ones can be guessed. */
const TOKEN = /^([A-Za-z0-9_.-]{1,64}):([A-Za-z0-9._~+/-]{16,512}={0,4})$/;

/** Reads `NAME:TOKEN`, null where it is none. */
export function readToken(text: string): NamedToken | null {
  const match = TOKEN.exec(text);
  return match === null ? null : { name: match[1]!, token: match[2]! };
}

/** The tokens of a file, one NAME:TOKEN a line, `#` begins a comment; or the number of the first line that is none. */
export function readTokenFile(text: string): readonly NamedToken[] | number {
  const tokens: NamedToken[] = [];
  for (const [at, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const said = line.trim();
    if (said === '' || said.startsWith('#')) continue;
    const token = readToken(said);
    if (token === null) return at + 1;
    tokens.push(token);
  }
  return tokens;
}
