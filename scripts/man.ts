/*
 * Makes the man pages, man/mdx.1 and one per command, from the definitions that help is made from.
 *
 *     node scripts/man.ts [--check]
 */
import { CommandSet } from '../src/cli/command-set.ts';
import type { CommandDefinition, Example, FlagDefinition } from '../src/cli/definition.ts';
import { EXIT_CODES } from '../src/cli/exit-codes.ts';
import { FIRST_EXAMPLES, flagText } from '../src/cli/help.ts';
import { packageVersion, settle } from './generated.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
};

const version = packageVersion();
const commands = await new CommandSet().definitions();
const pages = new Map<string, string>([['man/mdx.1', mainPage()]]);
for (const command of commands) pages.set(`man/mdx-${command.id}.1`, commandPage(command));
settle(pages, 'man');

function mainPage(): string {
  return page('mdx', [
    section('NAME', `mdx \\- ${roff('market data from captures and files to exact order books')}`),
    section('SYNOPSIS', '.B mdx\n.I command\n.RI [ argument \\&.\\|.\\|.]\n.RI [ flags ]'),
    section(
      'DESCRIPTION',
      roff(
        'Reads captures and files of exchange feeds and keeps full-depth order books of them. Data goes to standard output, everything said to people beside it to standard error.',
      ),
    ),
    section(
      'COMMANDS',
      commands.map(({ id, summary }) => `.TP\n.BR mdx\\-${roff(id)} (1)\n${roff(summary)}`).join('\n'),
    ),
    section('GLOBAL OPTIONS', flagList(commands[0]!.flags.filter((flag) => flag.global))),
    section(
      'EXIT STATUS',
      EXIT_CODES.map(({ code, meaning }) => `.TP\n.B ${code}\n${roff(meaning)}`).join('\n'),
    ),
    section(
      'ENVIRONMENT',
      `.TP\n.B NO_COLOR\n${roff('If set and not empty, no colours unless --color always is given.')}`,
    ),
    section('EXAMPLES', exampleList(FIRST_EXAMPLES)),
    section('SEE ALSO', seeAlso(commands.map(({ id }) => `mdx\\-${roff(id)}`))),
  ]);
}

function commandPage(command: CommandDefinition): string {
  const args = command.args.map((arg) => {
    const dots = arg.multiple ? ' \\&.\\|.\\|.' : '';
    return arg.required ? `.I ${roff(arg.name)}${dots}` : `.RI [ ${roff(arg.name)}${dots.trim()} ]`;
  });
  const argList = command.args.map((arg) => `.TP\n.I ${roff(arg.name)}\n${roff(arg.summary)}`);
  return page(`mdx-${command.id}`, [
    section('NAME', `mdx\\-${roff(command.id)} \\- ${roff(command.summary)}`),
    section('SYNOPSIS', [`.B mdx ${roff(command.id)}`, ...args, '.RI [ flags ]'].join('\n')),
    section('DESCRIPTION', command.description.split('\n').map(roff).join('\n.PP\n')),
    ...(argList.length === 0 ? [] : [section('ARGUMENTS', argList.join('\n'))]),
    section('OPTIONS', flagList(command.flags.filter((flag) => !flag.global))),
    section('GLOBAL OPTIONS', flagList(command.flags.filter((flag) => flag.global))),
    section('EXAMPLES', exampleList(command.examples)),
    section('EXIT STATUS', 'The same for every command; see\n.BR mdx (1).'),
    section('SEE ALSO', '.BR mdx (1)'),
  ]);
}

function page(name: string, sections: readonly string[]): string {
  const head = `.\\" Made by scripts/man.ts; do not edit.\n.TH ${name.toUpperCase().replaceAll('-', '\\-')} 1 "" "mdx ${version}" "User Commands"\n`;
  return head + sections.filter((text) => text !== '').join('');
}

function section(title: string, body: string): string {
  return body === '' ? '' : `.SH ${title}\n${body}\n`;
}

function flagList(flags: readonly FlagDefinition[]): string {
  return flags
    .map((flag) => {
      const names = flag.char === null ? '' : `\\fB\\-${flag.char}\\fR, `;
      const value = flag.value === null ? '' : ` \\fI${roff(flag.value)}\\fR`;
      return `.TP\n${names}\\fB\\-\\-${roff(flag.name)}\\fR${value}\n${roff(flagText(flag))}`;
    })
    .join('\n');
}

function seeAlso(names: readonly string[]): string {
  return names.map((name, at) => `.BR ${name} (1)${at < names.length - 1 ? ',' : ''}`).join('\n');
}

function exampleList(examples: readonly Example[]): string {
  return examples
    .map(({ description, command }) => `${roff(description)}:\n${code(command)}`)
    .join('\n.PP\n');
}

/** A line to type. */
function code(line: string): string {
  return `.PP\n.RS 4\n.nf\n${roff(line)}\n.fi\n.RE`;
}

/** Text as roff: what has a meaning there is escaped, what is not ASCII is named by its code point. */
function roff(text: string): string {
  return text
    .replaceAll(/[\\\-'`^~"]/g, (char) => ESCAPES[char]!)
    .replaceAll(/[^\n\x20-\x7e]/gu, (char) => {
      return `\\[u${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`;
    })
    .replaceAll(/^\./gm, '\\&.');
}
