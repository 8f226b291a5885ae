import { MdxError } from '../errors.ts';
import type { Place } from './toml.ts';

/** Who said what a key has. */
export type Origin =
  | { readonly kind: 'default' }
  /** @property name of the key there, where it is not ours. */
  | { readonly kind: 'file'; readonly place: Place; readonly name: string }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'flag'; readonly flag: string };

/** Something that is wrong, and where. */
export interface Problem {
  /** `mdx.toml:3:9`, a flag, or a variable of the environment. */
  readonly where: string;
  /** Path of the key that it is about, as it stands there; null = the whole. */
  readonly key: string | null;
  readonly message: string;
  readonly hint: string | null;
}

export function placeText(file: string, { line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** Where a value comes from, for people: `mdx.toml:3`, `--gap-timeout`, `MDX_MERGE_WINDOW`, `default`. */
export function originText(origin: Origin, file: string | null): string {
  switch (origin.kind) {
    case 'file':
      return `${file}:${origin.place.line}`;
    case 'environment':
      return origin.variable;
    case 'flag':
      return origin.flag;
    default:
      return 'default';
  }
}

export function problemText({ where, message, hint }: Problem): string {
  return `${where}: ${message}${hint === null ? '' : ` (${hint.replace(/\.$/, '')})`}`;
}

/** All that is wrong, as the one error that ends a run. */
export function configError(problems: readonly Problem[]): MdxError {
  const [first] = problems;
  if (problems.length === 1) {
    return new MdxError('usage', `${first!.where}: ${first!.message}`, { hint: first!.hint ?? undefined });
  }
  const lines = problems.map((problem) => `  ${problemText(problem)}`);
  return new MdxError('usage', `${problems.length} problems with the configuration\n${lines.join('\n')}`, {
    hint: 'docs/configuration.md explains every key.',
  });
}
