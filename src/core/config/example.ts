import type { Key } from './key.ts';
import { SCHEMA, type SchemaKey } from './schema/keys.ts';

const WIDTH = 100;

/** A file with every key, each explained and switched off: what it has unless said, or an example where that is nothing. */
export function exampleFile(head: string): string {
  const sections = SCHEMA.map(({ name, summary, keys }) => {
    const title = name === '' ? '' : `# ${summary}\n[${name}]\n`;
    return `${title}${keys.map((each) => entry(each, name)).join('')}`;
  });
  return `${comment(head)}\n${sections.join('\n')}`;
}

/** What stands behind a key in the example. */
export function exampleValue({ fallback, traits, toToml }: Key<unknown>): string {
  return traits.example ?? toToml(fallback);
}

function entry({ path, key }: SchemaKey, section: string): string {
  const name = section === '' ? path : path.slice(section.length + 1);
  const reload = key.traits.reload === true ? ' Changes with SIGHUP.' : '';
  const takes = sentence(key.expected);
  return `${comment(`${sentence(key.traits.summary)} ${takes}${reload}`)}#${name} = ${exampleValue(key)}\n`;
}

/** With a capital, unless it begins with a scheme: `tcp://…` is how it is written. */
function sentence(text: string): string {
  const start = /^[a-z+]+:/.test(text) ? text.charAt(0) : text.charAt(0).toUpperCase();
  return `${start}${text.slice(1)}.`;
}

/** Lines of a comment, broken between words. */
function comment(text: string): string {
  let line = '#';
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    if (line.length + word.length >= WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return `${[...lines, line].join('\n')}\n`;
}
