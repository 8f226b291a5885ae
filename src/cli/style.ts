import { styleText } from 'node:util';

export type ColorMode = 'auto' | 'always' | 'never';

/** The few ways text is set off; each is the identity where colour is off. */
export interface Style {
  readonly colored: boolean;
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  bid(text: string): string;
  ask(text: string): string;
}

type Format = Parameters<typeof styleText>[0];

/** Colours for one stream: `--color` decides, in `auto` a terminal has them unless NO_COLOR is set. */
export function styleFor(mode: ColorMode, stream: { readonly isTTY?: boolean }): Style {
  const { NO_COLOR, TERM } = process.env;
  const auto = stream.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
  const colored = mode === 'always' || (mode === 'auto' && auto);
  const set = (format: Format) => (text: string) =>
    colored && text !== '' ? styleText(format, text, { validateStream: false }) : text;
  return {
    colored,
    bold: set('bold'),
    dim: set('dim'),
    good: set('green'),
    bad: set('red'),
    warn: set('yellow'),
    bid: set('green'),
    ask: set('red'),
  };
}
