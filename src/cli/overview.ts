import type { Style } from './style.ts';

interface CommandSummary {
  readonly id: string;
  readonly summary?: string | undefined;
  readonly hidden: boolean;
}

/** What `mdx` alone says: what it is for, a pipe that works as typed, and the commands. */
export function overview(commands: readonly CommandSummary[], version: string, style: Style): string {
  const shown = commands.filter((command) => !command.hidden);
  const width = shown.reduce((most, command) => Math.max(most, command.id.length), 0);
  const list = shown
    .map(({ id, summary = '' }) => `  ${style.bold(id.padEnd(width))}  ${summary}\n`)
    .join('');
  return `${style.bold('mdx')} ${version}: market data from captures and live feeds to exact order books

${style.bold('Try')}
  mdx simulate -o - | mdx replay -     a synthetic exchange into a book, with the proof

${style.bold('Commands')}
${list}
mdx COMMAND --help explains a command, mdx --version tells the version.
`;
}
