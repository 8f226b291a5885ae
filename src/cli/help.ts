import type { ArgDefinition, CommandDefinition, Example, FlagDefinition } from './definition.ts';
import type { Style } from './style.ts';

/** Width of help where there is no terminal to ask. */
export const HELP_WIDTH_DEFAULT = 80;
const HELP_WIDTH_MIN = 40;
const HELP_WIDTH_MAX = 100;
const INDENT = '  ';
/** Labels longer than this have their text on the next line. */
const LABEL_LENGTH_MAX = 30;

/** Width for help on a stream. */
export function helpWidth(stream: { readonly columns?: number }): number {
  // A terminal that does not know its size says 0.
  return Math.min(Math.max(stream.columns || HELP_WIDTH_DEFAULT, HELP_WIDTH_MIN), HELP_WIDTH_MAX);
}

/** `mdx replay FILE… [flags]` */
export function usageLine(command: CommandDefinition): string {
  return ['mdx', command.id, ...command.args.map(argLabel), '[flags]'].join(' ');
}

/** `FILE…`, in brackets where it may be left out. */
export function argLabel(arg: ArgDefinition): string {
  const name = arg.multiple ? `${arg.name}…` : arg.name;
  return arg.required ? name : `[${name}]`;
}

/** `-o, --output FILE` */
export function flagLabel(flag: FlagDefinition): string {
  const names = flag.char === null ? `--${flag.name}` : `-${flag.char}, --${flag.name}`;
  return flag.value === null ? names : `${names} ${flag.value}`;
}

/** The summary of a flag with what the label cannot say. */
export function flagText(flag: FlagDefinition): string {
  return flag.default === null ? flag.summary : `${flag.summary} [${flag.default}]`;
}

/** What `mdx COMMAND --help` prints. */
export function helpText(command: CommandDefinition, width: number, style: Style): string {
  const own = command.flags.filter((flag) => !flag.global);
  const shared = command.flags.filter((flag) => flag.global);
  const section = (title: string, body: string): string =>
    body === '' ? '' : `${style.bold(title)}\n${body}\n`;
  const flags = (list: readonly FlagDefinition[]): string =>
    labelled(
      list.map((flag) => [flag.char === null ? `    ${flagLabel(flag)}` : flagLabel(flag), flagText(flag)]),
      width,
    );
  return [
    `${style.bold(`mdx ${command.id}`)}: ${command.summary}\n\n`,
    section('Usage', `${INDENT}${usageLine(command)}\n`),
    section(
      'Arguments',
      labelled(
        command.args.map((arg) => [argLabel(arg), arg.summary]),
        width,
      ),
    ),
    section('Flags', flags(own)),
    section('Global flags', flags(shared)),
    section('Description', command.description && wrapped(command.description, width, INDENT)),
    section(
      'Examples',
      command.examples
        .map(
          ({ description, command: line }) => `${INDENT}${style.dim(`# ${description}`)}\n${INDENT}${line}\n`,
        )
        .join('\n'),
    ),
  ]
    .join('')
    .trimEnd()
    .concat('\n');
}

/** What to try first. */
export const FIRST_EXAMPLES: readonly Example[] = [
  {
    description: 'A session of a made-up exchange, straight into its books',
    command: 'mdx simulate -o - | mdx replay -',
  },
  { description: 'The report of a capture or file', command: 'mdx replay session.pcap.zst' },
  { description: 'The same for a script', command: 'mdx replay session.dbn --json | jq .book' },
];

/** What `mdx` alone prints: what it is for, pipes that work as typed, and the commands. */
export function overview(
  commands: readonly CommandDefinition[],
  version: string,
  style: Style,
  width: number,
): string {
  const examples = FIRST_EXAMPLES.map(
    ({ description, command }) => `${INDENT}${style.dim(`# ${description}`)}\n${INDENT}${command}\n`,
  );
  const list = labelled(
    commands.map(({ id, summary }) => [id, summary]),
    width,
  );
  return `${style.bold('mdx')} ${version}: market data from captures and files to exact order books

${style.bold('Try')}
${examples.join('')}
${style.bold('Commands')}
${list}
mdx COMMAND --help explains a command, mdx --version tells the version.
`;
}

/** Two columns: labels, and texts wrapped beside them. */
function labelled(rows: readonly (readonly [label: string, text: string])[], width: number): string {
  const labelWidth = rows.reduce(
    (most, [label]) => (label.length > LABEL_LENGTH_MAX ? most : Math.max(most, label.length)),
    0,
  );
  const margin = ' '.repeat(INDENT.length + labelWidth + 2);
  return rows
    .map(([label, text]) => {
      const body = wrapped(text, width, margin);
      if (label.length > labelWidth) return `${INDENT}${label}\n${body}`;
      return `${INDENT}${label.padEnd(labelWidth)}  ${body.trimStart() || '\n'}`;
    })
    .join('');
}

/** Text in lines of at most `width` characters, each with the margin; every \n of the text starts a line. */
function wrapped(text: string, width: number, margin: string): string {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && margin.length + line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines.map((line) => `${margin}${line}`.trimEnd().concat('\n')).join('');
}
