import { CROSS_CHECKS } from './cross-checks.ts';
import type { LoadedConfig } from './load.ts';
import { configError } from './problems.ts';
import { assemble } from './schema/keys.ts';

/** What another reading of the configuration means for an engine that runs. */
export interface Reload {
  /** How it runs from now on: what cannot change while it runs is as before. */
  readonly next: LoadedConfig;
  /** Paths of keys that take effect now, and of those that wait for a restart. */
  readonly applied: readonly string[];
  readonly restart: readonly string[];
}

/**
 * Takes over what may change while the engine runs. Throws MdxError where what may change does not go together with
 * what may not; then all stays as it is.
 */
export function reload(running: LoadedConfig, read: LoadedConfig): Reload {
  const applied: string[] = [];
  const restart: string[] = [];
  const settings = running.settings.map((before, at) => {
    const now = read.settings[at]!;
    const { path, key } = before.schema;
    // The file of the tokens may have the same name and others in it.
    const [from, to] =
      path === 'security.tokens'
        ? [running.config.security.tokens, read.config.security.tokens]
        : [before.value, now.value];
    const mayChange = key.traits.reload === true;
    if (JSON.stringify(from) !== JSON.stringify(to)) (mayChange ? applied : restart).push(path);
    return mayChange ? now : before;
  });
  const values = new Map(settings.map(({ schema, value }) => [schema.path, value]));
  values.set('security.tokens', read.config.security.tokens);
  const config = assemble((path) => values.get(path));
  for (const { keys, problem } of CROSS_CHECKS) {
    const found = problem(config);
    if (found !== null) {
      throw configError([{ where: 'what needs a restart is as before', key: keys[0]!, ...found }]);
    }
  }
  return { next: { config, settings, problems: [] }, applied, restart };
}

/** What was done, for people. */
export function reloadText({ applied, restart }: Reload): string {
  if (applied.length + restart.length === 0) return 'configuration read again: nothing has changed';
  const done = applied.length === 0 ? '' : ` took effect: ${applied.join(', ')}`;
  const left = restart.length === 0 ? '' : ` wait for a restart: ${restart.join(', ')}`;
  return `configuration read again;${[done, left].filter((text) => text !== '').join(';')}`;
}
