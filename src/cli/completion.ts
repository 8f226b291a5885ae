import type { CommandDefinition, FlagDefinition } from './definition.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A script for the shell that completes commands, flags, closed lists of values and file names. */
export function completionScript(shell: Shell, commands: readonly CommandDefinition[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
  }
}

const HELP_FLAG: FlagDefinition = {
  name: 'help',
  char: 'h',
  summary: 'explain the command',
  value: null,
  options: [],
  default: null,
  multiple: false,
  required: false,
  global: true,
};

function flagsOf(command: CommandDefinition): FlagDefinition[] {
  return [...command.flags, HELP_FLAG];
}

/** What can stand where the command's own words go: the closed list of its first argument. */
function wordsOf(command: CommandDefinition): readonly string[] {
  return command.args[0]?.options ?? [];
}

function bash(commands: readonly CommandDefinition[]): string {
  const cases = commands
    .map((command) => {
      const flags = flagsOf(command);
      const values = flags
        .filter((flag) => flag.options.length > 0)
        .map((flag) => `        --${flag.name}) words='${flag.options.join(' ')}' ;;\n`);
      const open = flags
        .filter((flag) => flag.value !== null && flag.options.length === 0)
        .map((flag) => (flag.char === null ? `--${flag.name}` : `--${flag.name}|-${flag.char}`));
      const files = open.length === 0 ? '' : `        ${open.join('|')}) ;;\n`;
      const names = flags.map((flag) => `--${flag.name}`).join(' ');
      const own = wordsOf(command).join(' ');
      return `    ${command.id})
      case "$before" in
${values.join('')}${files}        *) case "$word" in -*) words='${names}' ;; *) words='${own}' ;; esac ;;
      esac ;;
`;
    })
    .join('');
  return `# completion of mdx for bash
_mdx() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words=''
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(({ id }) => id).join(' ')} --help --version' -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
    help) words='${commands.map(({ id }) => id).join(' ')}' ;;
${cases}  esac
  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$word"))
  else COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _mdx mdx
`;
}

function zsh(commands: readonly CommandDefinition[]): string {
  const quoted = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, '\\$&');
  const list = commands.map(({ id, summary }) => `    '${id}:${quoted(summary)}'\n`).join('');
  const cases = commands
    .map((command) => {
      const specs = flagsOf(command).map((flag) => {
        const text = `[${quoted(flag.summary)}]`;
        const value = flag.value === null ? '' : `:${quoted(flag.value)}:${valuesOf(flag)}`;
        const names = flag.char === null ? `'--${flag.name}` : `{-${flag.char},--${flag.name}}'`;
        return `      ${flag.multiple ? "'*'" : ''}${names}${text}${value}'`;
      });
      const own = wordsOf(command);
      const rest = own.length > 0 ? `'*:word:(${own.join(' ')})'` : "'*:file:_files'";
      return `    ${command.id}) _arguments \\\n${[...specs, `      ${rest}`].join(' \\\n')} ;;\n`;
    })
    .join('');
  return `#compdef mdx
# completion of mdx for zsh
_mdx() {
  local -a commands
  commands=(
${list}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases}  esac
}
if [ "$funcstack[1]" = _mdx ]; then _mdx "$@"; else compdef _mdx mdx; fi
`;
}

function valuesOf(flag: FlagDefinition): string {
  return flag.options.length > 0 ? `(${flag.options.join(' ')})` : '_files';
}

function fish(commands: readonly CommandDefinition[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap((command) => {
    const when = `-n '__fish_seen_subcommand_from ${command.id}'`;
    const flags = flagsOf(command).map((flag) => {
      const char = flag.char === null ? '' : ` -s ${flag.char}`;
      const value =
        flag.value === null
          ? ''
          : flag.options.length > 0
            ? ` -x -a ${quoted(flag.options.join(' '))}`
            : ' -r';
      return `complete -c mdx ${when} -l ${flag.name}${char}${value} -d ${quoted(flag.summary)}`;
    });
    const own = wordsOf(command);
    const words = own.length > 0 ? [`complete -c mdx ${when} -f -a ${quoted(own.join(' '))}`] : [];
    return [
      `complete -c mdx -n __fish_use_subcommand -f -a ${command.id} -d ${quoted(command.summary)}`,
      ...words,
      ...flags,
    ];
  });
  return `# completion of mdx for fish\n${lines.join('\n')}\n`;
}
