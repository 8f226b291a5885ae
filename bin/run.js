#!/usr/bin/env node
// Entry of the installed program. Old Nodes must be able to read this file, so that they can say what is needed.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const EXIT_NOT_RUN = 2;
const EXIT_OUTPUT = 4;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const argv = process.argv.slice(2);

if (argv.length === 1 && argv[0] === '--version') {
  printVersion();
} else if (isNewEnough(process.versions.node)) {
  await start();
} else {
  const brought = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  if (process.platform === 'linux' && existsSync(brought)) runUnder(brought);
  else refuse();
}

/** Answered without the program: most of a start is to load it. */
function printVersion() {
  process.stdout.on('error', (error) => {
    if (error.code === 'EPIPE') return;
    process.stderr.write(`error: writing stdout: ${error.message}\n`);
    process.exitCode = EXIT_OUTPUT;
  });
  process.stdout.write(`mdx ${pjson.version}\n`);
}

/** `^22.22.0 || >=24.6.0`, the `engines` of package.json. */
function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return (major === 22 && minor >= 22) || (major === 24 && minor >= 6) || major > 24;
}

/** Loads the program: what was built where it is there, else the sources. */
async function start() {
  module.enableCompileCache();
  const built = join(root, 'dist', 'cli', 'main.js');
  const fromSources = process.env.MDX_FROM_SOURCES === '1' || !existsSync(built);
  const main = fromSources ? join(root, 'src', 'cli', 'main.ts') : built;
  const { start } = await import(pathToFileURL(main).href);
  await start({ root, pjson, argv });
}

/**
 * Runs the same command under the Node that npm installed beside the sources. Signals are passed on as messages,
 * because those of a terminal reach the child anyway and must count once (src/cli/signals.ts).
 */
function runUnder(node) {
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGUSR2'];
  const passOn = (signal) => {
    if (child.connected) child.send({ signal }, () => {});
  };
  for (const signal of signals) process.on(signal, passOn);
  child.on('error', (error) => {
    process.stderr.write(`error: starting ${node}: ${error.message}\n`);
    process.exitCode = EXIT_NOT_RUN;
  });
  child.on('exit', (code, signal) => {
    // Until the end a signal that came too late must not change the exit code, so the listeners stay.
    if (signal === null) process.exit(code);
    for (const each of signals) process.removeListener(each, passOn);
    process.kill(process.pid, signal);
  });
}

function refuse() {
  process.stderr.write(
    `error: mdx needs Node ${pjson.engines.node}; this is ${process.versions.node} (${process.execPath})\n` +
      'hint: Install a current Node, or run mdx through npx: npx -y -p node@24 -p mdx-toolkit mdx …\n',
  );
  process.exitCode = EXIT_NOT_RUN;
}
