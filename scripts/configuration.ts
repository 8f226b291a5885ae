/*
 * Makes docs/configuration.md and docs/mdx.toml, the example, from the schema that files are checked against.
 *
 *     node scripts/configuration.ts [--check]
 */
import { RULES, type Rule } from '../src/core/config/earlier/rules.ts';
import { exampleFile } from '../src/core/config/example.ts';
import { SCHEMA, type SchemaKey } from '../src/core/config/schema/keys.ts';
import { settle } from './generated.ts';

const HEAD =
  'Configuration of mdx serve: every key with what it has unless it is said, or with an example where that is nothing. Made by scripts/configuration.ts. mdx config check FILE tells what is wrong with a file, docs/configuration.md explains more.';

settle(
  new Map([
    ['docs/configuration.md', reference()],
    ['docs/mdx.toml', exampleFile(HEAD)],
  ]),
  null,
);

function reference(): string {
  return `<!-- Made by scripts/configuration.ts; do not edit. -->

# Configuration of mdx serve

A file in TOML, [mdx.toml](mdx.toml) is one with every key:

\`\`\`sh
mdx config print > mdx.toml     # a file of all defaults
mdx config check mdx.toml       # all that is wrong with it, with line and column
mdx config print mdx.toml       # what each key has in the end, and who said so
mdx serve --config mdx.toml
\`\`\`

- A key has its value from a **flag**, else from the **environment**, else from the **file**, else its **default**. Every
  value is checked, also one that another stands above.
- Its variable of the environment is \`MDX_\` and its name: \`merge.gap_timeout\` is \`MDX_MERGE_GAP_TIMEOUT\`; items of a
  list stand behind each other with commas. \`--set merge.gap_timeout=5ms\` says any key that is no secret.
- A name that nobody knows is refused, in the file, in the environment and behind \`--set\`, with the one that was most
  likely meant. (Left alone are \`MDX_TOKEN\`, which opens ws:// inputs, and what clusters set for a service named mdx.)
- Durations have a unit: \`"250us"\`, \`"50ms"\`, \`"10s"\`, \`"36h"\`, \`"7d"\`. Sizes are bytes, or \`"64KiB"\`, \`"8MiB"\`, \`"50GB"\`.
- \`"none"\` says of a key that may be without a value that it is.
- Files and folders are relative to the folder of the file that names them; in flags and in the environment, to the
  folder that mdx was started in.
- Tokens never stand behind a flag, where every user of the machine could see them, and are not printed. Keep them in
  \`security.token_file\`, one \`NAME:TOKEN\` a line, or in \`MDX_SECURITY_TOKENS\`.
- **SIGHUP** reads the file again, that of the tokens, and those of the certificate. Keys marked ↻ take effect at once; the
  others wait for a restart, and that is said. With a fault in it, or where the two do not go together, all stays as it is.

${SCHEMA.map(({ name, summary, keys }) => section(name, summary, keys)).join('\n')}
## What has to fit together

- Inputs are read and senders heard, or lines are received, not both; \`source.speed\` is for inputs, and
  \`ingest.threads\` for senders. Line B has as many groups as line A.
- \`merge.pending_cap\` is at most half of \`receive.pool_slots\`: what waits behind holes leaves room for what comes next.
- \`journal.keep_bytes\` is not less than \`journal.segment_bytes\`; with \`no_storage\` there is no journal.
- \`raw_v1.b\` is served beside \`raw_v1.a\` only; no two servers have one address.
- What listens wider than on this machine needs a token, or \`security.insecure = true\`; \`ingest.listen\`, where senders
  have no tokens, needs the latter.
- \`http.tls.certificate\` and \`http.tls.key\` go together; names of tokens are not given twice.
- \`events.recent_events\` and \`events.batch_max\` are at most \`events.retained_events\`.

## Names of an earlier engine

Its file (numi-orderbook, TOML) is read, too: keys that mean the same are taken, the others are refused with the reason.

| there | here |
|---|---|
${[...RULES].map(([name, rule]) => `| \`${name}\` | ${ruleText(name, rule)} |`).join('\n')}
`;
}

function section(name: string, summary: string, keys: readonly SchemaKey[]): string {
  const title = name === '' ? '## Outside of sections\n' : `## [${name}]\n\n${summary}\n`;
  const rows = keys.map(({ path, key }) => {
    const { traits } = key;
    const short = name === '' ? path : path.slice(name.length + 1);
    const flag =
      traits.flag === undefined ? '' : traits.flag === 'INPUT' ? 'arguments' : `\`--${traits.flag}\``;
    const mark = traits.reload === true ? ' ↻' : '';
    return `| \`${short}\`${mark} | ${cell(traits.summary)} | ${cell(key.expected)} | \`${key.toToml(key.fallback)}\` | ${flag} |`;
  });
  return `${title}\n| key | | takes | default | flag |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
}

function ruleText(name: string, rule: Rule): string {
  switch (rule.kind) {
    case 'same':
      return `\`${rule.key}\``;
    case 'idle':
      return rule.only === null ? `says nothing: ${rule.why}` : `only \`${rule.only}\`: ${rule.why}`;
    case 'refused':
      return `refused: ${rule.why}${rule.key === null ? '' : ` (\`${rule.key}\`)`}`;
    default:
      return partText(name);
  }
}

/** Several keys there that are one here. */
function partText(name: string): string {
  const [first, second] = name.split('.');
  if (first === 'channels') return `\`lines.${second}\`, as one URI`;
  if (first === 'cpu') return '`receive.cpus`';
  if (first === 'recovery') return '`recovery.endpoint` begins with `tcp://`';
  if (second === 'auth_token') return '`security.tokens`, with the name `feeds`';
  return '`raw_v1.a` and `raw_v1.b`';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
