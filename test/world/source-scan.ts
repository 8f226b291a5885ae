import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** One TypeScript file, prepared for questions about its text. */
export interface SourceFile {
  /** Path below the scanned root, with slashes. */
  readonly path: string;
  readonly lines: number;
  /** The text with comments, strings and regular expressions blanked; every character keeps its place. */
  readonly code: string;
  /** Files of the same tree that it imports, as paths below the root. */
  readonly imports: readonly string[];
  /** Those of them that load with it: neither types nor `import()`. */
  readonly eager: readonly string[];
  /** Everything else that it imports, as written. */
  readonly packages: readonly string[];
}

export interface SourceFunction {
  readonly path: string;
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

/** Reads all TypeScript files below `folder`; paths are told below `root`. */
export function scanSources(root: string, folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => scanSource(join(folder, name), readFileSync(join(root, folder, name), 'utf8')))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Prepares one file's text. */
export function scanSource(path: string, text: string): SourceFile {
  const code = blanked(text);
  const specifiers = importsIn(text, code);
  const local = specifiers.filter(({ name }) => name.startsWith('.'));
  const target = ({ name }: Specifier): string => relative('.', join(dirname(path), name));
  return {
    path,
    lines: text.split('\n').length - 1,
    code,
    imports: [...new Set(local.map(target))],
    eager: [...new Set(local.filter(({ eager }) => eager).map(target))],
    packages: [...new Set(specifiers.map(({ name }) => name).filter((name) => !name.startsWith('.')))],
  };
}

interface Specifier {
  readonly name: string;
  readonly eager: boolean;
}

/** What is imported and re-exported, statically or not. */
function importsIn(text: string, code: string): Specifier[] {
  const forms = /\b(?:import|export)\s+(type\s)?[^'";()]*?\bfrom\s+'|\bimport\s+'|\bimport(\()\s*'/g;
  return [...code.matchAll(forms)].map((match) => {
    const start = match.index + match[0].length;
    return {
      name: text.slice(start, text.indexOf("'", start)),
      eager: match[1] === undefined && match[2] === undefined,
    };
  });
}

/** The functions and methods of a file, by their braces. */
export function functionsOf(file: SourceFile): SourceFunction[] {
  const heads =
    /\bfunction\*?\s+(\w+)|^ {2}(?:(?:private|protected|public|static|override|async|get|set)\s+)*([#\w]+)(?:<[^\n]*>)?\((?=[^\n]*$)/gm;
  const found: SourceFunction[] = [];
  for (const match of file.code.matchAll(heads)) {
    const name = match[1] ?? match[2]!;
    if (['if', 'for', 'while', 'switch', 'return', 'super'].includes(name)) continue;
    const end = endOfBody(file.code, match.index + match[0].length);
    if (end === -1) continue;
    const line = lineAt(file.code, match.index);
    found.push({ path: file.path, name, line, lines: lineAt(file.code, end) - line + 1 });
  }
  return found;
}

/** Number of the line, from 1, that a place in the text is in. */
export function lineAt(text: string, at: number): number {
  let line = 1;
  for (let place = text.indexOf('\n'); place !== -1 && place < at; place = text.indexOf('\n', place + 1))
    line += 1;
  return line;
}

/** The place of the brace that closes the body of a function whose head goes on at `from`; −1 without a body. */
function endOfBody(code: string, from: number): number {
  let round = code[from - 1] === '(' ? 1 : 0;
  let curly = 0;
  for (let at = from; at < code.length; at += 1) {
    const char = code[at];
    if (char === '(') round += 1;
    else if (char === ')') round -= 1;
    else if (char === ';' && round === 0 && curly === 0) return -1;
    else if (char === '{' && round === 0) curly += 1;
    else if (char === '}' && round === 0) {
      curly -= 1;
      // A type such as `: { a: number } {` closes before the body opens.
      if (curly === 0 && !/^\s*(\||&|\{|\[)/.test(code.slice(at + 1, at + 20))) return at;
    }
  }
  return -1;
}

/** Blanks comments, what stands in strings and templates, and regular expressions; quotes and line breaks stay. */
function blanked(text: string): string {
  const out = [...text.split('')];
  const blank = (from: number, to: number): void => {
    for (let at = from; at < to; at += 1) if (out[at] !== '\n') out[at] = ' ';
  };
  let at = 0;
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const char = text[at]!;
    let end = at + 1;
    if (two === '//') {
      end = indexOr(text, '\n', at);
      blank(at, end);
    } else if (two === '/*') {
      end = indexOr(text, '*/', at + 2) + 2;
      blank(at, end);
    } else if (char === "'" || char === '"' || char === '`') {
      end = endOfString(text, at, char);
      blank(at + 1, end - 1);
    } else if (
      char === '/' &&
      /(^|[(,=:[!&|?{};\n]|return|=>)\s*$/.test(text.slice(Math.max(0, at - 20), at))
    ) {
      end = endOfRegExp(text, at);
      blank(at + 1, end - 1);
    }
    at = end;
  }
  return out.join('');
}

function indexOr(text: string, part: string, from: number): number {
  const at = text.indexOf(part, from);
  return at === -1 ? text.length : at;
}

/** One past the closing quote. What a template computes is blanked with it. */
function endOfString(text: string, from: number, quote: string): number {
  let depth = 0;
  for (let at = from + 1; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (quote === '`' && char === '$' && text[at + 1] === '{') {
      depth += 1;
      at += 1;
    } else if (depth > 0 && char === '{') depth += 1;
    else if (depth > 0 && char === '}') depth -= 1;
    else if (depth > 0 && char === '`') at = endOfString(text, at, '`') - 1;
    else if (depth === 0 && char === quote) return at + 1;
  }
  return text.length;
}

function endOfRegExp(text: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return at + 1;
    else if (char === '\n') return from + 1;
  }
  return text.length;
}
